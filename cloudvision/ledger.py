"""The ledger: one SQLite file that holds answers, reservations, spend and progress.

Every attempt to call a service reserves its worst cost first, and ends in exactly one of four ways: *settled* with an
answer, *rejected* (the service refused the picture; settled too), *released* because it was certainly not billed, or
*uncertain* because nobody knows. Settling writes the answer, the money and the progress of the list in one transaction.

A file serves many threads and several processes of one machine at once. One `Ledger` object holds one connection, which
its threads share under a lock.
"""

from __future__ import annotations

import logging
import math
import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from cloudvision import _ledger_care as _care
from cloudvision import _ledger_sql as _sql
from cloudvision import _ledger_starts as _starts
from cloudvision._ledger_file import LedgerFile
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

log = logging.getLogger(__name__)


class Ledger:
    """An open ledger file.

    Args:
        path: the file, created with mode 0600 when missing; ":memory:" for one that is gone with the object.
        clock: seconds since the epoch.
        lease_s: seconds after which a reservation of another machine that never ended becomes uncertain.
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
        self._changed = threading.Condition()

    @property
    def name(self) -> str:
        """The file, as it was given."""
        return str(self.path)

    def close(self) -> None:
        """Close the file; further use is an error."""
        self._file.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- answers -------------------------------------------------------------------------------------------------------

    def answer(self, key: str) -> Stored | None:
        """The settled outcome under `key`, None when there is none."""
        with self._file.reading() as db:
            return _sql.stored(db, key, newer_than=self._clock() - self._ttl_s)

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
        with self._file.writing() as db:
            stored = _sql.stored(db, key, newer_than=max(now - self._ttl_s, newer_than or 0.0))
            if stored is not None:
                return stored
            if self._held_by_other(db, key, now):
                return Busy()
            if uncertain == "keep" and _sql.has_uncertain(db, key):
                return Uncertain()
            left = _sql.check_budget(db, budget, worst=worst, run=run, day=day)
            cursor = db.execute(
                "INSERT INTO attempts (key, run, source, provider, state, owner, lease_until, worst, day, started)"
                " VALUES (?, ?, ?, ?, 'reserved', ?, ?, ?, ?, ?)",
                (key, run, source, provider, self._owner, now + self._lease_s, worst, day, now),
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
        with self._changed:
            self._changed.wait(seconds)

    def wait_until_idle(self, seconds: float) -> bool:
        """Wait until no reservation of this process is open, at most `seconds`; whether that came about."""
        until = time.monotonic() + seconds
        while self.open_attempts():
            if (left := until - time.monotonic()) <= 0:
                return False
            self.wait_for_change(min(left, 0.25))
        return True

    # -- runs and progress ---------------------------------------------------------------------------------------------

    def begin_run(self, identity: str, *, command: str, provider: str, reopen: bool = False) -> Run:
        """Go on with the latest run of this identity if it is unfinished (or with `reopen`), or begin a new one."""
        with self._file.writing() as db:
            found = db.execute(
                "SELECT id, ended FROM runs WHERE identity = ? ORDER BY id DESC LIMIT 1", (identity,)
            ).fetchone()
            if found and (found[1] is None or reopen):
                db.execute("UPDATE runs SET ended = NULL WHERE id = ?", (found[0],))
                log.info("run %d of %s goes on", found[0], self.path)
                return Run(found[0], resumed=True)
            cursor = db.execute(
                "INSERT INTO runs (identity, command, provider, started) VALUES (?, ?, ?, ?)",
                (identity, command, provider, self._clock()),
            )
            assert cursor.lastrowid is not None
            log.info("run %d of %s begins", cursor.lastrowid, self.path)
            return Run(cursor.lastrowid, resumed=False)

    def finish_run(self, run: int) -> None:
        """The list was gone through to its end: the same command begins anew next time."""
        with self._file.writing() as db:
            db.execute("UPDATE runs SET ended = ? WHERE id = ?", (self._clock(), run))
            if self._max_answers is not None:
                _care.trim(db, self._max_answers)

    def record(self, run: int, entry: Entry) -> None:
        """Write down what became of one list entry; the last outcome wins."""
        with self._file.writing() as db:
            _sql.record(db, run, entry)

    def progress(self, run: int, *, chunk: int = 1000) -> Iterator[Entry]:
        """The entries of a run in list order, read in chunks so that memory stays flat."""
        after = -1
        while True:
            with self._file.reading() as db:
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
        with self._file.reading() as db:
            return _sql.tallies(db, run)

    def attempts(self, run: int | None = None) -> tuple[tuple[str, int, int], ...]:
        """(state, number, micros) of the attempts of one run, or of all; micros are what counts against a budget."""
        with self._file.reading() as db:
            return _sql.attempts(db, run)

    def runs(self) -> tuple[RunRow, ...]:
        """All runs, oldest first."""
        with self._file.reading() as db:
            query = "SELECT id, command, provider, started, ended FROM runs ORDER BY id"
            return tuple(RunRow(*row) for row in db.execute(query))

    def add_estimate(self, identity: str, foreseen: Foreseen) -> None:
        """Keep what was foreseen of the runs of this identity (see `begin_run`)."""
        with self._file.writing() as db:
            _sql.add_estimate(db, identity, foreseen, self._clock())

    def estimated(self, run: int) -> Foreseen | None:
        """The last estimate that was made of a run before it began, None without one."""
        with self._file.reading() as db:
            return _sql.estimated(db, run)

    # -- what answered pictures look like ------------------------------------------------------------------------------

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

    # -- rates that processes share ------------------------------------------------------------------------------------

    def take_start(self, bucket: str, windows: Sequence[tuple[int, float]], /) -> float:
        """Count one more start in `bucket` if no window of (calls, seconds) is full; see `Limiter`.

        Returns:
            0 when it was counted; otherwise the seconds to wait before asking again.
        """
        with self._file.writing() as db:
            return _starts.take(db, bucket, windows, now=self._clock())

    def pause_starts(self, bucket: str, seconds: float, /) -> None:
        """Nobody starts in `bucket` for `seconds` from now."""
        with self._file.writing() as db:
            now = self._clock()
            _starts.pause(db, bucket, since=now, until=now + seconds)

    # -- care ----------------------------------------------------------------------------------------------------------

    def uncertain_attempts(self) -> tuple[Attempt, ...]:
        """The attempts that may have been billed, oldest first; those of processes that are gone included."""
        with self._file.writing() as db:
            _care.mark_lost(db, self._clock())
            return _care.uncertain(db)

    def resolve(self, ids: Collection[int], *, billed: bool) -> int:
        """Say of uncertain attempts whether they were billed; the number of those that were still uncertain.

        Billed ones are settled with their worst cost, without an answer; others are released, and budgets have that
        much room again.
        """
        with self._file.writing() as db:
            return _care.resolve(db, ids, billed=billed, now=self._clock())

    def answers(self, *, provider: str | None = None, chunk: int = 1000) -> Iterator[Answer]:
        """All settled outcomes, or those of one provider, in no promised order; memory stays flat."""
        after = ""
        while True:
            with self._file.reading() as db:
                found = _care.answers(db, provider, after=after, chunk=chunk)
            yield from found
            if len(found) < chunk:
                return
            after = found[-1].key

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
            purged = _care.purge(db, source=source, before=math.inf if before is None else before)
        if not dry_run:
            with self._file.reading() as db:
                _care.compact(db, self.path)
        return purged

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
        self._wake()
        return stored

    def _end(self, held: Reservation, state: str, cost: int) -> None:
        with self._file.writing() as db:
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
