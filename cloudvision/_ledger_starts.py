"""The starts of calls that several processes count together, so that they share one rate."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence

from cloudvision._ledger_file import LedgerFile

_CLOCK_STEP_S = 1.0
"""A start further in the future than this was written before the clock was set back, and says nothing."""


class LedgerStarts:
    """The part of `Ledger` that a `Limiter` shares with those of other processes."""

    _clock: Callable[[], float]
    _file: LedgerFile

    def take_start(self, bucket: str, windows: Sequence[tuple[int, float]], /) -> float:
        """Count one more start in `bucket` if no window of (calls, seconds) is full; see `Limiter`.

        Returns:
            0 when it was counted; otherwise the seconds to wait before asking again.
        """
        with self._file.writing() as db:
            return _take(db, bucket, windows, now=self._clock())

    def pause_starts(self, bucket: str, seconds: float, /) -> None:
        """Nobody starts in `bucket` for `seconds` from now."""
        with self._file.writing() as db:
            now = self._clock()
            _pause(db, bucket, since=now, until=now + seconds)


def _take(db: sqlite3.Connection, bucket: str, windows: Sequence[tuple[int, float]], *, now: float) -> float:
    """Count a start at `now` and return 0, or return the seconds until one may be counted."""
    longest = max((seconds for _, seconds in windows), default=0.0)
    db.execute(
        "DELETE FROM starts WHERE bucket = ? AND (at <= ? OR at > ?)", (bucket, now - longest, now + _CLOCK_STEP_S)
    )
    wait = _paused(db, bucket, now)
    for calls, seconds in windows:
        row = db.execute(
            "SELECT at FROM starts WHERE bucket = ? ORDER BY at DESC LIMIT 1 OFFSET ?", (bucket, calls - 1)
        ).fetchone()
        if row is not None:
            wait = max(wait, row[0] + seconds - now)
    if wait > 0:
        return wait
    db.execute("INSERT INTO starts (bucket, at) VALUES (?, ?)", (bucket, now))
    return 0.0


def _pause(db: sqlite3.Connection, bucket: str, *, since: float, until: float) -> None:
    """No start is counted before `until`; an earlier pause that lasts longer stays."""
    if until > since + _paused(db, bucket, since):
        db.execute("INSERT OR REPLACE INTO pauses (bucket, since, until) VALUES (?, ?, ?)", (bucket, since, until))


def _paused(db: sqlite3.Connection, bucket: str, now: float) -> float:
    row = db.execute("SELECT since, until FROM pauses WHERE bucket = ?", (bucket,)).fetchone()
    return max(0.0, row[1] - now) if row and row[0] <= now + _CLOCK_STEP_S else 0.0
