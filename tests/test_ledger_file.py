"""The ledger's file: private, its own kind only, older versions migrated, no purged text left on the disk."""

from __future__ import annotations

import signal
import sqlite3
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cloudvision._ledger_connection import PatientConnection
from cloudvision._ledger_schema import MIGRATIONS, open_database
from cloudvision.errors import BudgetExceededError, LedgerError
from cloudvision.ledger import Budget, Ledger
from cloudvision.raw import Raw
from tests.ledgers import ANSWER, held

SECRET = "Dear Ms Quennevais, your results are in"


def test_only_the_owner_of_the_file_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    with Ledger(path) as ledger:
        held(ledger)
        modes = {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    assert {0o600} == modes


@pytest.mark.parametrize("bytes_", [b"not a database at all, but long enough to be looked at" * 40, None])
def test_a_file_of_another_kind_is_named_and_left_alone(tmp_path: Path, bytes_: bytes | None) -> None:
    path = tmp_path / "photo.db"
    if bytes_ is None:
        with sqlite3.connect(path) as db:
            db.execute("CREATE TABLE other (x)")
        db.close()
    else:
        path.write_bytes(bytes_)
    before = path.read_bytes()
    with pytest.raises(LedgerError, match=r"photo\.db"):
        Ledger(path)
    assert before == path.read_bytes()


def test_a_ledger_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    Ledger(path).close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(LedgerError, match="newer cloudvision"):
        Ledger(path)


def test_the_text_of_a_purged_answer_is_gone_from_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    with Ledger(path) as ledger:
        letter = Raw(body=SECRET * 300)
        for n in range(20):
            ledger.settle(held(ledger, f"k{n}", source=f"letters/{n}.png"), letter, cost=1000)
        assert any(SECRET.encode() in file.read_bytes() for file in tmp_path.iterdir())
        assert 20 == ledger.purge(source="letters/*").answers
        # While the ledger is still open: the write-ahead log counts too.
        assert not [file for file in tmp_path.iterdir() if SECRET.encode() in file.read_bytes()]
        assert not [file for file in tmp_path.iterdir() if b"letters/" in file.read_bytes()]
        assert (("settled", 20, 20_000),) == ledger.attempts()


def test_a_reader_elsewhere_that_keeps_the_log_from_being_emptied_is_named(tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    with Ledger(path) as ledger:
        ledger.settle(held(ledger), ANSWER, cost=1000)
        reader = sqlite3.connect(path, isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM answers").fetchone()
        with pytest.raises(LedgerError, match="in use elsewhere"):
            ledger.purge()
        reader.close()
        ledger.purge()


class InterruptedByTestError(Exception):
    """What a signal handler of a test raises."""


def interrupt(*_: object) -> None:
    raise InterruptedByTestError


@contextmanager
def signal_soon() -> Iterator[None]:
    """A signal arrives a moment after the block has begun."""
    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_a_signal_comes_through_while_another_process_holds_the_file(tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    Ledger(path).close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with Ledger(path) as ledger:
        assert () == ledger.runs()  # whoever only reads does not wait
        began = time.monotonic()
        with pytest.raises(InterruptedByTestError), signal_soon():
            ledger.begin_run("x", command="x", provider="fake")
        assert time.monotonic() - began < 5
        other.execute("ROLLBACK")
        other.close()
        assert ledger.begin_run("x", command="x", provider="fake").id


def test_a_file_that_stays_locked_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PatientConnection, "patience_s", 0.0)
    path = tmp_path / "run.db"
    with Ledger(path) as ledger:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerError, match="locked"):
            held(ledger)
        other.close()
        held(ledger)


def test_a_file_of_the_first_version_is_migrated_and_keeps_what_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    open_database(path, migrations=MIGRATIONS[:1]).close()
    with sqlite3.connect(path) as db:
        assert 1 == db.execute("PRAGMA user_version").fetchone()[0]
        db.execute("INSERT INTO answers VALUES ('k', 'a.png', 'fake', NULL, 'RejectedError', 'too large', 7, 1e9)")
        db.execute("INSERT INTO totals VALUES ('all', 7)")
    db.close()
    with Ledger(path) as ledger:
        found = ledger.answer("k")
        assert found is not None
        assert ("too large", 7) == (found.error, found.cost)
        with pytest.raises(BudgetExceededError):
            held(ledger, "more", worst=10, budget=Budget(ledger=16))
        held(ledger, "more", worst=10, budget=Budget(ledger=17))
        assert ledger.begin_run("x", command="x", provider="fake").id
    with sqlite3.connect(path) as db:
        assert len(MIGRATIONS) == db.execute("PRAGMA user_version").fetchone()[0]
    db.close()


def test_a_migration_that_fails_leaves_the_file_as_it_was_and_closes_it(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    Ledger(path).close()
    broken = (*MIGRATIONS, "CREATE TABLE extra (x);\nCREATE TABLE extra (x)")
    with pytest.raises(LedgerError, match="already exists"):
        open_database(path, migrations=broken)
    better = open_database(path, migrations=(*MIGRATIONS, "CREATE TABLE extra (x)"))
    assert 0 == better.execute("SELECT count(*) FROM extra").fetchone()[0]
    better.close()
    with pytest.raises(LedgerError, match="newer cloudvision"):
        Ledger(path)
