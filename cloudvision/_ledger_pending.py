"""What services have accepted and not answered yet, kept with its attempt: paid for once, and taken up by whoever comes."""

from __future__ import annotations

import json
import sqlite3

from cloudvision import _ledger_sql as _sql
from cloudvision._ledger_file import LedgerFile
from cloudvision._ledger_rows import Reservation
from cloudvision.pending import Pending


class LedgerPending:
    """The part of `Ledger` for operations that take their time."""

    _file: LedgerFile

    def keep_pending(self, held: Reservation, pending: Pending | None) -> None:
        """Write down what the service has accepted under this attempt; None once there is nothing to wait for.

        An attempt that ends uncertain with a pending operation is not repeated: the next `reserve` of its key gives the
        same attempt again, with `Reservation.pending`, until the operation has expired.
        """
        text = None if pending is None else json.dumps(pending.to_json())
        with self._file.writing() as db:
            db.execute("UPDATE attempts SET pending = ? WHERE id = ?", (text, held.id))


def kept_until(text: str | None) -> float | None:
    """Until when the service keeps the answer of an operation as it is stored; None for none."""
    return None if text is None else Pending.from_json(json.loads(text)).expires_at


def take_up(
    db: sqlite3.Connection, key: str, *, owner: str, lease_until: float, run: int | None, now: float
) -> Reservation | None:
    """The cut-off attempt whose operation can still be asked for, now held by `owner`; None where there is none.

    Its money stays on the day on which it was set aside, and moves to the run that gets the answer.
    """
    rows = db.execute(
        f"SELECT id, source, provider, worst, run, day, pending FROM attempts WHERE {_sql.OPEN} AND key = ?"
        " AND state = 'uncertain' AND pending IS NOT NULL ORDER BY id DESC",
        (key,),
    )
    for attempt, source, provider, worst, before, day, text in rows.fetchall():
        pending = Pending.from_json(json.loads(text))
        if pending.expires_at <= now:
            continue
        db.execute(
            "UPDATE attempts SET state = 'reserved', owner = ?, lease_until = ?, run = ?, cost = NULL, ended = NULL"
            " WHERE id = ?",
            (owner, lease_until, run, attempt),
        )
        if run != before:
            _sql.add(db, -worst, run=before, day=day)
            _sql.add(db, worst, run=run, day=day)
        return Reservation(attempt, key, source, provider, worst, run, day, pending=pending)
    return None
