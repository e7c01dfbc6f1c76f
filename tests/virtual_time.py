"""A clock for several threads: it jumps to the next waking as soon as all of them sleep."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable, Iterable
from typing import TypeVar

from cloudvision.errors import CloudVisionError
from cloudvision.stop import StopSignal

T, R = TypeVar("T"), TypeVar("R")


class VirtualTime(StopSignal):
    """Clock and sleep of the threads that `each` runs, or of one thread."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self._running = 1
        self._wakings: list[float] = []
        self._changed = threading.Condition()

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        with self._changed:
            until = self.now + seconds
            heapq.heappush(self._wakings, until)
            self._jump()
            self._changed.wait_for(lambda: self.now >= until)

    def each(
        self, step: Callable[[T], R], items: Iterable[T], *, threads: int
    ) -> tuple[list[R], list[CloudVisionError]]:
        """What `step` gives for each item, and the errors that ended threads."""
        left, done, errors = iter(items), list[R](), list[CloudVisionError]()
        self._running = threads

        def work() -> None:
            try:
                while True:
                    with self._changed:
                        item = next(left)
                    done.append(step(item))
            except StopIteration:
                pass
            except CloudVisionError as error:
                errors.append(error)
            finally:
                with self._changed:
                    self._running -= 1
                    self._jump()

        workers = [threading.Thread(target=work) for _ in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        self._running = 1
        return done, errors

    def _jump(self) -> None:
        if self._wakings and len(self._wakings) >= self._running:
            self.now = self._wakings[0]
            while self._wakings and self._wakings[0] <= self.now:
                heapq.heappop(self._wakings)
            self._changed.notify_all()
