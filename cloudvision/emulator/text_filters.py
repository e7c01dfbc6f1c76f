"""DetectText's `Filters`: which words are wanted, by confidence, size and place.

The rules are those of the API reference: a word is left out where its confidence is below `MinConfidence` (80 where
nothing is said) or its box is smaller than asked for; of regions of interest, a word is kept that lies in one of them by
more than half.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cloudvision.geometry import Box, Polygon
from cloudvision.results import Word

LEAST_CONFIDENCE = 80.0
"""`MinConfidence` of a request that does not name one."""

MAX_REGIONS = 10
_STEPS = 9


class BadFilterError(ValueError):
    """A value that is no filter, or out of its range."""


@dataclass(frozen=True, slots=True)
class TextFilters:
    """What is wanted of the words; sizes and places as fractions of the picture, confidence 0 to 100."""

    confidence: float = LEAST_CONFIDENCE
    width: float = 0.0
    height: float = 0.0
    regions: tuple[Polygon, ...] = ()

    def keeps(self, word: Word) -> bool:
        """Whether the word is wanted."""
        box = word.polygon.box
        return (
            100 * (word.confidence or 0.0) >= self.confidence
            and box.width >= self.width
            and box.height >= self.height
            and (not self.regions or any(_share_inside(word.polygon, region) > 0.5 for region in self.regions))
        )


def read_filters(value: object) -> TextFilters:
    """The `Filters` of a request; None for none.

    Raises:
        BadFilterError: of another shape, or out of range.
    """
    given = _object(value)
    word = _object(given.get("WordFilter"))
    regions = _list(given.get("RegionsOfInterest") or [])
    if len(regions) > MAX_REGIONS:
        raise BadFilterError(f"at most {MAX_REGIONS} regions of interest")
    return TextFilters(
        confidence=_number(word, "MinConfidence", LEAST_CONFIDENCE, most=100.0),
        width=_number(word, "MinBoundingBoxWidth", 0.0),
        height=_number(word, "MinBoundingBoxHeight", 0.0),
        regions=tuple(_region(_object(region)) for region in regions),
    )


def _region(region: Mapping[str, Any]) -> Polygon:
    if region.get("Polygon"):
        points = [_object(point) for point in _list(region["Polygon"])]
        if len(points) < 3:
            raise BadFilterError("a polygon has at least three points")
        return Polygon(tuple((_number(point, "X", None), _number(point, "Y", None)) for point in points))
    box = _object(region.get("BoundingBox"))
    left, top, width, height = (_number(box, name, None) for name in ("Left", "Top", "Width", "Height"))
    # 0.7 + 0.3 may be a little above 1.
    if left + width > 1 + 1e-6 or top + height > 1 + 1e-6 or not width or not height:
        raise BadFilterError("a region of interest lies within the picture")
    return Polygon.of_box(Box(left, top, width, height))


def _object(value: object) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise BadFilterError(f"expected an object, got {type(value).__name__}")
    return value


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise BadFilterError(f"expected a list, got {type(value).__name__}")
    return value


def _number(values: Mapping[str, Any], name: str, default: float | None, *, most: float = 1.0) -> float:
    value = values.get(name, default)
    # A region that reaches a hair over the edge is common: our own sums do it too.
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= most + 1e-6:
        raise BadFilterError(f"{name} goes from 0 to {most:g}")
    return float(value)


def _share_inside(outline: Polygon, region: Polygon) -> float:
    """The share of a four-cornered outline that lies in `region`, by a grid of points over it."""
    first, second, third, fourth = outline.points
    steps = [(index + 0.5) / _STEPS for index in range(_STEPS)]
    inside = 0
    for across in steps:
        for down in steps:
            x = _between(_between(first[0], second[0], across), _between(fourth[0], third[0], across), down)
            y = _between(_between(first[1], second[1], across), _between(fourth[1], third[1], across), down)
            inside += _holds(region, x, y)
    return inside / _STEPS**2


def _between(start: float, end: float, share: float) -> float:
    return start + (end - start) * share


def _holds(region: Polygon, x: float, y: float) -> bool:
    """By the number of edges to the right of the point."""
    found = False
    for (x1, y1), (x2, y2) in zip(region.points, (*region.points[1:], region.points[0]), strict=True):
        if (y1 > y) != (y2 > y) and x < x1 + (y - y1) / (y2 - y1) * (x2 - x1):
            found = not found
    return found
