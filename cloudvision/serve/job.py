"""One picture of one request, on its way from the request to its answer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cloudvision.errors import ImageError
from cloudvision.images import Image
from cloudvision.serve.answer import Answer

Outcome = Answer | ImageError | None
"""None: the work failed, and the log says how."""


class Group:
    """The pictures of one request.

    Args:
        count: how many there are.
        done: called once, by whichever thread brings the last outcome.
    """

    def __init__(self, count: int, *, done: Callable[[], None]) -> None:
        self.outcomes: list[Outcome] = [None] * count
        self.abandoned = False
        """Set it when nobody waits any longer: what has not begun is dropped."""
        self._left = count
        self._done = done
        self._lock = threading.Lock()

    def put(self, index: int, outcome: Outcome) -> None:
        """Bring the outcome of one picture."""
        self.outcomes[index] = outcome
        with self._lock:
            self._left -= 1
            last = self._left == 0
        if last:
            self._done()


@dataclass(slots=True, eq=False)
class Job:
    """One picture.

    Args:
        load: gives the picture; raises ImageError. Called by a worker.
        index: its place in the group.
        asked_at: seconds, of the workers' clock.
        prepared: what the model takes, once a worker has made it.
        ready_at: seconds, since when.
    """

    load: Callable[[], Image]
    group: Group
    index: int
    asked_at: float
    prepared: Any = None
    ready_at: float = 0.0
