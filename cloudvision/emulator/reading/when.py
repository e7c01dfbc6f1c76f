"""The date and time of a purchase, among all dates that a receipt prints."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from cloudvision.emulator.reading.dates import Date, Time, dates, times
from cloudvision.emulator.reading.pieces import Piece, Row
from cloudvision.emulator.reading.region import Region

_GOOD = re.compile(r"\b(date|dated|tarikh|datum|inv(oice)? date)", re.IGNORECASE)
_BAD = re.compile(
    r"expir|\bexp\b|due|valid|until|delivery|birth|since|member|effective|print(ed)? on|promo|from\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class When:
    """A date with its place and, where it was printed beside it, the time."""

    date: Date
    date_piece: Piece
    date_confidence: float
    time: Time | None
    time_piece: Piece | None


def purchase_date(rows: Sequence[Row], region: Region) -> When | None:
    """The date that is called "date" or has a time beside it, rather than one that is called something else.

    Stamps and handwriting, such as "PAID 13 MAR 2018", have neither.
    """
    best: tuple[float, Row, Date] | None = None
    for row in rows:
        for date in dates(row.text, day_first=region.day_first):
            score = _score(row, date)
            if best is None or score > best[0]:
                best = score, row, date
    if best is None:
        return None
    score, row, date = best
    piece = row.piece(date.start, date.end)
    sure = min(0.99, 0.6 + 0.2 * score) - (0.1 if date.ambiguous else 0.0)
    time_row, time = _time(rows, row, date)
    return When(
        date,
        piece,
        round(max(0.1, sure) * piece.confidence, 3),
        time,
        time_row.piece(time.start, time.end) if time else None,
    )


def _score(row: Row, date: Date) -> float:
    before = row.text[max(0, date.start - 24) : date.start]
    has_time = any(True for _ in times(row.text, after=date.end))
    return (1.0 if has_time else 0.0) + (1.0 if _GOOD.search(before) else 0.0) - (2.0 if _BAD.search(before) else 0.0)


def _time(rows: Sequence[Row], row: Row, date: Date) -> tuple[Row, Time | None]:
    """A time after the date, before it, or at the beginning of a row that is called "time"."""
    beside = sorted(times(row.text, after=date.end), key=lambda time: (time.start < date.end, time.start))
    if beside:
        return row, beside[0]
    for other in rows:
        if (called := re.search(r"\btime\b\W*", other.text, re.IGNORECASE)) and abs(other.number - row.number) <= 4:
            found = next((time for time in times(other.text) if 0 <= time.start - called.end() < 3), None)
            if found:
                return other, found
    return row, None
