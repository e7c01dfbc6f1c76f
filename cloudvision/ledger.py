"""The ledger: one SQLite file that holds answers, reservations, spend and progress.

Every attempt to call a service reserves its worst cost first, and ends in exactly one of four ways: *settled* with an
answer, *rejected* (the service refused the picture; settled too), *released* because it was certainly not billed, or
*uncertain* because nobody knows. Settling writes the answer, the money and the progress of the list in one transaction.

A file serves many threads and several processes of one machine at once. One `Ledger` object holds one connection, which
its threads share under a lock.
"""

from __future__ import annotations

import math
import sqlite3
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from cloudvision import _ledger_care as _care
from cloudvision import _ledger_sql as _sql
from cloudvision._changes import Changes
from cloudvision._heartbeat import Heartbeat
from cloudvision._ledger_answers import LedgerAnswers
from cloudvision._ledger_care import LedgerCare
from cloudvision._ledger_file import LedgerFile
from cloudvision._ledger_pending import LedgerPending, take_up
from cloudvision._ledger_rows import (
    Answer,
    Attempt,
    Budget,
    Busy,
    Entry,
    Foreseen,
    Purged,
    Reservation,
    Run,
    RunRow,
    Stored,
    Tally,
    Uncertain,
)
from cloudvision._ledger_runs import LedgerRuns, renew_runs
from cloudvision._ledger_starts import LedgerStarts
from cloudvision._owner import is_alive, this_process
from cloudvision.raw import Raw

__all__ = [
    "Answer",
    "Attempt",
    "Budget",
    "Busy",
    "Entry",
    "Foreseen",
    "Ledger",
    "Purged",
    "Reservation",
    "Run",
    "RunRow",
    "Stored",
    "Tally",
    "Uncertain",
]


