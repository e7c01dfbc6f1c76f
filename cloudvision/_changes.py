"""Waiting for attempts of this process to end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

_LOOK_S = 0.25


class Changes:
    """Wakes the threads of one ledger when an attempt ends; what other processes do is not seen."""

    def __init__(self) -> None:
        self._changed = threading.Condition()

    def wake(self) -> None:
        """An attempt has ended."""
        with self._changed:
            self._changed.notify_all()

    def wait(self, seconds: float) -> None:
        """Wait until an attempt ends, at most `seconds`."""
        with self._changed:
            self._changed.wait(seconds)

    def wait_until_none(self, open_attempts: Callable[[], int], seconds: float) -> bool:
        """Wait until there are no open attempts, at most `seconds`; whether that came about."""
        until = time.monotonic() + seconds
        while open_attempts():
            if (left := until - time.monotonic()) <= 0:
                return False
            self.wait(min(left, _LOOK_S))
        return True
