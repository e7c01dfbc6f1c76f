"""Analyses on their way: each has an id, a state and, in the end, a result that is kept for a day."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from concurrent.futures import wait as wait_for
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cloudvision._json import JSON

logger = logging.getLogger(__name__)

KEPT_S = 24 * 3600
"""Seconds for which a result can be fetched."""

_PATIENCE_S = 0.1


class AnalysisError(Exception):
    """The analysis failed; `error` is what the result says."""

    def __init__(self, error: JSON) -> None:
        super().__init__("the analysis failed")
        self.error = error


@dataclass(slots=True)
class _Operation:
    account: str
    model: str
    created: float
    updated: float
    status: str = "notStarted"
    parts: dict[str, JSON] = field(default_factory=dict)
    future: Future[None] | None = None


class Operations:
    """Safe to share between threads.

    Args:
        pool: threads for the work.
        now: seconds since the epoch.
    """

    def __init__(self, *, pool: Executor, now: Callable[[], float]) -> None:
        self._pool = pool
        self._now = now
        self._all: dict[str, _Operation] = {}
        self._lock = threading.Lock()

    def start(self, number: str, work: Callable[[], JSON], *, account: str, model: str) -> None:
        """Begin an analysis; `work` gives the `analyzeResult` or raises AnalysisError."""
        now = self._now()
        operation = _Operation(account, model, now, now)
        with self._lock:
            for old in [key for key, one in self._all.items() if one.created < now - KEPT_S]:
                del self._all[old]
            self._all[number] = operation
        operation.future = self._pool.submit(self._run, operation, work)
        operation.future.add_done_callback(lambda done: self._report(operation, done.exception()))

    def finished(self, number: str, body: JSON, *, account: str, model: str) -> None:
        """Keep a result that is there already."""
        now = self._now()
        operation = _Operation(account, model, now, now, "succeeded", {"analyzeResult": body})
        with self._lock:
            self._all[number] = operation

    def state(self, number: str, *, account: str, model: str) -> JSON | None:
        """The body of a poll; None for an operation that is not there, or no longer.

        Waits a tenth of a second for work that is nearly done: its client is spared a whole Retry-After.
        """
        with self._lock:
            operation = self._all.get(number)
        if operation is None or operation.account != account or operation.model != model:
            return None
        if operation.created < self._now() - KEPT_S:
            return None
        if operation.future is not None:
            wait_for([operation.future], timeout=_PATIENCE_S)
        with self._lock:
            return {
                "status": operation.status,
                "createdDateTime": written(operation.created),
                "lastUpdatedDateTime": written(operation.updated),
                **operation.parts,
            }

    def _run(self, operation: _Operation, work: Callable[[], JSON]) -> None:
        self._set(operation, "running", {})
        try:
            result = work()
        except AnalysisError as error:
            self._set(operation, "failed", {"error": error.error})
        else:
            self._set(operation, "succeeded", {"analyzeResult": result})

    def _report(self, operation: _Operation, bug: BaseException | None) -> None:
        """Work that broke has failed, and its traceback is not lost."""
        if bug is not None:
            logger.error("an analysis broke", exc_info=bug)
            error: JSON = {"code": "InternalServerError", "message": "An unexpected error occurred."}
            self._set(operation, "failed", {"error": error})

    def _set(self, operation: _Operation, status: str, parts: dict[str, JSON]) -> None:
        with self._lock:
            operation.status, operation.parts, operation.updated = status, parts, self._now()


def written(seconds: float) -> str:
    """Seconds since the epoch as "2026-11-21T13:00:00Z"."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
