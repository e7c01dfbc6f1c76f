"""Stretches of a document's text that know where they stand: what fields are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cloudvision.emulator.reading import outline
from cloudvision.emulator.reading.layout import Layout, Line, Page, Word
from cloudvision.emulator.reading.outline import Outline
from cloudvision.emulator.reading.rows import rows_of


@dataclass(frozen=True, slots=True)
class Piece:
    """Some text of one page."""

    text: str

    page: int

    outline: Outline
    """Pixels of the page's picture."""

    spans: tuple[tuple[int, int], ...]
    """(offset, length) pairs into the document's content, in order, none touching the next."""

    confidence: float
    """How sure the recogniser is of its least certain word, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Row:
    """Lines that stand beside each other, read from left to right as one text."""

    text: str
    page: int

    number: int
    """Counted over the whole document."""

    words: tuple[Word, ...]
    starts: tuple[int, ...]
    """Where in `text` each word begins."""

    breaks: tuple[int, ...]
    """Where in `text` each line but the first begins: between them is a wide gap."""

    @property
    def outline(self) -> Outline:
        return outline.around(word.outline for word in self.words)

    @property
    def height(self) -> float:
        """Of its highest line of text."""
        return max(outline.height(word.outline) for word in self.words)

    def piece(self, start: int, end: int) -> Piece:
        """The characters from `start` to `end` of the row's text, without the spaces around them.

        Raises:
            ValueError: there are none.
        """
        parts = [
            part for word, at in zip(self.words, self.starts, strict=True) if (part := _part(word, at, start, end))
        ]
        if not parts:
            raise ValueError(f"nothing stands from {start} to {end} of {self.text!r}")
        return Piece(
            self.text[start:end].strip(),
            self.page,
            outline.around(area for area, _, _, _ in parts),
            _merged((offset, length) for _, offset, length, _ in parts),
            min(confidence for *_, confidence in parts),
        )

    def whole(self) -> Piece:
        """All of it."""
        return self.piece(0, len(self.text))


def rows_of_pages(pages: Iterable[Page]) -> list[Row]:
    """The rows of all pages, from top to bottom."""
    rows: list[Row] = []
    for page in pages:
        first = len(rows)
        rows.extend(_row(lines, page.number, first + at) for at, lines in enumerate(rows_of(page.lines)))
    return rows


def lines_of(layout: Layout) -> list[Row]:
    """Each line as a row of its own, in the order of the content: what stands side by side stays apart."""
    lines = [(line, paragraph.page) for paragraph in layout.paragraphs for line in paragraph.lines]
    return [_row((line,), page, number) for number, (line, page) in enumerate(lines)]


def joined(pieces: Sequence[Piece], separator: str = "\n") -> Piece:
    """Several pieces of one page as one, their texts one after the other."""
    return Piece(
        separator.join(piece.text for piece in pieces),
        pieces[0].page,
        outline.around(piece.outline for piece in pieces),
        _merged(span for piece in pieces for span in piece.spans),
        min(piece.confidence for piece in pieces),
    )


def _row(lines: Sequence[Line], page: int, number: int) -> Row:
    starts, breaks, at = [], [], 0
    for index, line in enumerate(lines):
        if index:
            breaks.append(at)
        for word in line.words:
            starts.append(at)
            at += len(word.text) + 1
    words = tuple(word for line in lines for word in line.words)
    return Row(" ".join(word.text for word in words), page, number, words, tuple(starts), tuple(breaks))


def _part(word: Word, at: int, start: int, end: int) -> tuple[Outline, int, int, float] | None:
    """The share of a word, which begins at `at` of the row's text, that lies between `start` and `end`."""
    begin, finish = max(start - at, 0), min(end - at, len(word.text))
    if begin >= finish:
        return None
    area = outline.part(word.outline, begin / len(word.text), finish / len(word.text))
    return area, word.offset + begin, finish - begin, word.confidence


def _merged(spans: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """In order; those with at most one character (a space or line feed) between them as one."""
    merged: list[tuple[int, int]] = []
    for offset, length in sorted(spans):
        if merged and offset <= sum(merged[-1]) + 1:
            first = merged[-1][0]
            merged[-1] = (first, max(offset + length, sum(merged[-1])) - first)
        else:
            merged.append((offset, length))
    return tuple(merged)
