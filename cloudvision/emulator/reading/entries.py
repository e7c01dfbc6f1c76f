"""Every amount of money in a document, with what stands beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from cloudvision.emulator.reading.labels import Label, label_of
from cloudvision.emulator.reading.money import Amount, amounts, cents
from cloudvision.emulator.reading.pieces import Piece, Row

_SUMMARY = re.compile(
    r"(gst|qst|tax|sst|vat)(summary|analysis|breakdown|details?)|^taxcode.*(amount|amt|tax)|^gst.?taxcode"
)
_MOST_ROUNDING = 10
_SPACES = re.compile(r"[^a-z]")


@dataclass(frozen=True, slots=True)
class Entry:
    """One amount and its label."""

    amount: Amount
    label: Label | None

    row: Row
    label_row: Row | None
    """The row in which the label stands: this one, or the one above."""

    @property
    def cents(self) -> int:
        """The value in hundredths."""
        return cents(self.amount.value)

    @property
    def piece(self) -> Piece:
        """Where the amount stands."""
        return self.row.piece(self.amount.start, self.amount.end)


def entries_of(rows: Sequence[Row]) -> list[Entry]:
    """The amounts of all rows, in order; those of a summary of taxes are left out."""
    entries: list[Entry] = []
    in_summary = False
    above: Row | None = None
    for row in rows:
        found = list(amounts(row.text))
        if not found:
            in_summary = in_summary or _SUMMARY.search(_SPACES.sub("", row.text.lower())) is not None
            above = row
            continue
        if not (in_summary and len(found) > 1):
            entries.extend(_entries(row, found, above))
        above = None
    return list(_named_anew(entries))


def _entries(row: Row, found: Sequence[Amount], above: Row | None) -> Iterator[Entry]:
    begin = 0
    label: Label | None = None
    label_row: Row | None = None
    for amount in found:
        beside = row.text[begin : amount.start].strip()
        if any(character.isalpha() for character in beside):
            label, label_row = label_of(beside), row
        elif begin == 0 and above is not None and len(found) == 1 and (of_above := label_of(above.text)):
            label, label_row = of_above, above
        yield Entry(amount, label, row, label_row)
        begin = amount.end


def _named_anew(entries: Sequence[Entry]) -> Iterator[Entry]:
    """Cash is rounded by a few cents: what is called "Rounding" and is as large as a sum beside it is the rounded sum."""
    sums = {entry.cents for entry in entries if entry.label is not Label.ROUNDING}
    for entry in entries:
        if entry.label is not Label.ROUNDING or abs(entry.cents) <= _MOST_ROUNDING:
            yield entry
        elif any(abs(entry.cents - value) <= _MOST_ROUNDING for value in sums):
            yield replace(entry, label=Label.ROUNDED_TOTAL)
