"""Threads that decode pictures and run models. Both release Python's lock, so one a core, and one more, keep all cores busy."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Protocol

from cloudvision.errors import ImageError
from cloudvision.serve.catalog import Entry
from cloudvision.serve.job import Job, Outcome
from cloudvision.serve.lane import Prepare, Run

_log = logging.getLogger(__name__)
_LONGEST_JOIN_S = 10.0


class Watch(Protocol):
    """Is told what happens; called by many threads."""

    def ran(self, entry: Entry, count: int, *, seconds: float, waited: Sequence[float]) -> None:
        """An inference over `count` pictures; `waited` is from their asking to its beginning, in seconds."""
        ...


class FullError(Exception):
    """There is no room in the line; `retry_after` is in whole seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"the line is full; try again in {retry_after} s")
        self.retry_after = retry_after


class Workers:
    """A pool that works on the lanes of all models in turn. Begins at once; `close` ends it.

    Args:
        threads: how many pictures are worked on at the same time.
        watch: is told what happens.
        clock: seconds, monotonic.
    """

    def __init__(
        self, entries: Sequence[Entry], *, threads: int, watch: Watch, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._entries = tuple(entries)
        self._watch = watch
        self.clock = clock
        self._wake = threading.Condition()
        self._closing = False
        self._idle = 0
        self._turn = 0
        self._threads = [
            threading.Thread(target=self._work, name=f"serve-{number}", daemon=True) for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def admit(self, entry: Entry, jobs: Sequence[Job]) -> None:
        """Let `jobs` join the line of a model.

        Raises:
            FullError: there is no room for all of them.
        """
        with self._wake:
            if not entry.lane.admit(jobs):
                raise FullError(entry.lane.retry_after)
            self._wake.notify(len(jobs))

    def waiting(self, entry: Entry) -> int:
        """Pictures in the line of a model."""
        with self._wake:
            return len(entry.lane)

    def close(self) -> None:
        """Let the threads end; what still waits is dropped."""
        with self._wake:
            self._closing = True
            self._wake.notify_all()
        for thread in self._threads:
            thread.join(_LONGEST_JOIN_S)

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self.close()

    def _work(self) -> None:
        while (found := self._next()) is not None:
            entry, step, alone = found
            if isinstance(step, Prepare):
                self._prepare(entry, step.job)
            else:
                self._run(entry, step, alone=alone)

    def _next(self) -> tuple[Entry, Prepare | Run, bool] | None:
        """Wait for something to do, and see whether all others are idle; None when it is time to end."""
        with self._wake:
            while not self._closing:
                found = self._look()
                if found is not None:
                    more = any(entry.lane.has_work for entry in self._entries)
                    if self._idle and more:
                        self._wake.notify()
                    return *found, not more and self._idle == len(self._threads) - 1
                self._idle += 1
                self._wake.wait(self._patience())
                self._idle -= 1
            return None

    def _look(self) -> tuple[Entry, Prepare | Run] | None:
        """The next step of the first lane that has one, beginning with another lane each time."""
        now, count = self.clock(), len(self._entries)
        for each in range(count):
            entry = self._entries[(self._turn + each) % count]
            step = entry.lane.next(now, free=self._idle + 1)
            if step is not None:
                self._turn = (self._turn + each + 1) % count
                return entry, step
        return None

    def _patience(self) -> float | None:
        due = [at for entry in self._entries if (at := entry.lane.due_at()) is not None]
        return max(0.0, min(due) - self.clock()) if due else None

    def _prepare(self, entry: Entry, job: Job) -> None:
        started = self.clock()
        outcome: Outcome = None
        try:
            value = entry.runs.prepare(job.load())
        except ImageError as error:
            outcome = error
        except Exception:  # noqa: BLE001 - a bug met by one picture must not end the thread that serves all others
            _log.exception("preparing a picture for %s failed", entry.name)
        else:
            now = self.clock()
            with self._wake:
                entry.lane.prepared(job, value, now=now, seconds=now - started)
            return
        with self._wake:
            entry.lane.spoilt(seconds=self.clock() - started)
        job.group.put(job.index, outcome)

    def _run(self, entry: Entry, step: Run, *, alone: bool) -> None:
        started = self.clock()
        outcomes = self._outcomes(entry, step.jobs, alone=alone)
        seconds = self.clock() - started
        with self._wake:
            entry.lane.ran(len(step.jobs), seconds=seconds)
        for job, outcome in zip(step.jobs, outcomes, strict=True):
            job.group.put(job.index, outcome)
        self._watch.ran(entry, len(step.jobs), seconds=seconds, waited=[started - job.asked_at for job in step.jobs])

    def _outcomes(self, entry: Entry, jobs: Sequence[Job], *, alone: bool) -> Sequence[Outcome]:
        try:
            return entry.runs.run([job.prepared for job in jobs], alone=alone)
        except Exception:  # noqa: BLE001 - as above
            if len(jobs) > 1:  # one of them spoils the batch for the others
                return [self._outcomes(entry, [job], alone=False)[0] for job in jobs]
            _log.exception("running %s failed", entry.name)
            return [None]
