"""A connection to a ledger file that waits for others, and lets Ctrl-C through while it does."""

from __future__ import annotations

import sqlite3
import time
from typing import Any

LOOK_S = 0.5
"""How long SQLite waits for a lock by itself (its `timeout`), and so how late a signal may come through."""


class PatientConnection(sqlite3.Connection):
    """Waits for a file that another process holds locked, and can be interrupted meanwhile.

    SQLite itself would wait within one call, in which Python takes no signal: Ctrl-C would do nothing until its end.
    """

    patience_s = 60.0

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        """Run one statement.

        Raises:
            sqlite3.OperationalError: the file is still locked after `patience_s`, or the statement fails.
        """
        until = time.monotonic() + self.patience_s
        while True:
            try:
                return super().execute(sql, parameters)
            except sqlite3.OperationalError as error:
                # Extended codes hold the plain one in their low byte.
                busy = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
                if not busy or time.monotonic() >= until:
                    raise
