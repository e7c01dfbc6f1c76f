"""Which lines of a page belong together, and what part a paragraph plays, judged by geometry alone."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Sequence
from statistics import median

from cloudvision.emulator.reading import outline
from cloudvision.emulator.reading.layout import Line, Paragraph, Role
from cloudvision.emulator.reading.outline import Outline
from cloudvision.emulator.reading.rows import rows_of

_GAP = 0.8
_SIMILAR_HEIGHT = 1.4
_TITLE = 1.4
_HEADING = 1.25
_MARGIN = 0.06
_HEADING_WORDS = 12
_PAGE_NUMBER = re.compile(r"(?:(?:page|p\.?)\s*)?-?\s*\d{1,4}\s*-?(?:\s*(?:of|/)\s*\d{1,4})?", re.IGNORECASE)
_FIGURES = re.compile(r"[^A-Za-z]*\d[^A-Za-z]*")


def paragraphs_of(lines: Sequence[Line], *, page: int) -> list[Paragraph]:
    """Paragraphs in reading order, without roles.

    A line goes on with the paragraph above when it is of the same size, begins or is centred at the same place, and
    is nearer than the height of the text. Where figures stand beside text, as in a list of prices, every line is its
    own paragraph, so that a label is followed by its figure.
    """
    chains: list[list[Line]] = []
    for row in rows_of(lines):
        tabular = len(row) > 1 and any(_FIGURES.fullmatch(line.text) for line in row)
        if tabular:
            chains.extend([line] for line in row)
            continue
        for line in row:
            chain = next((chain for chain in reversed(chains[-6:]) if _goes_on(chain[-1], line)), None)
            if chain is None or _is_tabular(chain, chains):
                chains.append([line])
            else:
                chain.append(line)
    return [Paragraph(tuple(chain), page) for chain in chains]


def with_roles(paragraphs: Sequence[Paragraph], *, height: float, tables: Sequence[Outline] = ()) -> list[Paragraph]:
    """The paragraphs of one page of that height in pixels, with roles where size and place tell them.

    What stands in a table has none.
    """
    usual = _usual_height(paragraphs)
    named: list[Paragraph] = []
    titled = False
    for index, paragraph in enumerate(paragraphs):
        in_table = any(outline.holds(area, paragraph.lines[0].outline) for area in tables)
        role = (
            None
            if in_table
            else _role(paragraph, usual=usual, height=height, titled=titled, last=index == len(paragraphs) - 1)
        )
        titled = titled or role == "title"
        named.append(dataclasses.replace(paragraph, role=role))
    return named


def _goes_on(above: Line, below: Line) -> bool:
    high, low = outline.height(above.outline), outline.height(below.outline)
    if max(high, low) > _SIMILAR_HEIGHT * min(high, low):
        return False
    gap = outline.centre(below.outline)[1] - outline.centre(above.outline)[1] - (high + low) / 2
    if not -min(high, low) / 2 < gap < _GAP * min(high, low):
        return False
    from_left = abs(outline.left(below.outline) - outline.left(above.outline))
    from_centre = abs(outline.centre(below.outline)[0] - outline.centre(above.outline)[0])
    return min(from_left, from_centre) < min(high, low)


def _is_tabular(chain: Sequence[Line], chains: Sequence[Sequence[Line]]) -> bool:
    """The chain is a single line of figures, or has figures beside its last line."""
    if _FIGURES.fullmatch(chain[-1].text):
        return True
    y = outline.centre(chain[-1].outline)[1]
    half = outline.height(chain[-1].outline) / 2
    others = (line for other in chains if other is not chain for line in other)
    return any(
        abs(outline.centre(line.outline)[1] - y) < half and _FIGURES.fullmatch(line.text) is not None for line in others
    )


def _usual_height(paragraphs: Iterable[Paragraph]) -> float:
    heights = [
        outline.height(line.outline)
        for paragraph in paragraphs
        for line in paragraph.lines
        for _ in range(len(line.words))  # a page's text is what most of its words are set in
    ]
    return median(heights) if heights else 0.0


def _role(paragraph: Paragraph, *, usual: float, height: float, titled: bool, last: bool) -> Role | None:
    around = outline.around(line.outline for line in paragraph.lines)
    size = median(outline.height(line.outline) for line in paragraph.lines)
    at_foot, at_head = outline.top(around) > height * (1 - _MARGIN), outline.bottom(around) < height * _MARGIN
    if at_foot or (at_head and size < _TITLE * usual):
        if _PAGE_NUMBER.fullmatch(paragraph.text):
            return "pageNumber"
        return "pageFooter" if at_foot else "pageHeader"
    words = sum(len(line.words) for line in paragraph.lines)
    if words > _HEADING_WORDS or not any(character.isalpha() for character in paragraph.text):
        return None
    if not titled and size >= _TITLE * usual and outline.top(around) < height / 2:
        return "title"
    is_heading = size >= _HEADING * usual and not last and not paragraph.text.endswith((".", ",", ";"))
    return "sectionHeading" if is_heading else None
