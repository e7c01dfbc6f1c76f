"""Many sources, several threads, bounded memory."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from cloudvision.case import Source, name_of
from cloudvision.ledger import Entry
from cloudvision.outcome import Outcome
from cloudvision.pipeline import Pipeline

log = logging.getLogger(__name__)

WINDOW_PER_WORKER = 8
"""Outcomes that may wait, for each worker, for an earlier source to finish when results come in input order."""


@dataclass(frozen=True, slots=True)
class _Job:
    position: int
    source: Source
    done: Entry | None  # what an earlier, interrupted pass wrote down of this source


@dataclass(frozen=True, slots=True)
class _Done:
    position: int
    outcome: Outcome | None
    error: BaseException | None = None


def run_many(
    pipeline: Pipeline,
    sources: Iterable[Source],
    *,
    workers: int = 8,
    order: Literal["input", "done"] = "input",
) -> Iterator[Outcome]:
    """Take every source through the pipeline and yield one outcome for each.

    `sources` may be a generator of any length: it is read no further than `8 * workers` entries ahead of what has been
    yielded, and that is also the most outcomes that wait in memory for an earlier one. What an interrupted pass of the
    same run has written down is replayed from the ledger without loading the source again.

    A fatal error, or a bug, ends the batch: calls on the wire are finished and their outcomes yielded, then it is
    raised.
    Closing the iterator, or leaving a `for` loop by `break`, waits for the calls on the wire, whose answers are written
    down, and takes no further source.

    Args:
        pipeline: built once; used by all workers.
        sources: what to look at.
        workers: threads, 1 or more. Calls to a service mostly wait: 8 to 64 are useful.
        order: "input" yields in the order of `sources`, "done" as they come.

    Raises:
        CloudVisionError: a fatal one.
        ValueError: `workers` is below 1.
    """
    if workers < 1:
        raise ValueError(f"workers must be 1 or more, got {workers}")
    return _Batch(pipeline, sources, workers).outcomes(order)


class _Batch:
    def __init__(self, pipeline: Pipeline, sources: Iterable[Source], workers: int) -> None:
        # A switch of this batch's own: whoever waits for a turn when the batch is closed gives up.
        self._pipeline = replace(pipeline, stop=pipeline.stop.child())
        self._jobs_ahead = _jobs(pipeline, sources)
        self._window = WINDOW_PER_WORKER * workers
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[_Done] = queue.SimpleQueue()
        self._on_their_way = 0
        self._closed = threading.Event()
        # Not daemons: when the program ends, an answer that is on its way is still taken in and written down.
        self._threads = [threading.Thread(target=self._work, name=f"cloudvision-{n}") for n in range(workers)]

    def outcomes(self, order: Literal["input", "done"]) -> Iterator[Outcome]:
        log.info("batch begins: provider %s, %d workers", self._pipeline.provider.name, len(self._threads))
        telemetry, run = self._pipeline.telemetry, self._pipeline.run_id
        self._span = telemetry.begin_run(self._pipeline.provider.name, run=run, workers=len(self._threads))
        for thread in self._threads:
            thread.start()
        failure: BaseException | None = None
        waiting: dict[int, _Done] = {}
        following = 0
        try:
            while self._feed(len(waiting)):
                done = self._done.get()
                self._on_their_way -= 1
                if done.error is not None:
                    failure = failure or done.error
                waiting[done.position] = done
                while waiting:
                    position = following if order == "input" else done.position
                    ready = waiting.pop(position, None)
                    if ready is None:
                        break
                    following += 1
                    if ready.outcome is not None:
                        yield ready.outcome
            if failure is not None:
                log.info("batch ends early: %s: %s", type(failure).__name__, failure)
                raise failure
            log.info("batch ends: every source has its outcome")
        finally:
            self._closed.set()
            self._pipeline.stop.set()
            for _ in self._threads:
                self._jobs.put(None)
            # Nobody closes the ledger under a call on the wire: its answer is paid for, and is still to be written down.
            for thread in self._threads:
                thread.join()
            self._span.end(failure)

    def _feed(self, waiting: int) -> bool:
        """Hand out jobs up to the window; False when nothing is on its way any more."""
        while not self._closed.is_set() and self._on_their_way + waiting < self._window:
            job = next(self._jobs_ahead, None)
            if job is None:
                break
            self._jobs.put(job)
            self._on_their_way += 1
        return self._on_their_way > 0

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            if self._closed.is_set():
                self._done.put(_Done(job.position, None))
                continue
            try:
                outcome = self._pipeline.replay(job.done) if job.done is not None else None
                if outcome is None:
                    with self._span.inside():
                        outcome = self._pipeline.run(job.source, position=job.position)
                self._done.put(_Done(job.position, outcome))
            except BaseException as error:  # noqa: BLE001  not swallowed: raised in the thread that iterates
                self._closed.set()  # here, so that no worker takes another source meanwhile
                self._done.put(_Done(job.position, None, error))


def _jobs(pipeline: Pipeline, sources: Iterable[Source]) -> Iterator[_Job]:
    """Each source with what is known of it from an earlier pass, both read as they are needed."""
    known: Iterator[Entry] = iter(()) if pipeline.run_id is None else pipeline.ledger.progress(pipeline.run_id)
    entry = next(known, None)
    for position, source in enumerate(sources):
        while entry is not None and entry.position < position:
            entry = next(known, None)
        # The list may have been edited since: only the same source at the same place is the same entry.
        same = entry is not None and entry.position == position and entry.source == name_of(source)
        yield _Job(position, source, entry if same else None)
