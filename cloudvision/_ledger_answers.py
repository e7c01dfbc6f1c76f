"""The answers in a ledger file, and what their pictures look like."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator

from cloudvision import _ledger_sql as _sql
from cloudvision._ledger_file import LedgerFile
from cloudvision._ledger_rows import Answer, Stored


class LedgerAnswers:
    """The part of `Ledger` that reads what was answered."""

    _clock: Callable[[], float]
    _file: LedgerFile
    _ttl_s: float

    def answer(self, key: str) -> Stored | None:
        """The settled outcome under `key`, None when there is none."""
        with self._file.reading() as db:
            return _sql.stored(db, key, newer_than=self._clock() - self._ttl_s)

    def answers(self, *, provider: str | None = None, chunk: int = 1000) -> Iterator[Answer]:
        """All settled outcomes, or those of one provider, in no promised order; memory stays flat."""
        after = ""
        while True:
            with self._file.reading() as db:
                found = _answers(db, provider, after=after, chunk=chunk)
            yield from found
            if len(found) < chunk:
                return
            after = found[-1].key

    def keep_hash(self, key: str, picture_hash: int, *, source: str) -> None:
        """Keep a 64-bit hash of the picture whose answer is under `key`; nothing where there is no such answer."""
        with self._file.writing() as db:
            _sql.keep_hash(db, key, picture_hash, source)

    def hashes(self, prefix: str, *, chunk: int = 10_000) -> Iterator[tuple[str, int, str]]:
        """(key, hash, source) of the pictures whose keys begin with `prefix`."""
        after = ""
        while True:
            with self._file.reading() as db:
                found = _sql.hashes(db, prefix, after=after, chunk=chunk)
            yield from found
            if len(found) < chunk:
                return
            after = found[-1][0]


def _answers(db: sqlite3.Connection, provider: str | None, *, after: str, chunk: int) -> list[Answer]:
    """The next answers in the order of their keys."""
    rows = db.execute(
        f"SELECT key, source, provider, {_sql.STORED_COLUMNS} FROM answers"
        " WHERE key > ? AND (?2 IS NULL OR provider = ?2) ORDER BY key LIMIT ?3",
        (after, provider, chunk),
    )
    return [Answer(key, name, asked, _sql.stored_row(rest)) for key, name, asked, *rest in rows]
