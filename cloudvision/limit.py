"""How fast calls may leave: sliding windows that all threads, or all processes of a ledger, share.

A service counts calls and polls of long-running operations apart: give each a `Limiter` of its own, with a `bucket` of
its own where they are shared.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from cloudvision._pace import Pace

log = logging.getLogger(__name__)

SLACK = 0.015
"""Share by which a window is longer than the service's own: starts are counted here and arrivals there."""
_SLACK_STEP, _SLACK_MOST, _SLACK_BACK = 0.003, 0.1, 1e-5
"""A service that throttles all the same gets so much more, up to that; each answered call takes so much back."""
SMOOTH_S = 0.1
_HURRY = 1.25
"""Within a second calls may leave so much faster than the rate, to make up for threads that woke late."""
_TINY_S = 1e-9
PAUSE_S = 1.0
"""How long everybody pauses after a throttled call whose answer does not say."""
BREATH_S = 0.1
"""The same where the quota is known: a call or two arrived early, and the next windows have room again."""


class SharedStarts(Protocol):
    """Where several processes count their starts together; a `Ledger` is one."""

    def take_start(self, bucket: str, windows: Sequence[tuple[int, float]], /) -> float:
        """Count a start and return 0, or return the seconds to wait before asking again."""
        ...

    def pause_starts(self, bucket: str, seconds: float, /) -> None:
        """Nobody starts for `seconds` from now."""
        ...


@dataclass(frozen=True, slots=True)
class Turn:
    """What `Limiter.try_acquire` says: start now as number `number` (`wait_s` is 0), or ask again after `wait_s`."""

    number: int
    wait_s: float = 0.0


class Limiter:
    """At most so many calls in any window of time.

    The windows slide: wherever one is placed, a second holds no more than `per_second` starts (rounded up) and a minute
    no more than `per_minute`, and over longer times the rate is not exceeded either. The calls of a second are spread
    over it. Callers get their turns in the order in which they came.

    Args:
        per_second, per_minute: most calls that may start in any such stretch; None for no limit.
        adaptive: the real quota is unknown (and at most what the other arguments say): find it by going faster until
            the service throttles, then slower, and so on; see `cloudvision/_pace.py` for the figures.
        shared: counts the starts of several processes together; by default those of this object alone are counted.
        bucket: what is counted together there.
        clock: seconds, monotonic.
        sleep: waits that many seconds; may raise to end the wait (see `StopSignal.sleep`).
    """

    def __init__(
        self,
        per_second: float | None = None,
        per_minute: float | None = None,
        *,
        adaptive: bool = False,
        shared: SharedStarts | None = None,
        bucket: str = "calls",
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._windows = _windows(per_second, per_minute)
        self._starts: deque[float] = deque(maxlen=max((calls for calls, _ in self._windows), default=1))
        self._pace = Pace(ceiling=per_second) if adaptive else None
        self._shared = shared
        self._bucket = bucket
        self._paused_until = float("-inf")
        self._number = 0
        self._slack = SLACK
        self._congested_at = 0  # the last call that had started when the latest congestion was noticed
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._queue = threading.Lock()

    def acquire(self) -> int:
        """Wait until one more call may start, count it, and return its number (for `throttled`).

        Raises:
            StoppedError: the injected sleep was told to stop.
        """
        # One caller sleeps and the others stand behind it: they do not all wake up for one turn.
        with self._queue:
            while (turn := self.try_acquire()).wait_s > 0:
                self._sleep(turn.wait_s)
            return turn.number

    def try_acquire(self) -> Turn:
        """Count one more call if it may start now, without waiting."""
        with self._lock:
            now = self._clock()
            wait = max(self._paused_until - now, *(self._left(window, now) for window in self._stretched()), 0.0)
            if self._pace is not None:
                wait = max(wait, self._pace.wait(now))
            if wait <= _TINY_S and self._shared is not None:
                wait = self._shared.take_start(self._bucket, self._stretched())
            if wait > _TINY_S:
                return Turn(self._number, wait)
            self._starts.append(now)
            self._number += 1
            if self._pace is not None:
                self._pace.start(now)
            return Turn(self._number)

    def answered(self) -> None:
        """A call was let through by the service, whatever it said of the picture."""
        with self._lock:
            self._slack = max(SLACK, self._slack - _SLACK_BACK)
            if self._pace is not None:
                self._pace.answered(self._clock())

    def throttled(self, number: int, *, retry_after: float | None = None) -> None:
        """The call `number` was throttled: everybody pauses, and the limiter slows down.

        An adaptive one cuts its rate, one with a known quota keeps a little more distance. Calls that were on their way
        already when it did so belong to the same congestion and do not slow it down again.

        Args:
            number: what `acquire` or `try_acquire` gave.
            retry_after: seconds that the service asked for.
        """
        with self._lock:
            fresh = number > self._congested_at
            if fresh:
                self._congested_at = self._number
                self._slack = min(_SLACK_MOST, self._slack + _SLACK_STEP)
                if self._pace is not None:
                    self._pace.throttled()
        if fresh or retry_after is not None:
            unknown = self._pace is not None or not self._windows
            seconds = retry_after if retry_after is not None else PAUSE_S if unknown else BREATH_S
            log.info("throttled (%s): nobody starts for %.1f s, rate %s", self._bucket, seconds, self.per_second)
            self.pause(seconds)

    def pause(self, seconds: float) -> None:
        """Nobody starts for `seconds` from now: one throttled call speaks for all."""
        with self._lock:
            self._paused_until = max(self._paused_until, self._clock() + seconds)
        if self._shared is not None:
            self._shared.pause_starts(self._bucket, seconds)

    @property
    def per_second(self) -> float | None:
        """The rate in force, calls a second; None for no limit."""
        fixed = min((calls / seconds for calls, seconds in self._windows), default=None)
        return fixed if self._pace is None else min(self._pace.per_second, fixed or float("inf"))

    def free(self) -> float:
        """Share, 0 to 1, of the fullest window that is free now; 0 while paused."""
        with self._lock:
            now = self._clock()
            if self._paused_until > now or (self._pace is not None and self._pace.wait(now) > 0):
                return 0.0
            windows = self._stretched()
            shares = [1 - sum(at + seconds > now for at in self._starts) / calls for calls, seconds in windows]
            return max(0.0, min(shares, default=1.0))

    def _stretched(self) -> tuple[tuple[int, float], ...]:
        return tuple((calls, (1 + self._slack) * seconds) for calls, seconds in self._windows)

    def _left(self, window: tuple[int, float], now: float) -> float:
        calls, seconds = window
        return self._starts[-calls] + seconds - now if len(self._starts) >= calls else 0.0


def _windows(per_second: float | None, per_minute: float | None) -> tuple[tuple[int, float], ...]:
    """(calls, seconds) pairs: no more than so many starts in any stretch of so many seconds."""
    found: list[tuple[int, float]] = []
    for rate, seconds in ((per_second, 1.0), (per_minute, 60.0)):
        if rate is None:
            continue
        if not rate > 0:
            raise ValueError(f"a rate must be above 0, got {rate}")
        # 2.5 calls a second are 3 calls in any 1.2 seconds: a shorter window of 2 would let a second hold 4.
        calls = math.ceil(rate)
        found.append((calls, seconds * calls / rate))
    if per_second is not None and (few := math.ceil(per_second * SMOOTH_S)) < math.ceil(per_second):
        found.append((few, few / (per_second * _HURRY)))
    return tuple(found)
