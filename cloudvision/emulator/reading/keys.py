"""Values that have a name in front of them or above them: "Invoice No: INV-100"."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from cloudvision.emulator.reading import outline
from cloudvision.emulator.reading.outline import Outline
from cloudvision.emulator.reading.pieces import Piece, Row

Take = Callable[[str], tuple[int, int] | None]
"""Where in a text the value is, if it begins with one (or a few signs before it)."""

_ROWS_BELOW = 2
_BESIDE, _BELOW = 0.95, 0.85


@dataclass(frozen=True, slots=True)
class Named:
    """A value with its place, and how sure it is that it belongs to the name, 0 to 1."""

    piece: Piece
    confidence: float
    row: int
    """Number of the row in which its name stands."""


def named(rows: Sequence[Row], name: re.Pattern[str], take: Take) -> Named | None:
    """The first value that stands right of the name, or below it in the same column."""
    for row in rows:
        for match in name.finditer(row.text):
            beside = _beside(row, match.end(), take)
            if beside is not None:
                return Named(beside, round(_BESIDE * beside.confidence, 3), row.number)
            below = _below(rows, row, match, take)
            if below is not None:
                return Named(below, round(_BELOW * below.confidence, 3), row.number)
    return None


def segments(row: Row) -> Iterator[tuple[int, int]]:
    """Start and end of the row's lines: stretches with a wide gap between them."""
    starts = [0, *row.breaks]
    yield from zip(starts, [*(start - 1 for start in row.breaks), len(row.text)], strict=True)


def _beside(row: Row, at: int, take: Take) -> Piece | None:
    gap = re.match(r"[\s:.#=-]*", row.text[at:])
    start = at + (gap.end() if gap else 0)
    # The value is in what follows the name in its own line, or in the next one.
    for begin, end in segments(row):
        if end <= start:
            continue
        first = max(begin, start)
        span = take(row.text[first:end])
        return row.piece(first + span[0], first + span[1]) if span else None
    return None


def _below(rows: Sequence[Row], row: Row, match: re.Match[str], take: Take) -> Piece | None:
    label = row.piece(match.start(), match.end()).outline
    for other in rows:
        if not row.number < other.number <= row.number + _ROWS_BELOW or other.page != row.page:
            continue
        for begin, end in segments(other):
            if _under(label, other.piece(begin, end).outline) and (span := take(other.text[begin:end])):
                return other.piece(begin + span[0], begin + span[1])
    return None


def _under(label: Outline, value: Outline) -> bool:
    """The value begins, ends or is centred where the label is."""
    if outline.top(value) - outline.bottom(label) > 2.5 * outline.height(label):
        return False
    near = 1.5 * outline.height(label)
    apart = (
        abs(outline.left(label) - outline.left(value)),
        abs(outline.right(label) - outline.right(value)),
        abs(outline.centre(label)[0] - outline.centre(value)[0]),
    )
    return min(apart) < near