class Ledger(LedgerAnswers, LedgerPending, LedgerRuns, LedgerStarts, LedgerCare):
    """An open ledger file.

    Args:
        path: the file, created with mode 0600 when missing; ":memory:" for one that is gone with the object.
        clock: seconds since the epoch.
        lease_s: seconds without a sign of life after which a reservation of another machine becomes uncertain, and its
            run may be gone on with. A process that lives renews its leases, however long its calls take.
        ttl_s: seconds after which an answer counts as absent, so that its picture is called again; None for never.
        max_answers: most answers that are kept (10 % more for a while); the oldest are deleted first, but none that an
            unfinished run stands on. None for any number.
        owner: who holds the reservations of this object; by default this process.

    Raises:
        LedgerError: the file is not a ledger, is newer than this version, or cannot be written.
    """

    def __init__(
        self,
        path: str | Path = ":memory:",
        *,
        clock: Callable[[], float] = time.time,
        lease_s: float = 900.0,
        ttl_s: float | None = None,
        max_answers: int | None = None,
        owner: str | None = None,
    ) -> None:
        self.path = path
        self._clock = clock
        self._lease_s = lease_s
        self._ttl_s = math.inf if ttl_s is None else ttl_s
        self._max_answers = max_answers
        self._settled = 0
        self._owner = owner or this_process()
        self._file = LedgerFile(path)
        self._changes = Changes()
        self._heartbeat = Heartbeat(self, lease_s=lease_s)

    @property
    def name(self) -> str:
        """The file, as it was given."""
        return str(self.path)

    def close(self) -> None:
        """Close the file; further use is an error."""
        self._heartbeat.stop()
        self._file.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- attempts ------------------------------------------------------------------------------------------------------

    def reserve(
        self,
        key: str,
        *,
        source: str,
        provider: str,
        worst: int,
        run: int | None = None,
        budget: Budget = Budget(),
        uncertain: Literal["retry", "keep"] = "retry",
        newer_than: float | None = None,
    ) -> Reservation | Stored | Busy | Uncertain:
        """Take the right to call a service once for the picture under `key`, and set its worst cost aside.

        Returns:
            `Reservation`: call now, or ask for the answer to its `pending` operation. `Stored`: somebody has the
            answer already (one from before `newer_than`, seconds since the epoch, does not count). `Busy`: somebody
            is asking right now; wait (see `wait_for_change`) and come back. `Uncertain`: only with
            `uncertain="keep"`.

        Raises:
            BudgetExceededError: what is spent, set aside and possibly spent leaves no room for `worst`.
        """
        self._heartbeat.start()
        now = self._clock()
        day = datetime.fromtimestamp(now, UTC).date().isoformat()
        with self._file.writing() as db:
            stored = _sql.stored(db, key, newer_than=max(now - self._ttl_s, newer_than or 0.0))
            if stored is not None:
                return stored
            if self._held_by_other(db, key, now):
                return Busy()
            lease_until = now + self._lease_s
            held = take_up(db, key, owner=self._owner, lease_until=lease_until, run=run, now=now)
            if held is not None:
                return held
            if uncertain == "keep" and _sql.has_uncertain(db, key):
                return Uncertain()
            left = _sql.check_budget(db, budget, worst=worst, run=run, day=day)
            cursor = db.execute(
                "INSERT INTO attempts (key, run, source, provider, state, owner, lease_until, worst, day, started)"
                " VALUES (?, ?, ?, ?, 'reserved', ?, ?, ?, ?, ?)",
                (key, run, source, provider, self._owner, lease_until, worst, day, now),
            )
            _sql.add(db, worst, run=run, day=day)
            assert cursor.lastrowid is not None
            return Reservation(cursor.lastrowid, key, source, provider, worst, run, day, left)

    def settle(self, held: Reservation, raw: Raw, *, cost: int, entry: Entry | None = None) -> Stored:
        """Write down the answer, what it really cost, and (with `entry`) the progress of the run."""
        return self._settle(held, Stored(raw, cost, self._clock()), entry)

    def reject(self, held: Reservation, *, error_type: str, error: str, cost: int) -> Stored:
        """Write down that the service refuses this picture: a settled outcome, with what it cost."""
        return self._settle(held, Stored(None, cost, self._clock(), error_type, error), None)

    def charge(self, held: Reservation, *, cost: int) -> None:
        """The attempt cost money and brought no answer."""
        self._end(held, "settled", cost)

    def release(self, held: Reservation) -> None:
        """The attempt was certainly not billed: give back what was set aside."""
        self._end(held, "released", 0)

    def leave_uncertain(self, held: Reservation) -> None:
        """Nobody knows whether the attempt was billed: its worst cost stays counted."""
        self._end(held, "uncertain", held.worst)

    def abandon(self) -> int:
        """Turn every open reservation of this process into an uncertain one; the number of them."""
        with self._file.writing() as db:
            return _sql.mark_uncertain(db, "owner = ?", self._owner, self._clock())

    def open_attempts(self) -> int:
        """Reservations of this process that have not ended: what is on the wire right now."""
        with self._file.reading() as db:
            query = f"SELECT count(*) FROM attempts WHERE {_sql.OPEN} AND state = 'reserved' AND owner = ?"
            return int(db.execute(query, (self._owner,)).fetchone()[0])

    def wait_for_change(self, seconds: float) -> None:
        """Wait until an attempt of this object ends, at most `seconds` (other processes do not wake us)."""
        self._changes.wait(seconds)

    def wait_until_idle(self, seconds: float) -> bool:
        """Wait until no reservation of this process is open, at most `seconds`; whether that came about."""
        return self._changes.wait_until_none(self.open_attempts, seconds)

    def renew(self) -> None:
        """Let the leases of this process's reservations and runs begin anew; a thread does so while it lives."""
        with self._file.writing() as db:
            until = self._clock() + self._lease_s
            db.execute(
                f"UPDATE attempts SET lease_until = ? WHERE {_sql.OPEN} AND state = 'reserved' AND owner = ?",
                (until, self._owner),
            )
            renew_runs(db, self._owner, until)

    # -- inside --------------------------------------------------------------------------------------------------------

    def _settle(self, held: Reservation, stored: Stored, entry: Entry | None) -> Stored:
        with self._file.writing() as db:
            _sql.keep(db, held, stored)
            _sql.end(db, held, "settled", stored.cost, stored.created)
            if entry is not None and held.run is not None:
                _sql.record(db, held.run, entry)
            if self._max_answers is not None:
                self._settled += 1
                if self._settled % max(1, self._max_answers // 10) == 0:  # counting them each time would be slow
                    _care.trim(db, self._max_answers)
        self._changes.wake()
        return stored

    def _end(self, held: Reservation, state: str, cost: int) -> None:
        with self._file.writing() as db:
            _sql.end(db, held, state, cost, self._clock())
        self._changes.wake()

    def _held_by_other(self, db: sqlite3.Connection, key: str, now: float) -> bool:
        query = f"SELECT id, owner, lease_until FROM attempts WHERE {_sql.OPEN} AND key = ? AND state = 'reserved'"
        rows = db.execute(query, (key,))
        for attempt, owner, lease_until in rows.fetchall():
            if lease_until > now and is_alive(owner):
                return True
            _sql.mark_uncertain(db, "id = ?", attempt, now)
        return False
