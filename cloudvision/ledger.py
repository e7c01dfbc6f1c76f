"""The ledger: one SQLite file that holds answers, reservations, spend and progress.

Every attempt to call a service reserves its worst cost first, and ends in exactly one of four ways: *settled* with an
answer, *rejected* (the service refused the picture; settled too), *released* because it was certainly not billed, or
*uncertain* because nobody knows. Settling writes the answer, the money and the progress of the list in one transaction.

A file serves many threads and several processes of one machine at once. One `Ledger` object holds one connection, which
its threads share under a lock.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from cloudvision import _ledger_sql as _sql
from cloudvision import _ledger_starts as _starts
from cloudvision._ledger_rows import Budget, Busy, Entry, Foreseen, Reservation, Run, RunRow, Stored, Tally, Uncertain
from cloudvision._ledger_schema import open_database
from cloudvision._owner import is_alive, this_process
from cloudvision.errors import LedgerError
from cloudvision.raw import Raw

__all__ = [
    "Budget",
    "Busy",
    "Entry",
    "Foreseen",
    "Ledger",
    "Reservation",
    "Run",
    "RunRow",
    "Stored",
    "Tally",
    "Uncertain",
]


class Ledger:
    """An open ledger file.

    Args:
        path: the file, created with mode 0600 when missing; ":memory:" for one that is gone with the object.
        clock: seconds since the epoch.
        lease_s: seconds after which a reservation of another machine that never ended becomes uncertain.

    Raises:
        LedgerError: the file is not a ledger, is newer than this version, or cannot be written.
    """

    def __init__(
        self, path: str | Path = ":memory:", *, clock: Callable[[], float] = time.time, lease_s: float = 900.0
    ) -> None:
        self.path = path
        self._clock = clock
        self._lease_s = lease_s
        self._owner = this_process()
        self._db = open_database(path)
        self._lock = threading.RLock()
        self._changed = threading.Condition()

    def close(self) -> None:
        """Close the file; further use is an error."""
        with self._lock:
            self._db.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- answers -------------------------------------------------------------------------------------------------------

    def answer(self, key: str) -> Stored | None:
        """The settled outcome under `key`, None when there is none."""
        with self._reading() as db:
            return _sql.stored(db, key)

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
            `Reservation`: call now. `Stored`: somebody has the answer already (one from before `newer_than`,
            seconds since the epoch, does not count). `Busy`: somebody is asking right now; wait (see
            `wait_for_change`) and come back. `Uncertain`: only with `uncertain="keep"`.

        Raises:
            BudgetExceededError: what is spent, set aside and possibly spent leaves no room for `worst`.
        """
        now = self._clock()
        day = datetime.fromtimestamp(now, UTC).date().isoformat()
        with self._writing() as db:
            stored = _sql.stored(db, key)
            if stored is not None and (newer_than is None or stored.created >= newer_than):
                return stored
            if self._held_by_other(db, key, now):
                return Busy()
            if uncertain == "keep" and _sql.has_uncertain(db, key):
                return Uncertain()
            _sql.check_budget(db, budget, worst=worst, run=run, day=day)
            cursor = db.execute(
                "INSERT INTO attempts (key, run, source, provider, state, owner, lease_until, worst, day, started)"
                " VALUES (?, ?, ?, ?, 'reserved', ?, ?, ?, ?, ?)",
                (key, run, source, provider, self._owner, now + self._lease_s, worst, day, now),
            )
            _sql.add(db, worst, run=run, day=day)
            assert cursor.lastrowid is not None
            return Reservation(cursor.lastrowid, key, source, provider, worst, run, day)

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
        with self._writing() as db:
            return _sql.mark_uncertain(db, "owner = ?", self._owner, self._clock())

    def open_attempts(self) -> int:
        """Reservations of this process that have not ended: what is on the wire right now."""
        with self._reading() as db:
            query = f"SELECT count(*) FROM attempts WHERE {_sql.OPEN} AND state = 'reserved' AND owner = ?"
            return int(db.execute(query, (self._owner,)).fetchone()[0])

    def wait_for_change(self, seconds: float) -> None:
        """Wait until an attempt of this object ends, at most `seconds` (other processes do not wake us)."""
        with self._changed:
            self._changed.wait(seconds)

    # -- runs and progress ---------------------------------------------------------------------------------------------

    def begin_run(self, identity: str, *, command: str, provider: str, reopen: bool = False) -> Run:
        """Go on with the latest run of this identity if it is unfinished (or with `reopen`), or begin a new one."""
        with self._writing() as db:
            found = db.execute(
                "SELECT id, ended FROM runs WHERE identity = ? ORDER BY id DESC LIMIT 1", (identity,)
            ).fetchone()
            if found and (found[1] is None or reopen):
                db.execute("UPDATE runs SET ended = NULL WHERE id = ?", (found[0],))
                return Run(found[0], resumed=True)
            cursor = db.execute(
                "INSERT INTO runs (identity, command, provider, started) VALUES (?, ?, ?, ?)",
                (identity, command, provider, self._clock()),
            )
            assert cursor.lastrowid is not None
            return Run(cursor.lastrowid, resumed=False)

    def finish_run(self, run: int) -> None:
        """The list was gone through to its end: the same command begins anew next time."""
        with self._writing() as db:
            db.execute("UPDATE runs SET ended = ? WHERE id = ?", (self._clock(), run))

    def record(self, run: int, entry: Entry) -> None:
        """Write down what became of one list entry; the last outcome wins."""
        with self._writing() as db:
            _sql.record(db, run, entry)

    def progress(self, run: int, *, chunk: int = 1000) -> Iterator[Entry]:
        """The entries of a run in list order, read in chunks so that memory stays flat."""
        after = -1
        while True:
            with self._reading() as db:
                rows = db.execute(
                    f"SELECT {_sql.ENTRY_COLUMNS} FROM progress WHERE run = ? AND position > ?"
                    " ORDER BY position LIMIT ?",
                    (run, after, chunk),
                ).fetchall()
            yield from (_sql.entry(row) for row in rows)
            if len(rows) < chunk:
                return
            after = rows[-1][0]

    def tallies(self, run: int | None = None) -> tuple[Tally, ...]:
        """Entries of one run, or of all, counted by what became of them."""
        with self._reading() as db:
            return _sql.tallies(db, run)

    def attempts(self, run: int | None = None) -> tuple[tuple[str, int, int], ...]:
        """(state, number, micros) of the attempts of one run, or of all; micros are what counts against a budget."""
        with self._reading() as db:
            return _sql.attempts(db, run)

    def runs(self) -> tuple[RunRow, ...]:
        """All runs, oldest first."""
        with self._reading() as db:
            query = "SELECT id, command, provider, started, ended FROM runs ORDER BY id"
            return tuple(RunRow(*row) for row in db.execute(query))

    def add_estimate(self, identity: str, foreseen: Foreseen) -> None:
        """Keep what was foreseen of the runs of this identity (see `begin_run`)."""
        with self._writing() as db:
            _sql.add_estimate(db, identity, foreseen, self._clock())

    def estimated(self, run: int) -> Foreseen | None:
        """The last estimate that was made of a run before it began, None without one."""
        with self._reading() as db:
            return _sql.estimated(db, run)

    # -- rates that processes share ------------------------------------------------------------------------------------

    def take_start(self, bucket: str, windows: Sequence[tuple[int, float]], /) -> float:
        """Count one more start in `bucket` if no window of (calls, seconds) is full; see `Limiter`.

        Returns:
            0 when it was counted; otherwise the seconds to wait before asking again.
        """
        with self._writing() as db:
            return _starts.take(db, bucket, windows, now=self._clock())

    def pause_starts(self, bucket: str, seconds: float, /) -> None:
        """Nobody starts in `bucket` for `seconds` from now."""
        with self._writing() as db:
            now = self._clock()
            _starts.pause(db, bucket, since=now, until=now + seconds)

    # -- inside --------------------------------------------------------------------------------------------------------

    def _settle(self, held: Reservation, stored: Stored, entry: Entry | None) -> Stored:
        raw = None if stored.raw is None else json.dumps(stored.raw.to_json(), ensure_ascii=False)
        with self._writing() as db:
            db.execute(
                "INSERT OR REPLACE INTO answers (key, source, provider, raw, error_type, error, cost, created)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    held.key,
                    held.source,
                    held.provider,
                    raw,
                    stored.error_type,
                    stored.error,
                    stored.cost,
                    stored.created,
                ),
            )
            _sql.end(db, held, "settled", stored.cost, stored.created)
            if entry is not None and held.run is not None:
                _sql.record(db, held.run, entry)
        self._wake()
        return stored

    def _end(self, held: Reservation, state: str, cost: int) -> None:
        with self._writing() as db:
            _sql.end(db, held, state, cost, self._clock())
        self._wake()

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _held_by_other(self, db: sqlite3.Connection, key: str, now: float) -> bool:
        query = f"SELECT id, owner, lease_until FROM attempts WHERE {_sql.OPEN} AND key = ? AND state = 'reserved'"
        rows = db.execute(query, (key,))
        for attempt, owner, lease_until in rows.fetchall():
            if lease_until > now and is_alive(owner):
                return True
            _sql.mark_uncertain(db, "id = ?", attempt, now)
        return False

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock, _our_errors(self.path):
            yield self._db

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock, _our_errors(self.path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")


@contextmanager
def _our_errors(path: str | Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as exc:
        raise LedgerError(f"the ledger {path} cannot be used any more: {exc}") from exc
