"""Tables whose lines are drawn: long straight rules in the picture make a grid, the grid makes cells."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from cloudvision.emulator.reading import outline
from cloudvision.emulator.reading.layout import Cell, Line, Table
from cloudvision.emulator.reading.rules import Drawing, drawings


def grids(pixels: NDArray[np.uint8], *, page: int) -> list[Table]:
    """Every drawn table of a page, top to bottom, its cells still empty. A single box is none."""
    tables = [table for drawing in drawings(pixels) if (table := _table(drawing, page)) is not None]
    return sorted(tables, key=lambda table: outline.top(table.outline))


def fill(table: Table, lines: Iterable[Line]) -> Table | None:
    """The table with the words of the page in its cells; None where nothing at all stands in it."""
    words = [word for line in lines for word in line.words]
    cells = [
        dataclasses.replace(cell, words=tuple(w for w in words if outline.holds(cell.outline, w.outline)))
        for cell in table.cells
    ]
    if not any(cell.words for cell in cells):
        return None
    if _has_header(cells, table):
        cells = [dataclasses.replace(cell, header=cell.row == 0) for cell in cells]
    return dataclasses.replace(table, cells=tuple(cells))


def _has_header(cells: Sequence[Cell], table: Table) -> bool:
    """The first row names columns: words without figures in every field, over a row that has figures."""
    first = [cell.text for cell in cells if cell.row == 0]
    others = [cell.text for cell in cells if cell.row > 0]
    named = all(any(c.isalpha() for c in text) and not any(c.isdigit() for c in text) for text in first)
    return table.rows > 1 and len(first) > 1 and named and any(any(c.isdigit() for c in text) for text in others)


def _table(drawing: Drawing, page: int) -> Table | None:
    rows, columns = len(drawing.ys) - 1, len(drawing.xs) - 1
    if rows < 1 or columns < 1 or rows * columns < 2:
        return None
    cells = tuple(_cells(drawing, rows, columns))
    if len(cells) < 2:
        return None
    around = outline.rectangle(drawing.xs[0], drawing.ys[0], drawing.xs[-1], drawing.ys[-1])
    return Table(page, rows, columns, around, cells)


def _cells(drawing: Drawing, rows: int, columns: int) -> Iterable[Cell]:
    """Row by row; fields that no rule parts are one cell."""
    taken = np.zeros((rows, columns), dtype=bool)
    for row in range(rows):
        for column in range(columns):
            if taken[row, column]:
                continue
            right = column + 1
            while right < columns and not taken[row, right] and not drawing.is_upright(row, right):
                right += 1
            low = row + 1
            while low < rows and not any(drawing.is_level(low, place) for place in range(column, right)):
                low += 1
            taken[row:low, column:right] = True
            area = outline.rectangle(drawing.xs[column], drawing.ys[row], drawing.xs[right], drawing.ys[low])
            yield Cell(row, column, low - row, right - column, area)
