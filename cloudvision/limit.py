"""How fast calls may leave: sliding windows that all threads share."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable


class Limiter:
    """At most so many calls in any window of time.

    The window slides: however it is placed, no stretch of one second holds more than `per_second` starts and no stretch
    of one minute more than `per_minute`. A rate below one call a second becomes one call in a longer window.

    Args:
        per_second, per_minute: most calls that may start in any such stretch; None for no limit.
        clock: seconds, monotonic.
        sleep: waits that many seconds; may raise to end the wait (see `StopSignal.sleep`).
    """

    def __init__(
        self,
        per_second: float | None = None,
        per_minute: float | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._windows: list[tuple[int, float]] = []
        for rate, seconds in ((per_second, 1.0), (per_minute, 60.0)):
            if rate is None:
                continue
            if rate <= 0:
                raise ValueError(f"a rate must be above 0, got {rate}")
            calls = max(1, int(rate))
            # 2.5 calls a second are 2 calls in any 0.8 seconds.
            self._windows.append((calls, seconds * calls / rate))
        self._starts: deque[float] = deque(maxlen=max((calls for calls, _ in self._windows), default=1))
        self._paused_until = float("-inf")
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()

    def acquire(self) -> None:
        """Wait until one more call may start, and count it.

        Raises:
            StoppedError: the injected sleep was told to stop.
        """
        while (wait := self._try()) > 0:
            self._sleep(wait)

    def pause(self, seconds: float) -> None:
        """Nobody starts for `seconds` from now: one throttled call speaks for all."""
        with self._lock:
            self._paused_until = max(self._paused_until, self._clock() + seconds)

    def _try(self) -> float:
        with self._lock:
            now = self._clock()
            wait = self._paused_until - now
            for calls, seconds in self._windows:
                if len(self._starts) >= calls:
                    wait = max(wait, self._starts[-calls] + seconds - now)
            if wait <= 0:
                self._starts.append(now)
                return 0.0
            return wait
