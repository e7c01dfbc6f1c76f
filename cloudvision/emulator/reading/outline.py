"""Outlines of text in the pixels of a page: four corners, clockwise from the top left of the text as it is read."""

from __future__ import annotations

import math
from collections.abc import Iterable

Point = tuple[float, float]
Outline = tuple[Point, Point, Point, Point]


def left(outline: Outline) -> float:
    return min(x for x, _ in outline)


def right(outline: Outline) -> float:
    return max(x for x, _ in outline)


def top(outline: Outline) -> float:
    return min(y for _, y in outline)


def bottom(outline: Outline) -> float:
    return max(y for _, y in outline)


def centre(outline: Outline) -> Point:
    return sum(x for x, _ in outline) / 4, sum(y for _, y in outline) / 4


def height(outline: Outline) -> float:
    """How high the text is, across the direction in which it is read."""
    first, second, third, fourth = outline
    return (math.dist(first, fourth) + math.dist(second, third)) / 2


def length(outline: Outline) -> float:
    """How long the text is, along the direction in which it is read."""
    first, second, third, fourth = outline
    return (math.dist(first, second) + math.dist(fourth, third)) / 2


def slope(outline: Outline) -> float:
    """Fall along the text, in radians; 0 for upright text, positive where it falls to the right."""
    first, second, third, fourth = outline
    return math.atan2(
        second[1] - first[1] + third[1] - fourth[1],
        second[0] - first[0] + third[0] - fourth[0],
    )


def part(outline: Outline, begin: float, end: float) -> Outline:
    """The stretch of the outline from `begin` to `end`, 0 to 1 along the text."""
    first, second, third, fourth = outline

    def between(start: Point, finish: Point, share: float) -> Point:
        return start[0] + (finish[0] - start[0]) * share, start[1] + (finish[1] - start[1]) * share

    return (
        between(first, second, begin),
        between(first, second, end),
        between(fourth, third, end),
        between(fourth, third, begin),
    )


def around(outlines: Iterable[Outline]) -> Outline:
    """The smallest upright rectangle around all of them, at least one."""
    points = [point for outline in outlines for point in outline]
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return rectangle(min(xs), min(ys), max(xs), max(ys))


def holds(area: Outline, item: Outline) -> bool:
    """The middle of `item` lies in `area`, an upright rectangle."""
    x, y = centre(item)
    return left(area) <= x < right(area) and top(area) <= y < bottom(area)


def turned(outline: Outline, turns: int, *, width: float, height: float) -> Outline:
    """The outline after its picture (`width` x `height`) was turned to the left by quarter turns, 0 to 3."""
    for _ in range(turns):
        first, second, third, fourth = ((y, width - x) for x, y in outline)
        outline = first, second, third, fourth
        width, height = height, width
    return outline


def rectangle(left_x: float, top_y: float, right_x: float, bottom_y: float) -> Outline:
    return (left_x, top_y), (right_x, top_y), (right_x, bottom_y), (left_x, bottom_y)
