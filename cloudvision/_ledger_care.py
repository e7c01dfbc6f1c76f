"""Looking after a ledger file: uncertain attempts settled by hand, answers taken out, people's text deleted."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable, Collection
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

from cloudvision import _ledger_sql as _sql
from cloudvision._ledger_file import LedgerFile
from cloudvision._ledger_pending import kept_until
from cloudvision._ledger_rows import Attempt, Purged
from cloudvision._owner import is_alive
from cloudvision.errors import LedgerError

UNCERTAIN = f"{_sql.OPEN} AND state = 'uncertain'"


class LedgerCare:
    """The part of `Ledger` behind `cloudvision ledger`."""

    _clock: Callable[[], float]
    _file: LedgerFile

    def uncertain_attempts(self) -> tuple[Attempt, ...]:
        """The attempts that may have been billed, oldest first; those of processes that are gone included."""
        with self._file.writing() as db:
            _mark_lost(db, self._clock())
            return _uncertain(db)

    def resolve(self, ids: Collection[int], *, billed: bool) -> int:
        """Say of uncertain attempts whether they were billed; the number of those that were still uncertain.

        Billed ones are settled with their worst cost, without an answer; others are released, and budgets have that
        much room again.
        """
        with self._file.writing() as db:
            return _resolve(db, ids, billed=billed, now=self._clock())

    def purge(self, *, source: str | None = None, before: float | None = None, dry_run: bool = False) -> Purged:
        """Delete answers and progress by source, by age, or by both together, so that no text of them stays.

        The money of the attempts stays; the sources in them are blanked. A picture with several sources has one answer:
        it goes when any of them matches.

        Args:
            source: glob pattern of source names (`*`, `?`, `[...]`; `*` matches "/" too); None for all.
            before: seconds since the epoch; only what is older goes. None for any age.
            dry_run: count, and delete nothing.

        Raises:
            LedgerError: another process is reading; the text is deleted and still in the file's log.
        """
        with self._file.writing(keep=not dry_run) as db:
            db.execute("PRAGMA secure_delete = ON")
            purged = _purge(db, source=source, before=math.inf if before is None else before)
        if not dry_run:
            with self._file.reading() as db:
                _compact(db, self._file.path)
        return purged


def _mark_lost(db: sqlite3.Connection, now: float) -> None:
    """Make every reservation uncertain whose holder is gone."""
    query = f"SELECT id, owner, lease_until FROM attempts WHERE {_sql.OPEN} AND state = 'reserved'"
    for attempt, owner, lease_until in db.execute(query).fetchall():
        if lease_until <= now or not is_alive(owner):
            _sql.mark_uncertain(db, "id = ?", attempt, now)


def _uncertain(db: sqlite3.Connection) -> tuple[Attempt, ...]:
    """The attempts that may have been billed, oldest first."""
    query = (
        f"SELECT id, key, source, provider, run, started, worst, pending FROM attempts WHERE {UNCERTAIN} ORDER BY id"
    )
    return tuple(replace(Attempt(*row), kept_until=kept_until(pending)) for *row, pending in db.execute(query))


def _resolve(db: sqlite3.Connection, ids: Collection[int], *, billed: bool, now: float) -> int:
    """Settle uncertain attempts with their worst cost, or release them; the number of those that were uncertain."""
    resolved = 0
    for attempt in ids:
        row = db.execute(f"SELECT worst, run, day FROM attempts WHERE id = ? AND {UNCERTAIN}", (attempt,)).fetchone()
        if row is None:
            continue
        worst, run, day = row
        state, cost = ("settled", worst) if billed else ("released", 0)
        db.execute("UPDATE attempts SET state = ?, cost = ?, ended = ? WHERE id = ?", (state, cost, now, attempt))
        if not billed:
            _sql.add(db, -worst, run=run, day=day)
        resolved += 1
    return resolved


def _purge(db: sqlite3.Connection, *, source: str | None, before: float) -> Purged:
    """Delete answers and progress of matching sources from before a time, and blank these sources in attempts.

    The money stays. An answer is found by every name that its picture was given in a list, not only by the last one.
    """
    db.create_function("matches", 1, lambda name: source is None or fnmatchcase(name, source), deterministic=True)
    db.create_function("mentions", 1, lambda line: source is None or fnmatchcase(line, f"*{source}*"))
    answered = db.execute(
        "DELETE FROM answers WHERE created < ? AND (matches(source)"
        " OR key IN (SELECT key FROM progress WHERE key IS NOT NULL AND matches(source))"
        " OR key IN (SELECT key FROM attempts WHERE matches(source))"
        " OR key IN (SELECT key FROM hashes WHERE matches(source)))",
        (before,),
    ).rowcount
    entries = db.execute(
        "DELETE FROM progress WHERE matches(source)"
        " AND run NOT IN (SELECT id FROM runs WHERE coalesce(ended, started) >= ?)",
        (before,),
    ).rowcount
    # The key holds the digest of the picture; only an attempt that may still be called again needs it.
    attempts = db.execute(
        "UPDATE attempts SET source = '', key = CASE state WHEN 'uncertain' THEN key ELSE '' END"
        " WHERE matches(source) AND started < ? AND source <> '' AND state <> 'reserved'",
        (before,),
    ).rowcount
    db.execute("UPDATE runs SET command = '' WHERE mentions(command) AND coalesce(ended, started) < ?", (before,))
    return Purged(answered, entries, attempts)


def trim(db: sqlite3.Connection, most: int) -> None:
    """Delete the oldest answers above a number, but none that an unfinished run stands on."""
    db.execute(
        "DELETE FROM answers WHERE key IN (SELECT key FROM answers WHERE key NOT IN"
        " (SELECT key FROM progress JOIN runs ON runs.id = run WHERE runs.ended IS NULL AND key IS NOT NULL)"
        " ORDER BY created, key LIMIT max(0, (SELECT count(*) FROM answers) - ?))",
        (most,),
    )


def _compact(db: sqlite3.Connection, path: str | Path) -> None:
    """Rewrite the file without what was deleted, and empty the write-ahead log, which holds older pages.

    Raises:
        LedgerError: another process is reading, so that the log cannot be emptied now.
    """
    db.execute("VACUUM")
    patience = db.execute("PRAGMA busy_timeout").fetchone()[0]
    db.execute("PRAGMA busy_timeout = 1000")
    busy = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    db.execute(f"PRAGMA busy_timeout = {patience}")
    if busy:
        raise LedgerError(
            f"the answers are deleted, but {path} is in use elsewhere and still holds their text in its log;"
            " run the same purge again when nobody else has the file open"
        )
