"""A service with a quota and callers with a limiter, on a clock that jumps from event to event."""

from __future__ import annotations

import heapq
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from cloudvision.limit import Limiter


@dataclass
class Simulation:
    """Callers that always have another picture, against a quota over any window of a second.

    Args:
        quota: admitted calls in any second, as a function of the time.
        late_s: a request arrives up to so much later than it started.
    """

    quota: Callable[[float], float]
    workers: int = 16
    latency_s: float = 0.3
    late_s: float = 0.005
    retry_after: float | None = None
    now: float = 0.0
    answered: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    def run(self, limiter: Limiter, *, seconds: float) -> Simulation:
        draw, order = random.Random(1), iter(range(10**9))
        events: list[tuple[float, int, str, int]] = []
        admitted: deque[float] = deque()
        waiting = self.workers
        turn_at: float | None = None

        def later(delay: float, what: str, number: int = 0) -> None:
            heapq.heappush(events, (self.now + delay, next(order), what, number))

        later(0.0, "turn")
        while events and events[0][0] <= seconds:
            self.now, _, what, number = heapq.heappop(events)
            if what == "arrive":
                while admitted and admitted[0] <= self.now - 1:
                    admitted.popleft()
                if len(admitted) < self.quota(self.now):
                    admitted.append(self.now)
                    later(self.latency_s, "answer", number)
                else:
                    later(0.02, "refuse", number)
                continue
            if what in ("answer", "refuse"):
                waiting += 1
                (self.answered if what == "answer" else self.refused).append(self.now)
                if what == "answer":
                    limiter.answered()
                else:
                    limiter.throttled(number, retry_after=self.retry_after)
            elif turn_at != self.now and turn_at is not None:
                continue  # somebody asks at another time already
            turn_at = None
            while waiting:
                turn = limiter.try_acquire()
                if turn.wait_s > 0:
                    turn_at = self.now + turn.wait_s
                    later(turn.wait_s, "turn")
                    break
                waiting -= 1
                later(draw.uniform(0, self.late_s), "arrive", turn.number)
        return self

    def used(self, since: float, until: float) -> float:
        """Share of the quota that was used between the two times."""
        answers = sum(since < at <= until for at in self.answered)
        return answers / ((until - since) * self.quota(until))

    def throttled(self, since: float = 0.0) -> float:
        refused, answered = (sum(at > since for at in times) for times in (self.refused, self.answered))
        return refused / (refused + answered)
