"""Fields as the service writes them: type, value, the text as it stands, where, and how sure."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cloudvision._json import JSON
from cloudvision.emulator.reading.outline import Outline
from cloudvision.emulator.reading.pieces import Piece


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a document.

    Args:
        type: as in the API: "string", "number", "date", "array" ...
        value: JSON of what stands under `valueString`, `valueNumber` ...; for arrays and objects their fields. None: the
            text could not be turned into a value.
        piece: where it stands; None for an array.
        confidence: 0 to 1; None for an array.
    """

    type: str
    value: JSON | Sequence[Field] | Mapping[str, Field]
    piece: Piece | None = None
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """One receipt or invoice that was found.

    Args:
        type: such as "receipt.retailMeal".
        fields: those that were found.
        pages: the numbers of its pages.
        confidence: that it is such a document, 0 to 1.
    """

    type: str
    fields: Mapping[str, Field]
    pages: tuple[int, ...]
    confidence: float


def text(piece: Piece, confidence: float) -> Field:
    """A string; line feeds in it are spaces."""
    return Field("string", piece.text.replace("\n", " "), piece, confidence)


def number(value: float, piece: Piece, confidence: float) -> Field:
    """A number."""
    return Field("number", int(value) if value == int(value) else value, piece, confidence)


def currency(value: float, sign: str | None, code: str | None, piece: Piece, confidence: float) -> Field:
    """An amount of money; sign and ISO 4217 code where they are known."""
    found: dict[str, JSON] = {"currencySymbol": sign} if sign else {}
    found["amount"] = value
    if code:
        found["currencyCode"] = code
    return Field("currency", found, piece, confidence)


def date(value: datetime.date, piece: Piece, confidence: float) -> Field:
    """A date."""
    return Field("date", value.isoformat(), piece, confidence)


def time(value: datetime.time, piece: Piece, confidence: float) -> Field:
    """A time of day."""
    return Field("time", value.isoformat(), piece, confidence)


def array(fields: Sequence[Field]) -> Field:
    """Several fields of one kind."""
    return Field("array", tuple(fields))


def group(fields: Mapping[str, Field], piece: Piece, confidence: float) -> Field:
    """Fields that belong together, such as those of one article."""
    return Field("object", dict(fields), piece, confidence)


def outlines_of(field: Field) -> Sequence[Outline]:
    """Where the field stands, for drawing it; an array's are those of its members."""
    if field.piece is not None:
        return (field.piece.outline,)
    members = field.value if isinstance(field.value, tuple) else ()
    return [area for member in members if isinstance(member, Field) for area in outlines_of(member)]
