"""The tables of a ledger file, and how an older file becomes a current one."""

from __future__ import annotations

import os
import sqlite3
from contextlib import ExitStack
from pathlib import Path

from cloudvision._ledger_connection import LOOK_S, PatientConnection
from cloudvision.errors import LedgerError

APPLICATION_ID = 0x43564C47  # "CVLG": tells our files from other SQLite files

# One script a version: script n brings a file from version n to n + 1. Scripts are never edited once released.
MIGRATIONS = (
    """
    -- Money is in millionths of a US dollar, times are seconds since the epoch, UTC.
    CREATE TABLE answers (
        key TEXT PRIMARY KEY,           -- provider / fingerprint / digest
        source TEXT NOT NULL,
        provider TEXT NOT NULL,
        raw TEXT,                       -- Raw as JSON; NULL for a picture that the service refused
        error_type TEXT, error TEXT,    -- the refusal
        cost INTEGER NOT NULL,
        created REAL NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE attempts (
        id INTEGER PRIMARY KEY,
        key TEXT NOT NULL,
        run INTEGER,
        source TEXT NOT NULL,
        provider TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('reserved', 'settled', 'released', 'uncertain')),
        owner TEXT NOT NULL,
        lease_until REAL NOT NULL,
        worst INTEGER NOT NULL,         -- reserved
        cost INTEGER,                   -- settled
        day TEXT NOT NULL,              -- UTC day whose budget it counts against
        started REAL NOT NULL,
        ended REAL
    );
    CREATE INDEX attempts_open ON attempts (key) WHERE state IN ('reserved', 'uncertain');
    -- What is spent, reserved or possibly spent, by scope: "all", "day:2026-11-21", "run:7". Kept beside the attempts
    -- so that asking a budget costs the same in a run of ten and of ten million.
    CREATE TABLE totals (scope TEXT PRIMARY KEY, micros INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE runs (
        id INTEGER PRIMARY KEY,
        identity TEXT NOT NULL,
        command TEXT NOT NULL,
        provider TEXT NOT NULL,
        started REAL NOT NULL,
        ended REAL
    );
    CREATE INDEX runs_identity ON runs (identity);
    CREATE TABLE progress (
        run INTEGER NOT NULL,
        position INTEGER NOT NULL,
        source TEXT NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('analysed', 'skipped', 'failed')),
        digest TEXT,
        key TEXT,
        score REAL, threshold REAL, stage TEXT, model TEXT,
        audited INTEGER NOT NULL,
        cached INTEGER NOT NULL,
        cost INTEGER NOT NULL,          -- paid for this entry
        avoided INTEGER NOT NULL,       -- what a call would have cost that was not made
        error_type TEXT, error TEXT,
        PRIMARY KEY (run, position)
    ) WITHOUT ROWID;
    """,
    """
    -- What `estimate` foresaw of a list; "identity" is that of the runs it is about.
    CREATE TABLE estimates (
        id INTEGER PRIMARY KEY,
        identity TEXT NOT NULL,
        created REAL NOT NULL,
        entries INTEGER NOT NULL,
        sampled INTEGER NOT NULL,
        calls INTEGER NOT NULL, calls_low INTEGER NOT NULL, calls_high INTEGER NOT NULL,
        cost INTEGER NOT NULL, cost_low INTEGER NOT NULL, cost_high INTEGER NOT NULL
    );
    CREATE INDEX estimates_identity ON estimates (identity);
    """,
    """
    -- Starts of calls, and pauses, that several processes count together.
    CREATE TABLE starts (bucket TEXT NOT NULL, at REAL NOT NULL);
    CREATE INDEX starts_bucket ON starts (bucket, at);
    CREATE TABLE pauses (bucket TEXT PRIMARY KEY, since REAL NOT NULL, until REAL NOT NULL) WITHOUT ROWID;
    """,
    """
    -- What answered pictures look like: 64 bits in hexadecimal. A hash goes with its answer.
    CREATE TABLE hashes (key TEXT PRIMARY KEY, hash TEXT NOT NULL, source TEXT NOT NULL) WITHOUT ROWID;
    CREATE TRIGGER hashes_go AFTER DELETE ON answers BEGIN DELETE FROM hashes WHERE key = OLD.key; END;
    """,
    """
    -- Who works on an unfinished run, and until when that is believed of a process that cannot be seen from here.
    ALTER TABLE runs ADD COLUMN owner TEXT;
    ALTER TABLE runs ADD COLUMN lease_until REAL;
    """,
    """
    -- The operation that a service has accepted and not answered yet, as JSON.
    ALTER TABLE attempts ADD COLUMN pending TEXT;
    """,
    """
    -- Chance that a picture with this verdict was called: what an audited skip stands for.
    ALTER TABLE progress ADD COLUMN propensity REAL
    """,
)


def open_database(path: str | Path, *, migrations: tuple[str, ...] = MIGRATIONS) -> PatientConnection:
    """A connection to the ledger at `path`, created (mode 0600) or migrated where needed.

    Raises:
        LedgerError: not a ledger, written by a newer version, or not writable.
    """
    if str(path) != ":memory:":
        _create_private(Path(path))
    try:
        with ExitStack() as undo:
            db = sqlite3.connect(
                path, timeout=LOOK_S, isolation_level=None, check_same_thread=False, factory=PatientConnection
            )
            undo.callback(db.close)
            # Before anything is written: another program's file stays as it is.
            version = _check_ours(db, path, len(migrations))
            db.execute("PRAGMA journal_mode = WAL")
            # In WAL mode NORMAL survives a killed process; only a power cut can take back the last answers.
            db.execute("PRAGMA synchronous = NORMAL")
            if version < len(migrations):  # otherwise a ledger can be opened, and read, while others write
                _migrate(db, path, migrations)
            undo.pop_all()
    except sqlite3.Error as exc:
        raise LedgerError(f"cannot use {path} as a ledger: {exc}") from exc
    return db


def _create_private(path: Path) -> None:
    # The ledger holds people's text. SQLite gives its side files (-wal, -shm) the mode of the main file.
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as exc:
        raise LedgerError(f"cannot write the ledger {path}: {exc.strerror}") from exc


def _check_ours(db: sqlite3.Connection, path: str | Path, newest: int) -> int:
    """The schema version of the file, 0 for a new one."""
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    application = int(db.execute("PRAGMA application_id").fetchone()[0])
    tables = int(db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])
    if application != APPLICATION_ID and (tables or version):
        raise LedgerError(f"{path} is a database of another program, not a ledger; choose another file")
    if version > newest:
        raise LedgerError(f"{path} was written by a newer cloudvision (schema {version}); update cloudvision-gate")
    return version


def _migrate(db: sqlite3.Connection, path: str | Path, migrations: tuple[str, ...]) -> None:
    db.execute("BEGIN IMMEDIATE")  # two processes may open a new file at the same moment
    try:
        for script in migrations[_check_ours(db, path, len(migrations)) :]:
            for statement in script.split(";\n"):
                db.execute(statement)
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {len(migrations)}")
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise
