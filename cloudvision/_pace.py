"""How fast to go where the quota is unknown: additive increase, multiplicative decrease.

The rate is doubled every second and a half until the service throttles for the first time. At each congestion it is cut
by 15 %, and for each second after that it grows by 0.5 % of the rate at which that happened, so that it is back there
after 30 seconds and asks for a little more. It only grows while callers really wait for their turn, and where it has
passed the old mark by a tenth without being throttled (the quota was raised), it doubles again.
"""

from __future__ import annotations

FIRST_PER_S = 5.0
LOWEST_PER_S = 0.1
CUT = 0.85
DOUBLING = 0.5
"""Calls a second more for each answered call before the first congestion: e**0.5, times 1.65, each second."""
STEP = 0.005
PASSED = 1.1
BURST_S = 0.1
"""How late a caller may be and still have its turn beside the next one: threads do not wake to the millisecond."""


class Pace:
    """The rate of one account as far as it is known. Not safe for threads by itself: `Limiter` holds its lock."""

    def __init__(self, *, ceiling: float | None = None) -> None:
        self._ceiling = float("inf") if ceiling is None else ceiling
        self.per_second = min(FIRST_PER_S, self._ceiling)
        self._mark: float | None = None  # the rate at the last congestion
        self._next = float("-inf")
        self._waited_for = float("-inf")

    def wait(self, now: float) -> float:
        """Seconds until the next call may start; 0 or less for now."""
        wait = self._next - BURST_S - now
        if wait > 0:
            self._waited_for = now + wait
        return wait

    def start(self, now: float) -> None:
        """A call starts."""
        self._next = max(self._next, now) + 1 / self.per_second

    def answered(self, now: float) -> None:
        """A call was let through."""
        if now - self._waited_for > 1.0:
            return  # callers come slower than they may: this says nothing about a higher rate
        if self._mark is not None and self.per_second > PASSED * self._mark:
            self._mark = None
        grown = DOUBLING if self._mark is None else STEP * self._mark / self.per_second
        self.per_second = min(self._ceiling, self.per_second + grown)

    def throttled(self) -> None:
        """A congestion begins."""
        self._mark = self.per_second
        self.per_second = max(LOWEST_PER_S, CUT * self.per_second)
