"""The parts of a Document Intelligence answer, each from its own JSON: pages, lines, paragraphs, tables, pairs, styles."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from cloudvision.layout import (
    Barcode,
    Cell,
    Formula,
    KeyValuePair,
    Language,
    Page,
    Paragraph,
    SelectionMark,
    Style,
    Table,
)
from cloudvision.providers._document_reader import Reader, confidence, ends, optional_text, whole
from cloudvision.providers._json_read import Object, UnreadableError, an_object, number_of, text_of
from cloudvision.results import Line, Word


@dataclass(frozen=True, slots=True)
class _Spot:
    """A text with the places in the whole text that it takes."""

    entry: Object
    spans: tuple[tuple[int, int], ...]


def read_page(reader: Reader, entry: Object) -> Page:
    """A page without its lines."""
    number = whole(entry, "pageNumber")

    def mark(found: Object) -> SelectionMark:
        state = text_of(found, "state")
        if state not in ("selected", "unselected"):
            raise UnreadableError(f"its state is {state!r:.40}")
        return SelectionMark(state == "selected", confidence(found), reader.outline(found, number))

    def barcode(found: Object) -> Barcode:
        outline = reader.outline(found, number)
        return Barcode(text_of(found, "kind"), text_of(found, "value"), confidence(found), outline)

    def formula(found: Object) -> Formula:
        outline = reader.outline(found, number)
        return Formula(text_of(found, "kind"), text_of(found, "value"), confidence(found), outline)

    name = f"pages[{number}]"
    return Page(
        number=number,
        width=None if entry.get("width") is None else number_of(entry, "width"),
        height=None if entry.get("height") is None else number_of(entry, "height"),
        unit=optional_text(entry, "unit"),
        angle=None if entry.get("angle") is None else number_of(entry, "angle"),
        selection_marks=reader.each(entry.get("selectionMarks"), f"{name}.selectionMarks", mark),
        barcodes=reader.each(entry.get("barcodes"), f"{name}.barcodes", barcode),
        formulas=reader.each(entry.get("formulas"), f"{name}.formulas", formula),
    )


def read_lines(reader: Reader, entry: Object) -> tuple[Line, ...]:
    """The lines of a page, each with the words whose span lies in it; a word in no line is a line of its own."""
    number = whole(entry, "pageNumber")
    words = reader.each(entry.get("words"), f"pages[{number}].words", _word_spot)
    lines = reader.each(entry.get("lines"), f"pages[{number}].lines", _line_spot)
    starts = sorted((span, at) for at, line in enumerate(lines) for span in line.spans)
    within: list[list[Word]] = [[] for _ in lines]
    lonely: list[Word] = []
    for spot in words:
        try:
            word = Word(text_of(spot.entry, "content"), confidence(spot.entry), reader.outline(spot.entry, number))
        except UnreadableError as error:
            reader.warn(f"pages[{number}]: a word was left out: {error}")
            continue
        at = _line_at(starts, spot.spans[0][0]) if spot.spans else None
        (lonely if at is None else within[at]).append(word)
    found = []
    for spot, inside in zip(lines, within, strict=True):
        try:
            text = text_of(spot.entry, "content")
            found.append(Line(text, None, reader.outline(spot.entry, number), tuple(inside), page=number))
        except UnreadableError as error:
            reader.warn(f"pages[{number}]: a line was left out: {error}")
    found += [Line(word.text, word.confidence, word.polygon, (word,), page=number) for word in lonely]
    return tuple(found)


def _line_at(starts: list[tuple[tuple[int, int], int]], offset: int) -> int | None:
    place = bisect_right(starts, ((offset, 1 << 62), 0)) - 1
    if place < 0:
        return None
    (_, end), line = starts[place]
    return line if offset < end else None


def _word_spot(entry: Object) -> _Spot:
    span = entry.get("span")
    return _Spot(entry, () if span is None else (ends(an_object(span)),))


def _line_spot(entry: Object) -> _Spot:
    spans = entry.get("spans")
    return _Spot(entry, tuple(ends(an_object(span)) for span in spans) if isinstance(spans, list) else ())


def read_paragraph(reader: Reader, entry: Object) -> Paragraph:
    """A paragraph with its role."""
    return Paragraph(text_of(entry, "content"), optional_text(entry, "role"), reader.regions(entry))


def read_table(reader: Reader, entry: Object) -> Table:
    """A table with its cells."""

    def cell(found: Object) -> Cell:
        return Cell(
            row=whole(found, "rowIndex"),
            column=whole(found, "columnIndex"),
            text=text_of(found, "content"),
            kind=optional_text(found, "kind") or "content",
            row_span=whole(found, "rowSpan") if "rowSpan" in found else 1,
            column_span=whole(found, "columnSpan") if "columnSpan" in found else 1,
            regions=reader.regions(found),
        )

    cells = reader.each(entry.get("cells"), "cells", cell)
    return Table(whole(entry, "rowCount"), whole(entry, "columnCount"), cells, reader.regions(entry))


def read_pair(reader: Reader, entry: Object) -> KeyValuePair:
    """A key and, where something is written to it, its value."""
    key = an_object(entry.get("key"))
    value = None if entry.get("value") is None else an_object(entry["value"])
    return KeyValuePair(
        key=text_of(key, "content"),
        value=None if value is None else text_of(value, "content"),
        confidence=confidence(entry),
        key_regions=reader.regions(key),
        value_regions=() if value is None else reader.regions(value),
    )


def read_style(reader: Reader, entry: Object) -> Style:
    """Handwriting or a font, with the texts that it is about."""
    handwritten = entry.get("isHandwritten")
    return Style(
        texts=reader.texts(entry),
        confidence=confidence(entry),
        handwritten=handwritten if isinstance(handwritten, bool) else None,
        similar_font=optional_text(entry, "similarFontFamily"),
        font_style=optional_text(entry, "fontStyle"),
        font_weight=optional_text(entry, "fontWeight"),
        color=optional_text(entry, "color"),
        background_color=optional_text(entry, "backgroundColor"),
    )


def read_language(reader: Reader, entry: Object) -> Language:
    """A language, with the texts that are written in it."""
    return Language(text_of(entry, "locale"), reader.texts(entry), confidence(entry))
