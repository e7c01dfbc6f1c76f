"""Which lines stand beside each other, on pages that lie askew too."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

from cloudvision.emulator.reading import outline
from cloudvision.emulator.reading.layout import Line

_LEAST_LENGTH = 3.0
_LEAST_SLOPES = 4
_STEEPEST = math.radians(20)
_SHARED_HEIGHT = 0.5


def page_slope(lines: Sequence[Line]) -> float:
    """Fall of the page's text in radians: the median over lines at least three times as long as high."""
    slopes = [outline.slope(line.outline) for line in lines if _is_long(line)]
    return median(slopes) if slopes else 0.0


def rows_of(lines: Sequence[Line]) -> list[list[Line]]:
    """The lines in rows from top to bottom, each row from left to right.

    Two lines share a row when they overlap by half of the lower one's height, after the tilt of the page is taken out.
    The tilt is a straight function of the height on the page, since paper in front of a camera bends and lies in
    perspective.
    """
    level = _levels(lines)
    rows: list[list[int]] = []
    for index in sorted(range(len(lines)), key=lambda index: sum(level[index])):
        place = next((row for row in reversed(rows[-3:]) if _fits(index, row, lines, level)), None)
        if place is None:
            rows.append([index])
        else:
            place.append(index)
    rows.sort(key=lambda row: sum(sum(level[index]) for index in row) / len(row))
    return [[lines[index] for index in sorted(row, key=lambda i: outline.left(lines[i].outline))] for row in rows]


def _fits(index: int, row: Sequence[int], lines: Sequence[Line], level: Sequence[tuple[float, float]]) -> bool:
    """It overlaps in height with the row's members, and in width with none of them."""
    low, high = level[index]
    for other in row:
        begin, end = level[other]
        shared = min(high, end) - max(low, begin)
        if shared < _SHARED_HEIGHT * min(high - low, end - begin):
            return False
        mine, theirs = lines[index].outline, lines[other].outline
        across = min(outline.right(mine), outline.right(theirs)) - max(outline.left(mine), outline.left(theirs))
        if across > 0.3 * min(outline.length(mine), outline.length(theirs)):
            return False
    return True


def _levels(lines: Sequence[Line]) -> list[tuple[float, float]]:
    """Upper and lower end of each line at the left edge of the page, as if the text did not fall."""
    constant, growth = _tilt(lines)
    levels = []
    for line in lines:
        x, y = outline.centre(line.outline)
        middle = y - x * math.tan(constant + growth * y)
        half = outline.height(line.outline) / 2
        levels.append((middle - half, middle + half))
    return levels


def _tilt(lines: Sequence[Line]) -> tuple[float, float]:
    """The slope at height 0 and how much it grows with each pixel downwards; robust to single crooked lines."""
    points = [(outline.centre(line.outline)[1], outline.slope(line.outline)) for line in lines if _is_long(line)]
    points = [(y, slope) for y, slope in points if abs(slope) < _STEEPEST]
    if len(points) < _LEAST_SLOPES:
        return (median(slope for _, slope in points) if points else 0.0), 0.0
    # Theil and Sen: the median of the slopes of all pairs.
    far = (max(y for y, _ in points) - min(y for y, _ in points)) / 4
    growths = [(b[1] - a[1]) / (b[0] - a[0]) for a in points for b in points if b[0] - a[0] > far]
    growth = median(growths) if growths else 0.0
    return median(slope - growth * y for y, slope in points), growth


def _is_long(line: Line) -> bool:
    return outline.length(line.outline) >= _LEAST_LENGTH * max(outline.height(line.outline), 1.0)
