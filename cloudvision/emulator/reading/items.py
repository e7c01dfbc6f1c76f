"""The single articles of a receipt, between the heads of its columns and its totals."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from cloudvision.emulator.reading.labels import Label, label_of
from cloudvision.emulator.reading.money import Amount, amounts, cents
from cloudvision.emulator.reading.pieces import Piece, Row, joined

_HEAD = re.compile(
    r"\b(items?|descri?ption|desc|qty|quantity|qnty|u\W?price|price|u/p|s/price|amou?nt|amt|total|disc|code|particulars)\b",
    re.IGNORECASE,
)
_SURE_HEADS = frozenset(
    {"item", "items", "description", "desc", "qty", "quantity", "qnty", "price", "u/p", "particulars"}
)
_UNITS = re.compile(r"[\W\d]*(\b(rm|myr|usd|tax|code|gst|sr|st)\b[\W\d]*)*", re.IGNORECASE)
_QUANTITY = re.compile(
    r"(?<![\w.,/-])(?P<number>\d{1,4}(?:[.,]\d{1,3})?)(?=\s?(?:x\b|×|\*|@|pcs?\b|nos\b|unit|kg\b)|\s|$)", re.IGNORECASE
)
_NO_NAME = re.compile(r"\W*([a-z]?nits?|nos?|pcs?|kg|x|[a-z]+\d+[a-z]*|\W)+\W*", re.IGNORECASE)
_CODE = re.compile(r"^\W*[A-Z]{0,3}\d[\w-]{3,}\s+", re.IGNORECASE)
_ENDS = frozenset(
    {
        Label.SUBTOTAL,
        Label.TOTAL,
        Label.GRAND_TOTAL,
        Label.ROUNDED_TOTAL,
        Label.SALES,
        Label.DUE,
        Label.TAX,
        Label.ROUNDING,
        Label.SERVICE,
    }
)
_NO_ARTICLE = frozenset({Label.DISCOUNT, Label.ROUNDING, Label.TAX})


@dataclass(frozen=True, slots=True)
class Item:
    """One article; what was not found is None."""

    whole: Piece
    description: Piece | None
    quantity: tuple[float, Piece] | None
    price: tuple[float, Piece] | None
    total: tuple[float, Piece]
    adds_up: bool
    """Quantity times price is the total."""

    @property
    def cents(self) -> int:
        """What it costs in hundredths."""
        return cents(self.total[0])


@dataclass(frozen=True, slots=True)
class _Quantity:
    value: float
    start: int
    end: int

    def valued(self, row: Row) -> tuple[float, Piece]:
        return self.value, row.piece(self.start, self.end)


def items_of(rows: Sequence[Row]) -> list[Item]:
    """The articles, from top to bottom.

    Their names stand in the row of their amounts, or in the rows above it or below it, the same way for all of a receipt.
    """
    inside = _between(rows)
    named_below = bool(inside) and not _has_name(inside[0]) and _is_priced(inside[0])
    items: list[Item] = []
    names: list[Row] = []
    open_row: Row | None = None
    for row in inside:
        found = [amount for amount in amounts(row.text) if amount.value > 0]
        if not found:
            if not _is_priced(row):  # a discount or an empty price names nothing
                names.append(row)
        elif label_of(row.text[: found[0].start]) in _NO_ARTICLE:
            continue
        elif items and not names and not _has_name(row) and (product := _product(row, found, items[-1].cents)):
            items[-1] = _explained(items[-1], row, product)
        elif named_below:
            if open_row is not None:
                items.append(_item(open_row, names))
            open_row, names = row, []
        else:
            items.append(_item(row, names))
            names = []
    if open_row is not None:
        items.append(_item(open_row, names))
    return [item for item in items if item.description is not None or item.adds_up]


def _between(rows: Sequence[Row]) -> list[Row]:
    """The rows from below the heads of the columns, or from the first amount, to the first total."""
    priced = [row.number for row in rows if _is_priced(row)]
    if not priced:
        return []
    head = next((row.number for row in rows[: priced[-1]] if _is_head(row)), None)
    first = priced[0] - rows[0].number
    start = head - rows[0].number + 1 if head is not None else max(0, first - (0 if _has_name(rows[first]) else 1))
    inside: list[Row] = []
    for row in rows[start:]:
        if _is_end(row):
            break
        if inside or _is_priced(row) or not _UNITS.fullmatch(row.text):
            inside.append(row)
    return inside


def _is_head(row: Row) -> bool:
    words = {word.lower() for word in _HEAD.findall(row.text)}
    return len(words) >= 2 and bool(words & _SURE_HEADS) and "summary" not in row.text.lower() and not _is_priced(row)


def _is_end(row: Row) -> bool:
    """The first of the totals."""
    found = next(amounts(row.text), None)
    label = label_of(row.text[: found.start] if found else row.text)
    if label is Label.OTHER:
        return "total" in row.text.lower()
    return label in _ENDS and (found is not None or label is not Label.TAX)


def _is_priced(row: Row) -> bool:
    return any(True for _ in amounts(row.text))


def _item(row: Row, names: Sequence[Row]) -> Item:
    found = [amount for amount in amounts(row.text) if amount.value > 0]
    total = found[-1]
    product = _product(row, found[:-1] or found, cents(total.value))
    quantity = product[0] if product else None
    description = _description(row, names, found[0], quantity)
    whole = joined([description, row.whole()]) if names and description else row.whole()
    item = Item(whole, description, None, None, (total.value, row.piece(total.start, total.end)), False)
    if quantity is None or product is None:
        return item
    price = (product[1].value, row.piece(product[1].start, product[1].end)) if product[1] is not total else None
    return replace(item, quantity=quantity.valued(row), price=price, adds_up=price is not None)


def _explained(item: Item, row: Row, product: tuple[_Quantity, Amount]) -> Item:
    """The article above, with "6 x 1.01" from the row below it."""
    quantity, price = product
    return replace(
        item,
        whole=joined([item.whole, row.whole()]),
        quantity=quantity.valued(row),
        price=(price.value, row.piece(price.start, price.end)),
        adds_up=True,
    )


def _product(row: Row, found: Sequence[Amount], total: int) -> tuple[_Quantity, Amount] | None:
    """The quantity and the price whose product is the total, in hundredths."""
    quantities = list(_quantities(row.text))
    for price in found:
        for quantity in quantities:
            apart = quantity.end <= price.start or quantity.start >= price.end
            if apart and quantity.value and abs(quantity.value * price.value * 100 - total) < 1:
                return quantity, price
    return None


def _quantities(text: str) -> Iterator[_Quantity]:
    for match in _QUANTITY.finditer(text):
        yield _Quantity(float(match["number"].replace(",", ".")), match.start("number"), match.end("number"))


def _description(row: Row, names: Sequence[Row], first: Amount, quantity: _Quantity | None) -> Piece | None:
    """The words before the first amount, or else the rows that belong to this one."""
    end = min(first.start, quantity.start) if quantity and quantity.start > 0 else first.start
    start = quantity.end if quantity and quantity.start == 0 else 0
    if code := _CODE.match(row.text, start):
        start = max(start, code.end())
    own = row.text[start:end]
    lines = [name.whole() for name in names if any(character.isalpha() for character in name.text)]
    wordy = sum(character.isalpha() for character in own) >= 3
    if wordy and not (lines and _NO_NAME.fullmatch(own)):
        return row.piece(start, end)
    return joined(lines) if lines else None


def _has_name(row: Row) -> bool:
    found = next(amounts(row.text), None)
    return sum(character.isalpha() for character in row.text[: found.start if found else None]) >= 3
