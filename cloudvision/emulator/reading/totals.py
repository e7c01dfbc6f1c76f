"""The amount that was to be paid, its tax and what it was before: labels, arithmetic and place have to agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cloudvision.emulator.reading.entries import Entry
from cloudvision.emulator.reading.labels import Label

_WEIGHTS = {
    Label.ROUNDED_TOTAL: 1.0,
    Label.GRAND_TOTAL: 0.8,
    Label.DUE: 0.8,
    Label.TOTAL: 0.75,
    Label.SALES: 0.6,
    Label.PAID: 0.35,
    Label.SUBTOTAL: 0.3,
}
_TOTALS = frozenset({Label.ROUNDED_TOTAL, Label.GRAND_TOTAL, Label.DUE, Label.TOTAL, Label.SALES})
_UNNAMED = 0.2
_SURE, _LEAST = 0.99, 0.2


@dataclass(frozen=True, slots=True)
class Judged:
    """An entry and how sure it is that it is what was looked for, 0 to 1."""

    entry: Entry
    confidence: float


@dataclass(frozen=True, slots=True)
class Totals:
    """What was found; None where nothing was."""

    total: Judged | None
    subtotal: Judged | None
    tax: Judged | None


def totals_of(entries: Sequence[Entry], *, items: Sequence[int] = ()) -> Totals:
    """Look among the amounts of a receipt.

    Args:
        entries: all amounts, from top to bottom.
        items: what the single articles cost, in hundredths.
    """
    total = _total(entries, items)
    tax = _tax(entries, total)
    return Totals(total, _subtotal(entries, total, tax, items), tax)


def _total(entries: Sequence[Entry], items: Sequence[int]) -> Judged | None:
    facts = _Facts(entries, items)
    best: tuple[float, float, int] | None = None
    for index, entry in enumerate(entries):
        if facts.may_be_total(entry):
            # The same amount may stand there as the total and as the cash; of several totals, the last was to be paid.
            best = max(best or (0.0, 0.0, 0), (facts.score(entry), _weight(entry), index))
    if best is None:
        return None
    score, _, index = best
    return Judged(entries[index], _confidence(score, entries[index]))


class _Facts:
    """What the amounts of one receipt say about each other."""

    def __init__(self, entries: Sequence[Entry], items: Sequence[int]) -> None:
        self._entries = entries
        self._items = sum(items) if len(items) > 1 else None
        paid, change = _values(entries, Label.PAID), _values(entries, Label.CHANGE)
        self._given = {p - abs(c) for p in paid for c in change if c}
        self._paid = paid
        self._has_change = bool(change)
        self._rounding = {r for r in _values(entries, Label.ROUNDING) if abs(r) < 10}
        self._extras = _sums(
            [_values(entries, label) for label in (Label.TAX, Label.SERVICE, Label.ROUNDING)],
            {-abs(value) for value in _values(entries, Label.DISCOUNT)},
        )

    def may_be_total(self, entry: Entry) -> bool:
        """It is called something that a total may be called, or is what was given less the change.

        What was given is no total where there was change.
        """
        if entry.cents <= 0 or (entry.label is Label.PAID and self._given and entry.cents not in self._given):
            return False
        return entry.label in _WEIGHTS or entry.cents in self._given

    def score(self, entry: Entry) -> float:
        """How well an amount fits as the total; about 0.3 for a mere mention to 1.8."""
        value = entry.cents
        score = max(_weight(other) for other in (entry, *self._same(value)))
        score += 0.05 * min(2, len(self._same(value)) - 1)
        if value in self._given:
            score += 0.5
        elif value in self._paid:
            score += 0.3 if self._has_change else 0.2
        totals = {other.cents for other in self._entries if other.label in _TOTALS | {Label.SUBTOTAL}}
        if any(r and value - r in totals for r in self._rounding) or _is_sum_of_two(value, totals):
            score += 0.3  # it comes after them: rounded, or the sum of what each rate of tax applies to
        adds_up = any(value - subtotal in self._extras for subtotal in _values(self._entries, Label.SUBTOTAL))
        if adds_up and not any(_is_sum_of_two(other, {value, *totals}, one=value) for other in totals):
            score += 0.35
        if self._items is not None and abs(value - self._items) <= 4:  # rounded to five cents
            score += 0.15
        return score

    def _same(self, value: int) -> list[Entry]:
        return [other for other in self._entries if other.cents == value and other.label is not None]


def _weight(entry: Entry) -> float:
    return _WEIGHTS.get(entry.label, _UNNAMED) if entry.label else _UNNAMED


def _tax(entries: Sequence[Entry], total: Judged | None) -> Judged | None:
    """The largest amount labelled as tax that is a fair share of the total."""
    top = total.entry.cents if total else None
    fitting = [e for e in entries if e.label is Label.TAX and e.cents >= 0 and (top is None or e.cents < top / 2)]
    if not fitting:
        return None
    best = max(fitting, key=lambda entry: entry.cents)
    checked = total is not None and any(
        abs(subtotal + best.cents - total.entry.cents) <= 4 for subtotal in _values(entries, Label.SUBTOTAL)
    )
    return Judged(best, _confidence(1.4 if checked else 0.8, best))


def _subtotal(
    entries: Sequence[Entry], total: Judged | None, tax: Judged | None, items: Sequence[int]
) -> Judged | None:
    fitting = [entry for entry in entries if entry.label is Label.SUBTOTAL and entry.cents > 0]
    if total is not None:
        fitting = [entry for entry in fitting if entry.row.number != total.entry.row.number]
    if not fitting:
        return None
    extra = {0, tax.entry.cents if tax else 0}
    goal = {total.entry.cents - value for value in extra} if total else set()
    checked = [entry for entry in fitting if any(abs(entry.cents - value) <= 4 for value in goal)]
    best = (checked or fitting)[0]
    adds_up = bool(checked) or (len(items) > 1 and best.cents == sum(items))
    return Judged(best, _confidence(1.4 if adds_up else 0.8, best))


def _confidence(score: float, entry: Entry) -> float:
    """From evidence (0.3: a bare mention, 1.4 and more: everything agrees) and the recogniser's own certainty."""
    return round(min(_SURE, max(_LEAST, 0.2 + 0.57 * score)) * entry.piece.confidence, 3)


def _values(entries: Sequence[Entry], label: Label) -> set[int]:
    return {entry.cents for entry in entries if entry.label is label}


def _sums(choices: Sequence[set[int]], less: set[int]) -> set[int]:
    """All sums of at most one value of each set."""
    sums = {0}
    for values in (*choices, less):
        sums |= {total + value for total in sums for value in values}
    return sums - {0}


def _is_sum_of_two(value: int, totals: set[int], *, one: int | None = None) -> bool:
    """`value` is the sum of two of the totals, of which `one` is one."""
    return any(
        value - other in totals for other in totals if other != value and value and (one is None or other == one)
    )
