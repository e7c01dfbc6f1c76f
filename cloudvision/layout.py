"""What stands on the pages of a document: paragraphs, tables, pairs of key and value, marks, styles.

Pages are counted from 1. Geometry is given as fractions of the page's width and height, whatever unit the service
measures in.
"""

from __future__ import annotations

from dataclasses import dataclass

from cloudvision.geometry import Polygon


@dataclass(frozen=True, slots=True)
class PageRegion:
    """Where something stands: page number from 1, outline as fractions of that page."""

    page: int
    polygon: Polygon


@dataclass(frozen=True, slots=True)
class SelectionMark:
    """A check box or radio button."""

    selected: bool
    confidence: float | None
    polygon: Polygon


@dataclass(frozen=True, slots=True)
class Barcode:
    """A bar code: its kind by the service's name ("QRCode", "Code39", "EAN13"), and what it says."""

    kind: str
    value: str
    confidence: float | None
    polygon: Polygon


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula in LaTeX; `kind` is "inline" or "display"."""

    kind: str
    value: str
    confidence: float | None
    polygon: Polygon


@dataclass(frozen=True, slots=True)
class Page:
    """One page that was read. Its lines are in `Analysis.lines`, with the number of their page.

    Args:
        number: from 1, in the file (not among the pages asked for).
        width, height: as the service measures it, None where it does not (spreadsheets).
        unit: "pixel" for pictures, "inch" for PDFs, None where nothing is measured.
        angle: degrees, clockwise, by which the text is turned, -180 to 180.
        selection_marks, barcodes, formulas: what else was found on it.
    """

    number: int
    width: float | None = None
    height: float | None = None
    unit: str | None = None
    angle: float | None = None
    selection_marks: tuple[SelectionMark, ...] = ()
    barcodes: tuple[Barcode, ...] = ()
    formulas: tuple[Formula, ...] = ()


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Lines that belong together. `role`: "title", "sectionHeading", "pageHeader", "footnote" and so on, or None."""

    text: str
    role: str | None = None
    regions: tuple[PageRegion, ...] = ()


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table; `row` and `column` from 0, `kind` "content", "columnHeader", "rowHeader", "stubHead"."""

    row: int
    column: int
    text: str
    kind: str = "content"
    row_span: int = 1
    column_span: int = 1
    regions: tuple[PageRegion, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """A table; cells in the service's order, row by row."""

    rows: int
    columns: int
    cells: tuple[Cell, ...] = ()
    regions: tuple[PageRegion, ...] = ()

    @property
    def grid(self) -> tuple[tuple[str, ...], ...]:
        """The texts row by row; a cell that spans others stands in its first place, and "" in the other ones."""
        texts = {(cell.row, cell.column): cell.text for cell in self.cells}
        return tuple(tuple(texts.get((row, column), "") for column in range(self.columns)) for row in range(self.rows))


@dataclass(frozen=True, slots=True)
class KeyValuePair:
    """A key with its value, as forms have them; `value` is None for a key that nothing is written to."""

    key: str
    value: str | None
    confidence: float | None
    key_regions: tuple[PageRegion, ...] = ()
    value_regions: tuple[PageRegion, ...] = ()


@dataclass(frozen=True, slots=True)
class Style:
    """How some text is written; what the service does not say is None.

    Args:
        texts: the pieces of text that it is about.
        confidence: 0 to 1.
        handwritten: by hand.
        similar_font: fonts alike, as in CSS ("Arial, sans-serif").
        font_style: "normal" or "italic".
        font_weight: "normal" or "bold".
        color, background_color: "#rrggbb".
    """

    texts: tuple[str, ...]
    confidence: float | None
    handwritten: bool | None = None
    similar_font: str | None = None
    font_style: str | None = None
    font_weight: str | None = None
    color: str | None = None
    background_color: str | None = None


@dataclass(frozen=True, slots=True)
class Language:
    """In which language some text is written: a tag of BCP 47 such as "en" or "zh-Hans"."""

    locale: str
    texts: tuple[str, ...]
    confidence: float | None
