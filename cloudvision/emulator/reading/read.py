"""The pictures of a document's pages in, its layout out."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from cloudvision import results
from cloudvision.emulator.reading import outline
from cloudvision.emulator.reading.layout import Layout, Line, Page, Paragraph, Table, Word
from cloudvision.emulator.reading.outline import Outline
from cloudvision.emulator.reading.pages import Picture
from cloudvision.emulator.reading.paragraphs import paragraphs_of, with_roles
from cloudvision.emulator.reading.rows import page_slope
from cloudvision.emulator.reading.tables import fill, grids
from cloudvision.geometry import Polygon

Recognise = Callable[[NDArray[np.uint8]], Sequence[results.Line]]
"""Pixels (height, width, 3; RGB) -> lines with words, places as fractions of the picture."""


def read(pictures: Iterable[Picture], recognise: Recognise, *, tables: bool = True) -> Layout:
    """Read every page.

    Args:
        pictures: of the pages, in order.
        recognise: finds the text of one picture.
        tables: look for ruled tables too.
    """
    pages: list[Page] = []
    paragraphs: list[Paragraph] = []
    found: list[Table] = []
    texts: list[str] = []
    for picture in pictures:
        offset = pages[-1].offset + pages[-1].length + 1 if pages else 0
        slope, turns, lines = _upright(picture.pixels, recognise)
        drawn = grids(np.rot90(picture.pixels, turns), page=picture.number) if tables else []
        blocks = _placed(_blocks(lines, drawn, page=picture.number), offset)
        ordered = tuple(line for block in blocks for line in block.lines)
        texts.append("\n".join(line.text for line in ordered))
        page = _page(picture, slope=slope, turns=turns, lines=ordered, offset=offset, length=len(texts[-1]))
        pages.append(page)
        paragraphs.extend(with_roles(blocks, height=page.whole[2][1], tables=[table.outline for table in drawn]))
        found.extend(table for grid in drawn if (table := fill(grid, ordered)) is not None)
    return Layout("\n".join(texts), tuple(pages), tuple(paragraphs), tuple(found))


def _upright(pixels: NDArray[np.uint8], recognise: Recognise) -> tuple[float, int, list[Line]]:
    """The text's fall in radians, the quarter turns to the left that make it stand, and its lines once it does."""
    lines = _recognised(pixels, recognise)
    slope = page_slope(lines)
    turns = round(slope / (math.pi / 2)) % 4
    if turns:  # short texts are read upside down, or not at all, on a page that lies sideways
        lines = _recognised(np.ascontiguousarray(np.rot90(pixels, turns)), recognise)
    return slope, turns, lines


def _page(picture: Picture, *, slope: float, turns: int, lines: tuple[Line, ...], offset: int, length: int) -> Page:
    height, width = picture.pixels.shape[:2]
    return Page(
        number=picture.number,
        width=width,
        height=height,
        unit=picture.unit,
        scale=picture.scale,
        angle=math.degrees(slope),
        turns=turns,
        lines=lines,
        offset=offset,
        length=length,
    )


def _recognised(pixels: NDArray[np.uint8], recognise: Recognise) -> list[Line]:
    height, width = pixels.shape[:2]
    return [_line(line, width, height) for line in recognise(pixels) if line.words]


def _blocks(lines: Sequence[Line], drawn: Sequence[Table], *, page: int) -> list[Paragraph]:
    """All lines as paragraphs in reading order; a table's text is read cell by cell, where the table begins."""
    free = [line for line in lines if not any(outline.holds(table.outline, line.outline) for table in drawn)]
    blocks = paragraphs_of(free, page=page)
    for table in drawn:
        inside = [line for line in lines if outline.holds(table.outline, line.outline)]
        cells = [paragraph for cell in table.cells for paragraph in _cell_blocks(cell.outline, inside, page)]
        taken = {id(line) for block in cells for line in block.lines}
        cells += [Paragraph((line,), page) for line in inside if id(line) not in taken]
        y = outline.top(table.outline)
        place = next(
            (i for i, block in enumerate(blocks) if outline.centre(block.lines[0].outline)[1] > y), len(blocks)
        )
        blocks[place:place] = cells
    return blocks


def _cell_blocks(cell: Outline, lines: Sequence[Line], page: int) -> list[Paragraph]:
    # A line that runs over several cells is read where it begins.
    return paragraphs_of([line for line in lines if outline.holds(cell, line.words[0].outline)], page=page)


def _placed(blocks: Sequence[Paragraph], offset: int) -> list[Paragraph]:
    """The same paragraphs, with the places of their lines and words in the document's content."""
    placed = []
    for block in blocks:
        lines = []
        for line in block.lines:
            lines.append(_at(line, offset))
            offset += len(line.text) + 1
        placed.append(dataclasses.replace(block, lines=tuple(lines)))
    return placed


def _at(line: Line, offset: int) -> Line:
    words, at = [], 0
    for word in line.words:
        at = line.text.index(word.text, at)
        words.append(dataclasses.replace(word, offset=offset + at))
        at += len(word.text)
    return dataclasses.replace(line, words=tuple(words), offset=offset)


def _line(line: results.Line, width: int, height: int) -> Line:
    words = tuple(
        Word(word.text, word.confidence or 0.0, _outline(word.polygon, width, height))
        for word in line.words
        if word.text
    )
    return Line(line.text, line.confidence or 0.0, _outline(line.polygon, width, height), words)


def _outline(polygon: Polygon, width: int, height: int) -> Outline:
    first, second, third, fourth = ((x * width, y * height) for x, y in polygon.points)
    return first, second, third, fourth
