"""The statements behind the ledger. Each works inside a transaction that its caller holds."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from cloudvision._ledger_rows import Budget, Entry, Foreseen, Reservation, Stored, Tally, over_budget
from cloudvision.raw import Raw

ENTRY_FIELDS = tuple(f.name for f in fields(Entry))
ENTRY_COLUMNS = ", ".join(ENTRY_FIELDS)
STORED_COLUMNS = "raw, cost, created, error_type, error"
# SQLite takes a partial index only where the query repeats its condition to the letter.
OPEN = "state IN ('reserved', 'uncertain')"
_ENTRY_MARKS = ", ".join("?" for _ in ENTRY_FIELDS)


def stored(db: sqlite3.Connection, key: str, *, newer_than: float) -> Stored | None:
    query = f"SELECT {STORED_COLUMNS} FROM answers WHERE key = ? AND created >= ?"
    row = db.execute(query, (key, newer_than)).fetchone()
    return None if row is None else stored_row(row)


def stored_row(row: Sequence[Any]) -> Stored:
    raw, cost, created, error_type, error = row
    return Stored(None if raw is None else Raw.from_json(json.loads(raw)), cost, created, error_type, error)


def keep(db: sqlite3.Connection, held: Reservation, kept: Stored) -> None:
    raw = None if kept.raw is None else json.dumps(kept.raw.to_json(), ensure_ascii=False)
    db.execute(
        f"INSERT OR REPLACE INTO answers (key, source, provider, {STORED_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (held.key, held.source, held.provider, raw, kept.cost, kept.created, kept.error_type, kept.error),
    )


def has_uncertain(db: sqlite3.Connection, key: str) -> bool:
    query = f"SELECT 1 FROM attempts WHERE {OPEN} AND key = ? AND state = 'uncertain'"
    return db.execute(query, (key,)).fetchone() is not None


def check_budget(db: sqlite3.Connection, budget: Budget, *, worst: int, run: int | None, day: str) -> int | None:
    """What the narrowest budget holds beside `worst`; None without a budget."""
    bounds = (
        (budget.run, f"run:{run}", "this run"),
        (budget.ledger, "all", "this ledger"),
        (budget.day, f"day:{day}", day),
    )
    if budget == Budget():
        return None
    query = "SELECT scope, micros FROM totals WHERE scope IN (?, ?, ?)"
    totals: dict[str, int] = dict(db.execute(query, [scope for _, scope, _ in bounds]).fetchall())
    left = []
    for bound, scope, words in bounds:
        spent = totals.get(scope, 0)
        if bound is not None:
            if spent + worst > bound:
                raise over_budget(bound, spent=spent, worst=worst, words=words)
            left.append(bound - spent - worst)
    return min(left)


def add(db: sqlite3.Connection, micros: int, *, run: int | None, day: str) -> None:
    if micros == 0:
        return
    scopes = ["all", f"day:{day}"] + ([] if run is None else [f"run:{run}"])
    db.execute(
        f"INSERT INTO totals (scope, micros) VALUES {', '.join('(?, ?)' for _ in scopes)}"
        " ON CONFLICT (scope) DO UPDATE SET micros = micros + excluded.micros",
        [value for scope in scopes for value in (scope, micros)],
    )


def end(db: sqlite3.Connection, held: Reservation, state: str, cost: int, now: float) -> None:
    cursor = db.execute(
        "UPDATE attempts SET state = ?, cost = ?, ended = ? WHERE id = ? AND state IN ('reserved', 'uncertain')",
        (state, cost, now, held.id),
    )
    # A lease that ran out while the answer was on its way made the attempt uncertain: the answer settles it after all.
    if cursor.rowcount:
        add(db, cost - held.worst, run=held.run, day=held.day)
    elif state == "settled":
        # ... also where somebody had already said that it was not billed: now we know better.
        query = "UPDATE attempts SET state = 'settled', cost = ?, ended = ? WHERE id = ? AND state = 'released'"
        if db.execute(query, (cost, now, held.id)).rowcount:
            add(db, cost, run=held.run, day=held.day)


def mark_uncertain(db: sqlite3.Connection, where: str, value: str | int, now: float) -> int:
    open_now = f"{OPEN} AND state = 'reserved'"
    query = f"UPDATE attempts SET state = 'uncertain', cost = worst, ended = ? WHERE {open_now} AND {where}"
    return db.execute(query, (now, value)).rowcount


def record(db: sqlite3.Connection, run: int, entry: Entry) -> None:
    db.execute(
        f"INSERT OR REPLACE INTO progress (run, {ENTRY_COLUMNS}) VALUES (?, {_ENTRY_MARKS})",
        (run, *(getattr(entry, name) for name in ENTRY_FIELDS)),
    )


def entry(row: tuple[object, ...]) -> Entry:
    values = dict(zip(ENTRY_FIELDS, row, strict=True))
    values["audited"], values["cached"] = bool(values["audited"]), bool(values["cached"])
    return Entry(**values)  # type: ignore[arg-type]  # the table's CHECKs and types hold the columns to the field types


def tallies(db: sqlite3.Connection, run: int | None) -> tuple[Tally, ...]:
    rows = db.execute(
        "SELECT kind, cached, audited, count(*), sum(cost), sum(avoided) FROM progress"
        " WHERE ?1 IS NULL OR run = ?1 GROUP BY kind, cached, audited",
        (run,),
    )
    return tuple(Tally(kind, bool(cached), bool(audited), *sums) for kind, cached, audited, *sums in rows)


def add_estimate(db: sqlite3.Connection, identity: str, foreseen: Foreseen, now: float) -> None:
    names = [f.name for f in fields(Foreseen)]
    marks = ", ".join("?" for _ in names)
    query = f"INSERT INTO estimates (identity, created, {', '.join(names)}) VALUES (?, ?, {marks})"
    db.execute(query, (identity, now, *(getattr(foreseen, name) for name in names)))


def estimated(db: sqlite3.Connection, run: int) -> Foreseen | None:
    columns = ", ".join(f"estimates.{f.name}" for f in fields(Foreseen))
    row = db.execute(
        f"SELECT {columns} FROM estimates JOIN runs USING (identity)"
        " WHERE runs.id = ? AND estimates.created <= runs.started ORDER BY estimates.id DESC LIMIT 1",
        (run,),
    ).fetchone()
    return None if row is None else Foreseen(*row)


def attempts(db: sqlite3.Connection, run: int | None) -> tuple[tuple[str, int, int], ...]:
    rows = db.execute(
        "SELECT state, count(*), sum(CASE state WHEN 'reserved' THEN worst ELSE cost END) FROM attempts"
        " WHERE ?1 IS NULL OR run = ?1 GROUP BY state",
        (run,),
    )
    return tuple(tuple(row) for row in rows)


def keep_hash(db: sqlite3.Connection, key: str, picture_hash: int, source: str) -> None:
    # Where the answer was purged meanwhile, nothing of the picture may come back.
    db.execute(
        "INSERT OR REPLACE INTO hashes (key, hash, source) SELECT ?1, ?2, ?3 WHERE EXISTS"
        " (SELECT 1 FROM answers WHERE key = ?1)",
        (key, f"{picture_hash:016x}", source),
    )


def hashes(db: sqlite3.Connection, prefix: str, *, after: str, chunk: int) -> list[tuple[str, int, str]]:
    query = "SELECT key, hash, source FROM hashes WHERE key > ? AND key < ? ORDER BY key LIMIT ?"
    rows = db.execute(query, (after or prefix, f"{prefix}\U0010ffff", chunk))
    return [(key, int(bits, 16), source) for key, bits, source in rows]
