"""The line of pictures in front of one model: how many may wait, what is to be done next, and when a batch sets off.

Nothing here waits or knows threads: `workers.py` asks under its lock, with the time in its hand.

A picture is first prepared (decoded, made the network's size), then run together with others. A batch sets off when it is
full, when its first picture has waited for `delay_s`, or when nothing else is on its way to it; so a lonely picture never
waits for company that does not come. A worker that would stand idle while others decode waits for them only where batches
gain much (`patient`); else it takes what is there.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cloudvision.serve.job import Job

_LONGEST_S = 60
_RECENT = 0.1
"""Share of the newest measurement in the running mean of what a picture costs."""


@dataclass(frozen=True, slots=True)
class Prepare:
    """Decode this picture."""

    job: Job


@dataclass(frozen=True, slots=True)
class Run:
    """Run these together."""

    jobs: tuple[Job, ...]


class Lane:
    """See above.

    Args:
        most: pictures that may wait, those that are being prepared among them.
        batch: pictures of one inference.
        delay_s: seconds that a prepared picture waits for others that are on their way.
        patient: waiting for company is worth more than a core that is idle meanwhile.
        hands: workers there are.
        at_once: inferences that may run at the same time.
        seconds: that one picture takes a worker, to begin with.
    """

    def __init__(
        self, *, most: int, batch: int, delay_s: float, patient: bool, hands: int, at_once: int, seconds: float
    ) -> None:
        self.most = most
        self.batch = batch
        self._delay_s = delay_s
        self._patient = patient
        self._hands = hands
        self._at_once = at_once
        self._waiting: deque[Job] = deque()
        self._ready: deque[Job] = deque()
        self._preparing = 0
        self._running = 0
        self._prepare_s = 0.0
        self._run_s = seconds

    def __len__(self) -> int:
        """Pictures that wait for their inference."""
        return len(self._waiting) + self._preparing + len(self._ready)

    @property
    def retry_after(self) -> int:
        """Whole seconds until what waits now should be done."""
        return min(_LONGEST_S, max(1, math.ceil(len(self) * (self._prepare_s + self._run_s) / self._hands)))

    @property
    def has_work(self) -> bool:
        """True where a worker could be of use, now or soon."""
        return bool(self._waiting or (self._ready and self._running < self._at_once))

    def admit(self, jobs: Sequence[Job]) -> bool:
        """All of `jobs` join the line, or False: there is no room for them."""
        if len(self) + len(jobs) > self.most:
            self._waiting = deque(job for job in self._waiting if not job.group.abandoned)
            self._ready = deque(job for job in self._ready if not job.group.abandoned)
        if len(self) + len(jobs) > self.most:
            return False
        self._waiting.extend(jobs)
        return True

    def next(self, now: float, *, free: int) -> Prepare | Run | None:
        """What a worker should do; None where there is nothing yet.

        Args:
            free: workers without work, the one that asks among them.
        """
        for line in (self._waiting, self._ready):
            while line and line[0].group.abandoned:
                line.popleft()
        if self._due(now):
            jobs = tuple(self._ready.popleft() for _ in range(self._share(free)))
            self._running += 1
            return Run(jobs)
        # No more is decoded ahead than two batches: prepared pictures are large.
        if self._waiting and self._preparing + len(self._ready) < 2 * self.batch + self._hands:
            self._preparing += 1
            return Prepare(self._waiting.popleft())
        return None

    def due_at(self) -> float | None:
        """When `next` should be asked again although nothing else has happened."""
        return self._ready[0].ready_at + self._delay_s if self._ready and self._running < self._at_once else None

    def prepared(self, job: Job, value: Any, *, now: float, seconds: float) -> None:
        """A picture is ready to be run."""
        self.spoilt(seconds=seconds)
        job.prepared, job.ready_at = value, now
        self._ready.append(job)

    def spoilt(self, *, seconds: float) -> None:
        """A picture could not be prepared."""
        self._preparing -= 1
        self._prepare_s += _RECENT * (seconds - self._prepare_s)

    def ran(self, count: int, *, seconds: float) -> None:
        """An inference over `count` pictures has ended."""
        self._running -= 1
        self._run_s += _RECENT * (seconds / count - self._run_s)

    def _due(self, now: float) -> bool:
        if not self._ready or self._running >= self._at_once:
            return False
        if len(self._ready) >= self.batch or not (self._waiting or (self._preparing and self._patient)):
            return True
        return now >= self._ready[0].ready_at + self._delay_s

    def _share(self, free: int) -> int:
        """Of what is ready: a fair part where other workers have nothing else to do, a batch otherwise."""
        count = len(self._ready)
        if not self._waiting:
            count = math.ceil(count / max(1, min(free, self._at_once - self._running)))
        return min(self.batch, count)
