"""What stands on the pages of a document, and where: the result of reading it, the input of all that looks for fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cloudvision.emulator.reading.outline import Outline

Role = Literal["title", "sectionHeading", "pageHeader", "pageFooter", "pageNumber"]


@dataclass(frozen=True, slots=True)
class Word:
    """What spaces separate."""

    text: str

    confidence: float
    """0 to 1."""

    outline: Outline
    """Pixels of the upright page; see `Page.turns`."""

    offset: int = 0
    """Where it begins in the document's `content`, in Unicode code points."""


@dataclass(frozen=True, slots=True)
class Line:
    """Words that stand on one line and near each other."""

    text: str
    confidence: float
    outline: Outline
    words: tuple[Word, ...]
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Lines that belong together, in reading order. They follow each other in `content`."""

    lines: tuple[Line, ...]
    page: int
    role: Role | None = None

    @property
    def text(self) -> str:
        """Its lines, joined with spaces: as many characters as the stretch of `content`, where line feeds join them."""
        return " ".join(line.text for line in self.lines)

    @property
    def offset(self) -> int:
        return self.lines[0].offset


@dataclass(frozen=True, slots=True)
class Cell:
    """One field of a table; `words` in reading order, empty where nothing is written."""

    row: int
    column: int
    row_span: int
    column_span: int
    outline: Outline
    words: tuple[Word, ...] = ()
    header: bool = False

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)


@dataclass(frozen=True, slots=True)
class Table:
    """A grid that ruled lines draw; `cells` row by row."""

    page: int
    rows: int
    columns: int
    outline: Outline
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """One page and its lines, in reading order."""

    number: int
    """1 for the first page of the file."""

    width: float
    """Pixels of the picture as it was given."""

    height: float

    unit: Literal["pixel", "inch"]

    scale: float
    """How many units one pixel is."""

    angle: float
    """Degrees by which the text falls to the right (clockwise), -180 to 180."""

    turns: int = 0
    """Quarter turns to the left that make the text upright, 0 to 3. All outlines are those of the upright page."""

    lines: tuple[Line, ...] = ()
    offset: int = 0
    length: int = 0

    @property
    def whole(self) -> Outline:
        """All of the upright page."""
        width, height = (self.height, self.width) if self.turns % 2 else (self.width, self.height)
        return (0.0, 0.0), (width, 0.0), (width, height), (0.0, height)


@dataclass(frozen=True, slots=True)
class Layout:
    """A whole document."""

    content: str
    """All lines in reading order, each on a line of its own."""

    pages: tuple[Page, ...]
    paragraphs: tuple[Paragraph, ...] = ()
    tables: tuple[Table, ...] = ()
