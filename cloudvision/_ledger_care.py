"""Looking after a ledger file: uncertain attempts settled by hand, answers taken out, people's text deleted."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from fnmatch import fnmatchcase
from pathlib import Path

from cloudvision import _ledger_sql as _sql
from cloudvision._ledger_rows import Answer, Attempt, Purged
from cloudvision._owner import is_alive
from cloudvision.errors import LedgerError

UNCERTAIN = f"{_sql.OPEN} AND state = 'uncertain'"


def mark_lost(db: sqlite3.Connection, now: float) -> None:
    """Make every reservation uncertain whose holder is gone."""
    query = f"SELECT id, owner, lease_until FROM attempts WHERE {_sql.OPEN} AND state = 'reserved'"
    for attempt, owner, lease_until in db.execute(query).fetchall():
        if lease_until <= now or not is_alive(owner):
            _sql.mark_uncertain(db, "id = ?", attempt, now)


def uncertain(db: sqlite3.Connection) -> tuple[Attempt, ...]:
    """The attempts that may have been billed, oldest first."""
    query = f"SELECT id, key, source, provider, run, started, worst FROM attempts WHERE {UNCERTAIN} ORDER BY id"
    return tuple(Attempt(*row) for row in db.execute(query))


def resolve(db: sqlite3.Connection, ids: Collection[int], *, billed: bool, now: float) -> int:
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


def answers(db: sqlite3.Connection, provider: str | None, *, after: str, chunk: int) -> list[Answer]:
    """The next answers in the order of their keys."""
    rows = db.execute(
        f"SELECT key, source, provider, {_sql.STORED_COLUMNS} FROM answers"
        " WHERE key > ? AND (?2 IS NULL OR provider = ?2) ORDER BY key LIMIT ?3",
        (after, provider, chunk),
    )
    return [Answer(key, name, asked, _sql.stored_row(rest)) for key, name, asked, *rest in rows]


def purge(db: sqlite3.Connection, *, source: str | None, before: float) -> Purged:
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


def compact(db: sqlite3.Connection, path: str | Path) -> None:
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
