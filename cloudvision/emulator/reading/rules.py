"""Straight dark rules in a picture, level and upright, and the grids that they draw together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cloudvision.errors import ConfigError

_SHORTEST = 40
_SHARE = 30
_THICKEST = 9
_GAP = 5
_COVERED = 0.6
_NEAR = 8

Mask = NDArray[np.uint8]
"""Shape (height, width); 255 where there is a rule, 0 elsewhere."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """One connected grid: where its lines run, and which stretches of them are really drawn."""

    xs: tuple[int, ...]
    """Upright lines, left to right, in pixels."""

    ys: tuple[int, ...]
    """Level lines, top to bottom."""

    level: Mask
    upright: Mask

    def is_upright(self, row: int, line: int) -> bool:
        """Upright line `line` is drawn beside row `row`."""
        x, top, bottom = self.xs[line], self.ys[row], self.ys[row + 1]
        strip = self.upright[top + _GAP : max(bottom - _GAP, top + _GAP + 1), max(x - _NEAR, 0) : x + _NEAR + 1]
        return bool(strip.size and strip.any(axis=1).mean() >= _COVERED)

    def is_level(self, line: int, column: int) -> bool:
        """Level line `line` is drawn above or below column `column`."""
        y, left, right = self.ys[line], self.xs[column], self.xs[column + 1]
        strip = self.level[max(y - _NEAR, 0) : y + _NEAR + 1, left + _GAP : max(right - _GAP, left + _GAP + 1)]
        return bool(strip.size and strip.any(axis=0).mean() >= _COVERED)


def drawings(pixels: NDArray[np.uint8]) -> list[Drawing]:
    """All grids of at least two level and two upright rules that touch each other.

    A rule is at least 40 pixels or a thirtieth of the page long and at most nine thick; on a page that lies askew by more
    than about two degrees none is found.

    Raises:
        ConfigError: OpenCV is not installed.
    """
    cv2 = _cv2()
    gray = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY)
    dark = cv2.adaptiveThreshold(gray, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, 25, 12)
    level, upright = _runs(cv2, dark, level=True), _runs(cv2, dark, level=False)
    # Corners are where rules meet; a scan leaves gaps there.
    together = cv2.dilate(level | upright, np.ones((_GAP, _GAP), np.uint8))
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(together)
    found = []
    for label in range(1, count):
        left, top, width, height = (int(value) for value in boxes[label][:4])
        if min(width, height) < _SHORTEST / 2:
            continue
        part = np.zeros_like(level)
        window = (slice(top, top + height), slice(left, left + width))
        part[window] = np.where(labels[window] == label, 255, 0)
        ys, xs = _places(level & part, axis=1, least=width), _places(upright & part, axis=0, least=height)
        if len(xs) >= 2 and len(ys) >= 2:
            found.append(Drawing(xs, ys, level & part, upright & part))
    return found


def _runs(cv2: Any, dark: Mask, *, level: bool) -> Mask:
    """The dark pixels that lie in long runs of one direction, without solid areas."""
    height, width = dark.shape
    length = max(_SHORTEST, (width if level else height) // _SHARE)
    along = np.ones((1, length) if level else (length, 1), np.uint8)
    # A rule of a scan steps up or down by a pixel now and then: close its gaps across first.
    closed = cv2.dilate(dark, np.ones((3, 1) if level else (1, 3), np.uint8))
    runs = cv2.morphologyEx(closed, cv2.MORPH_OPEN, along)
    across = np.ones((_THICKEST + 3, 1) if level else (1, _THICKEST + 3), np.uint8)
    solid = cv2.morphologyEx(runs, cv2.MORPH_OPEN, across)
    thin: Mask = cv2.bitwise_and(runs, cv2.bitwise_not(solid))
    return thin


def _places(mask: Mask, *, axis: int, least: int) -> tuple[int, ...]:
    """Rows (axis 1) or columns (axis 0) where rules run, the middle of each; those shorter than a fifth are left out."""
    lengths = (mask > 0).sum(axis=axis)
    return tuple(_middles(np.flatnonzero(lengths >= max(_SHORTEST / 2, least / 5))))


def _middles(places: Sequence[int] | NDArray[np.intp]) -> Iterator[int]:
    group: list[int] = []
    for place in places:
        if group and place - group[-1] > _NEAR:
            yield (group[0] + group[-1]) // 2
            group = []
        group.append(int(place))
    if group:
        yield (group[0] + group[-1]) // 2


def _cv2() -> Any:
    try:
        import cv2
    except ImportError as error:
        hint = f"finding tables needs OpenCV ({error}): pip install 'cloudvision-gate[local]'"
        raise ConfigError(hint) from error
    return cv2
