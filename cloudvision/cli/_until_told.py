"""Commands that go on until they are told to stop."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

OWN_ADDRESSES = ("127.0.0.1", "::1", "localhost")
"""Addresses that let in nobody but this machine."""


@contextmanager
def until_told(stop: Callable[[], None]) -> Iterator[None]:
    """Within this block Ctrl-C and SIGTERM call `stop`."""

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop()

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
