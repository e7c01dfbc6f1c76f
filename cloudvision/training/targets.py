"""What the map should say: dense truth drawn from the outlines of the lines."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from cloudvision.results import Line

MAPS = ("text", "sure", "core")  # any line; a line the engine is sure of; the middle half of a line's height
SURE = 0.90


def draw(lines: Sequence[Line], *, width: int, height: int) -> NDArray[np.uint8]:
    """(len(MAPS), height, width) of 0 and 1, for outlines as fractions of that picture."""
    planes = [Image.new("L", (width, height)) for _ in MAPS]
    text, sure, core = (ImageDraw.Draw(plane) for plane in planes)
    for line in filter(plausible, lines):
        corners = np.array(line.polygon.points) * (width, height)
        _fill(text, corners)
        if line.confidence is None or line.confidence >= SURE:
            _fill(sure, corners)
        if len(corners) == 4:
            _fill(core, middle(corners))
    return np.stack([np.asarray(plane) for plane in planes])


def plausible(line: Line) -> bool:
    """Not the letter that an engine invents: unsure, or a single character as tall as half the picture."""
    sure = line.confidence is None or line.confidence >= 0.6
    return sure and (len(line.text.strip()) > 1 or line.polygon.box.height < 0.5)


def middle(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """The middle half between the two long edges of (4, 2) corners: it keeps neighbouring lines apart."""
    a, b, c, d = corners
    if np.linalg.norm(b - a) < np.linalg.norm(c - b):  # upright text: the long edges are the other pair
        a, b, c, d = b, c, d, a
    return np.array([a + (d - a) / 4, b + (c - b) / 4, b + (c - b) * 3 / 4, a + (d - a) * 3 / 4])


def _fill(plane: ImageDraw.ImageDraw, corners: NDArray[np.float64]) -> None:
    plane.polygon([(float(x), float(y)) for x, y in corners], fill=1)


def characters(lines: Sequence[Line]) -> int:
    """Characters without white space, over all lines."""
    return sum(len("".join(line.text.split())) for line in filter(plausible, lines))
