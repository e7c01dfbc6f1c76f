"""The runs of a ledger file: who is at which list, and how far."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator

from cloudvision import _ledger_care as _care
from cloudvision import _ledger_sql as _sql
from cloudvision._heartbeat import Heartbeat
from cloudvision._ledger_file import LedgerFile
from cloudvision._ledger_rows import Entry, Foreseen, Run, RunRow, Tally
from cloudvision._owner import is_alive

log = logging.getLogger(__name__)


class LedgerRuns:
    """The part of `Ledger` that runs and reports need."""

    _clock: Callable[[], float]
    _file: LedgerFile
    _heartbeat: Heartbeat
    _lease_s: float
    _max_answers: int | None
    _owner: str

    def begin_run(self, identity: str, *, command: str, provider: str, reopen: bool = False) -> Run:
        """Go on with an unfinished run of this identity (or with the latest one, to `reopen` it), or begin a new one.

        A run that another living process is at is left to it: the two share answers and nothing else.
        """
        self._heartbeat.start()
        now = self._clock()
        with self._file.writing() as db:
            runs = db.execute(
                "SELECT id, ended, owner, lease_until FROM runs WHERE identity = ? ORDER BY id DESC", (identity,)
            ).fetchall()
            free = [row for row in runs if not self._is_elsewhere(*row[1:], now=now)]
            beside = len(free) < len(runs)
            fit = next((row for row in free if reopen or row[1] is None), None)
            if fit is not None:
                number = int(fit[0])
                db.execute(
                    "UPDATE runs SET ended = NULL, owner = ?, lease_until = ? WHERE id = ?",
                    (self._owner, now + self._lease_s, number),
                )
                log.info("run %d of %s goes on", number, self._file.path)
                return Run(number, resumed=True, beside=beside)
            cursor = db.execute(
                "INSERT INTO runs (identity, command, provider, started, owner, lease_until) VALUES (?, ?, ?, ?, ?, ?)",
                (identity, command, provider, now, self._owner, now + self._lease_s),
            )
            assert cursor.lastrowid is not None
            log.info("run %d of %s begins", cursor.lastrowid, self._file.path)
            return Run(cursor.lastrowid, resumed=False, beside=beside)

    def finish_run(self, run: int) -> None:
        """The list was gone through to its end: the same command begins anew next time."""
        with self._file.writing() as db:
            db.execute("UPDATE runs SET ended = ?, owner = NULL WHERE id = ?", (self._clock(), run))
            if self._max_answers is not None:
                _care.trim(db, self._max_answers)

    def leave_run(self, run: int) -> None:
        """This process stops before the end of the list: whoever begins the same run goes on with this one."""
        with self._file.writing() as db:
            db.execute("UPDATE runs SET owner = NULL WHERE id = ?", (run,))

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

    def _is_elsewhere(self, ended: float | None, owner: str | None, lease_until: float | None, *, now: float) -> bool:
        """Whether another living process is at that run."""
        if ended is not None or owner is None or owner == self._owner:
            return False
        return (lease_until or 0.0) > now and is_alive(owner)


def renew_runs(db: sqlite3.Connection, owner: str, until: float) -> None:
    """Believe in the runs of an owner for longer."""
    db.execute("UPDATE runs SET lease_until = ? WHERE owner = ? AND ended IS NULL", (until, owner))
