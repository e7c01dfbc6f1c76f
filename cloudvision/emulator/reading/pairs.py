"""Names and values that stand together: "Invoice No: INV-100", or a label and the amount beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cloudvision.emulator.reading.keys import segments
from cloudvision.emulator.reading.money import amounts
from cloudvision.emulator.reading.pieces import Piece, Row

_NAMED = re.compile(r"(?P<key>[^\W\d][^:]{0,38}[^\W\d][).]?\s?:)\s*(?P<value>\S.*)?")
_INSIDE, _BESIDE, _AMOUNT = 0.92, 0.88, 0.85


@dataclass(frozen=True, slots=True)
class Pair:
    """A name and its value; None where the name stands alone."""

    key: Piece
    value: Piece | None
    confidence: float


def pairs_of(rows: Sequence[Row]) -> Iterator[Pair]:
    """From top to bottom. A value stands behind the colon, or is the next text of the row."""
    for row in rows:
        parts = list(segments(row))
        for (start, end), following in zip(parts, [*parts[1:], None], strict=True):
            named = _NAMED.fullmatch(row.text, start, end)
            if named is not None and named["value"]:
                yield _pair(row, named.span("key"), named.span("value"), _INSIDE)
            elif named is not None:
                yield _pair(row, named.span("key"), following, _BESIDE)
            elif (
                following is not None
                and len(parts) == 2
                and _is_label(row.text[start:end], row.text[slice(*following)])
            ):
                yield _pair(row, (start, end), following, _AMOUNT)


def _pair(row: Row, key: tuple[int, int], value: tuple[int, int] | None, confidence: float) -> Pair:
    found = row.piece(*value) if value else None
    name = row.piece(*key)
    sure = confidence * min(name.confidence, found.confidence if found else 1.0)
    return Pair(name, found, round(sure, 3))


def _is_label(text: str, value: str) -> bool:
    """Words without figures, and nothing but an amount beside them."""
    amount = next(amounts(value), None)
    wordy = any(character.isalpha() for character in text) and not any(character.isdigit() for character in text)
    return wordy and amount is not None and (amount.start, amount.end) == (0, len(value))
