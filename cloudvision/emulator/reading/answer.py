"""A layout and its documents as the JSON of `analyzeResult`, API version 2023-07-31."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from cloudvision._json import JSON
from cloudvision.emulator.reading import outline
from cloudvision.emulator.reading.fields import Document, Field
from cloudvision.emulator.reading.layout import Cell, Layout, Line, Page, Paragraph, Table, Word
from cloudvision.emulator.reading.outline import Outline
from cloudvision.emulator.reading.pairs import Pair
from cloudvision.emulator.reading.pieces import Piece
from cloudvision.emulator.reading.spans import Index

_VALUES = {
    "string": "valueString",
    "number": "valueNumber",
    "date": "valueDate",
    "time": "valueTime",
    "phoneNumber": "valuePhoneNumber",
    "currency": "valueCurrency",
    "address": "valueAddress",
    "array": "valueArray",
    "object": "valueObject",
}


class Answer:
    """Writes one `analyzeResult`.

    Args:
        layout: what was read.
        index: turns places in the content into those of the `stringIndexType` that was asked for.
    """

    def __init__(self, layout: Layout, index: Index) -> None:
        self._layout = layout
        self._index = index
        self._pages = {page.number: page for page in layout.pages}

    def pages(self) -> JSON:
        """`pages`, with words and lines."""
        return [self._page(page) for page in self._layout.pages]

    def paragraphs(self, *, roles: bool) -> JSON:
        """`paragraphs`; without `roles` as prebuilt-read gives them."""
        return [self._paragraph(paragraph, roles=roles) for paragraph in self._layout.paragraphs]

    def tables(self) -> JSON:
        """`tables`."""
        return [self._table(table) for table in self._layout.tables]

    def pairs(self, pairs: Iterable[Pair]) -> JSON:
        """`keyValuePairs`."""
        return [
            {
                "key": self._element(pair.key),
                **({"value": self._element(pair.value)} if pair.value else {}),
                "confidence": pair.confidence,
            }
            for pair in pairs
        ]

    def documents(self, documents: Iterable[Document]) -> JSON:
        """`documents`, with their fields."""
        return [self._document(document) for document in documents]

    def _page(self, page: Page) -> JSON:
        return {
            "pageNumber": page.number,
            "angle": round(page.angle, 4),
            "width": self._unit(page.width, page),
            "height": self._unit(page.height, page),
            "unit": page.unit,
            "words": [self._word(word, page) for line in page.lines for word in line.words],
            "lines": [self._line(line, page) for line in page.lines],
            "spans": [self._index.span(page.offset, page.length)],
        }

    def _word(self, word: Word, page: Page) -> JSON:
        return {
            "content": word.text,
            "polygon": self._polygon(word.outline, page),
            "confidence": round(word.confidence, 3),
            "span": self._index.span(word.offset, len(word.text)),
        }

    def _line(self, line: Line, page: Page) -> JSON:
        return {
            "content": line.text,
            "polygon": self._polygon(line.outline, page),
            "spans": [self._index.span(line.offset, len(line.text))],
        }

    def _paragraph(self, paragraph: Paragraph, *, roles: bool) -> JSON:
        around = outline.around(line.outline for line in paragraph.lines)
        found: dict[str, JSON] = {"role": paragraph.role} if roles and paragraph.role else {}
        return {
            "spans": [self._index.span(paragraph.offset, len(paragraph.text))],
            "boundingRegions": self._regions(paragraph.page, around),
            **found,
            "content": paragraph.text,
        }

    def _table(self, table: Table) -> JSON:
        words = [word for cell in table.cells for word in cell.words]
        return {
            "rowCount": table.rows,
            "columnCount": table.columns,
            "cells": [self._cell(cell, table.page) for cell in table.cells],
            "boundingRegions": self._regions(table.page, table.outline),
            "spans": self._spans_of(words),
        }

    def _cell(self, cell: Cell, page: int) -> JSON:
        found: dict[str, JSON] = {"kind": "columnHeader"} if cell.header else {}
        found |= {"rowIndex": cell.row, "columnIndex": cell.column}
        if cell.row_span > 1:
            found["rowSpan"] = cell.row_span
        if cell.column_span > 1:
            found["columnSpan"] = cell.column_span
        return {
            **found,
            "content": cell.text,
            "boundingRegions": self._regions(page, cell.outline),
            "spans": self._spans_of(cell.words),
        }

    def _document(self, document: Document) -> JSON:
        pages = [self._pages[number] for number in document.pages]
        return {
            "docType": document.type,
            "boundingRegions": [region for page in pages for region in self._regions(page.number, page.whole)],
            "fields": {name: self._field(field) for name, field in document.fields.items()},
            "confidence": document.confidence,
            "spans": [self._index.span(pages[0].offset, pages[-1].offset + pages[-1].length - pages[0].offset)],
        }

    def _field(self, field: Field) -> JSON:
        found: dict[str, JSON] = {"type": field.type}
        if isinstance(field.value, tuple):
            found[_VALUES[field.type]] = [self._field(member) for member in cast(Sequence[Field], field.value)]
        elif field.type == "object":
            members = cast(Mapping[str, Field], field.value)
            found[_VALUES[field.type]] = {name: self._field(member) for name, member in members.items()}
        elif field.value is not None:
            found[_VALUES[field.type]] = cast(JSON, field.value)
        if field.piece is not None:
            found["content"] = field.piece.text
            found["boundingRegions"] = self._regions(field.piece.page, field.piece.outline)
            found["confidence"] = field.confidence
            found["spans"] = [self._index.span(*span) for span in field.piece.spans]
        return found

    def _element(self, piece: Piece) -> JSON:
        return {
            "content": piece.text,
            "boundingRegions": self._regions(piece.page, piece.outline),
            "spans": [self._index.span(*span) for span in piece.spans],
        }

    def _spans_of(self, words: Sequence[Word]) -> JSON:
        spans: list[tuple[int, int]] = []
        for word in sorted(words, key=lambda word: word.offset):
            if spans and word.offset <= sum(spans[-1]) + 1:
                spans[-1] = (spans[-1][0], word.offset + len(word.text) - spans[-1][0])
            else:
                spans.append((word.offset, len(word.text)))
        return [self._index.span(*span) for span in spans]

    def _regions(self, page: int, area: Outline) -> list[JSON]:
        return [{"pageNumber": page, "polygon": self._polygon(area, self._pages[page])}]

    def _polygon(self, area: Outline, page: Page) -> JSON:
        (_, _), (width, height) = page.whole[0], page.whole[2]
        given = outline.turned(area, -page.turns % 4, width=width, height=height)
        return [self._unit(value, page) for point in given for value in point]

    def _unit(self, value: float, page: Page) -> JSON:
        return round(value) if page.unit == "pixel" else round(value * page.scale, 4)
