"""The open file behind a ledger: one connection, which the threads of a process share under a lock."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cloudvision._ledger_schema import open_database
from cloudvision.errors import LedgerError


class LedgerFile:
    """A connection whose errors are ours."""

    def __init__(self, path: str | Path) -> None:
        self.path = path
        self._db = open_database(path)
        self._lock = threading.RLock()

    def close(self) -> None:
        """Close the file; further use is an error."""
        with self._lock:
            self._db.close()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, for statements that each stand alone."""
        with self._lock, self._our_errors():
            yield self._db

    @contextmanager
    def writing(self, *, keep: bool = True) -> Iterator[sqlite3.Connection]:
        """The connection within one transaction, taken back after an error, or where it is not to be kept."""
        with self._lock, self._our_errors():
            try:
                self._db.execute("BEGIN IMMEDIATE")
                yield self._db
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT" if keep else "ROLLBACK")

    @contextmanager
    def _our_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as exc:
            raise LedgerError(f"the ledger {self.path} cannot be used any more: {exc}") from exc
