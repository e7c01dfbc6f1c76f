"""The articles of an invoice: rows below the heads of columns, every word to the column it stands under."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from cloudvision.emulator.reading import outline
from cloudvision.emulator.reading.labels import Label, label_of
from cloudvision.emulator.reading.money import amounts
from cloudvision.emulator.reading.pieces import Piece, Row, joined

_HEADS = tuple(
    (re.compile(pattern, re.IGNORECASE), name)
    for pattern, name in (
        (r"\b(unit\s*price|price\s*/?\s*unit|unit\s*cost|u/p|u\.?price|price|rate)\b", "UnitPrice"),
        (r"\b(line\s*total|amount|total|sum|ext(ended)?\s*price)\b", "Amount"),
        (
            r"\b(description|details?|particulars|services?|article|product(?!\s*code)|item(?!\s*(code|no|#)))\b",
            "Description",
        ),
        (r"\b(qty|quantity|hours|units?(?!\s*(price|cost)))\b", "Quantity"),
        (r"\b(item\s*code|product\s*code|code|sku|item\s*(no|#))\b", "ProductCode"),
        (r"\b(tax|vat|gst)\b", "Tax"),
        (r"\bdate\b", "Date"),
    )
)
_FIGURES = frozenset({"UnitPrice", "Amount", "Quantity", "Tax", "Date"})
_ENDS = frozenset(Label) - {Label.DISCOUNT, Label.PAID, Label.CHANGE, Label.OTHER}
_WORDY = re.compile(r"[A-Za-z]{2,}")


@dataclass(frozen=True, slots=True)
class Head:
    """The head of one column and how far it reaches, in pixels."""

    name: str
    left: float
    right: float


@dataclass(frozen=True, slots=True)
class Article:
    """Column -> what stands in it, for one article."""

    whole: Piece
    cells: dict[str, Piece]


def articles_of(rows: Sequence[Row]) -> list[Article]:
    """The articles below the first row that names at least two columns, one of them for amounts; none without one."""
    for at, row in enumerate(rows):
        heads = _heads(row)
        names = {head.name for head in heads}
        if len(names) >= 3 and "Amount" in names and "Description" in names:
            return _articles(rows[at + 1 :], heads)
    return []


def _heads(row: Row) -> list[Head]:
    heads: list[Head] = []
    taken: list[tuple[int, int]] = []
    for pattern, name in _HEADS:
        for match in pattern.finditer(row.text):
            start, end = match.span()
            if all(end <= other[0] or other[1] <= start for other in taken) and name not in {h.name for h in heads}:
                area = row.piece(start, end).outline
                heads.append(Head(name, outline.left(area), outline.right(area)))
                taken.append((start, end))
    return [] if any(True for _ in amounts(row.text)) else sorted(heads, key=lambda head: head.left)


def _articles(rows: Sequence[Row], heads: Sequence[Head]) -> list[Article]:
    found: list[Article] = []
    for row in rows:
        priced = next(amounts(row.text), None)
        first = row.text[: priced.start if priced else None]
        if found and label_of(first) in _ENDS:
            break
        cells = _cells(row, heads)
        if "Amount" in cells and priced is not None:
            found.append(Article(row.whole(), cells))
        elif found and set(cells) == {"Description"} and row.number == _last(found, rows) + 1:
            found[-1] = _continued(found[-1], row, cells["Description"])
        elif found:
            break
    return found


def _last(found: Sequence[Article], rows: Sequence[Row]) -> int:
    """Number of the row where the last article ends."""
    end = max(offset + length for offset, length in found[-1].whole.spans)
    return max(
        row.number for row in rows if min(word.offset for word in row.words) < end and row.page == found[-1].whole.page
    )


def _continued(article: Article, row: Row, more: Piece) -> Article:
    cells = dict(article.cells)
    cells["Description"] = joined([cells["Description"], more]) if "Description" in cells else more
    return Article(joined([article.whole, row.whole()]), cells)


def _cells(row: Row, heads: Sequence[Head]) -> dict[str, Piece]:
    """The words of a row by column; words of letters stand in no column of figures."""
    spans: dict[str, tuple[int, int]] = {}
    for word, start in zip(row.words, row.starts, strict=True):
        wordy = _WORDY.search(word.text) is not None
        fitting = [head for head in heads if not (wordy and head.name in _FIGURES)] or list(heads)
        left, right = outline.left(word.outline), outline.right(word.outline)
        name = min(
            fitting, key=lambda head: (max(head.left - right, left - head.right, 0.0), abs(head.left - left))
        ).name
        begin, _ = spans.get(name, (start, 0))
        spans[name] = begin, start + len(word.text)
    return {name: row.piece(*span) for name, span in spans.items()}
