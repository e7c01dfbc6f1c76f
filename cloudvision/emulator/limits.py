"""Quotas on requests: sliding windows of a second and a minute."""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable, Hashable

from cloudvision.quotas import Quota


class Windows:
    """Counts requests by key. Safe to share between threads.

    Args:
        clock: seconds, monotonic.
    """

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._starts: dict[Hashable, deque[float]] = {}
        self._lock = threading.Lock()

    def admit(self, key: Hashable, quota: Quota) -> float | None:
        """Count a request unless the quota is used up: None, or the seconds until it is not."""
        if quota.per_second is None and quota.per_minute is None:
            return None
        now = self._clock()
        with self._lock:
            starts = self._starts.setdefault(key, deque())
            while starts and starts[0] <= now - 60:
                starts.popleft()
            for length, most in ((60.0, quota.per_minute), (1.0, quota.per_second)):
                if most is None:
                    continue
                # Less than one a second is one in a longer time.
                span, count = (length, math.floor(most)) if most >= 1 else (length / most, 1)
                if len(starts) >= count and starts[-count] > now - span:
                    return starts[-count] + span - now
            starts.append(now)
        return None

    def clear(self) -> None:
        """Forget all requests."""
        with self._lock:
            self._starts.clear()
