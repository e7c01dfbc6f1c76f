"""Small pictures with discs and squares in them, whose places are known."""

from __future__ import annotations

import numpy as np
import PIL.Image
import PIL.ImageDraw
from numpy.typing import NDArray

from cloudvision.annotations import Mark
from cloudvision.geometry import Box
from cloudvision.training.detect_scenes import BoxExample

SIDE = 96
RED, BLUE = (230, 40, 40), (40, 60, 230)


def boxed_picture(seed: int, *, count: int = 1) -> tuple[NDArray[np.uint8], tuple[Mark, ...]]:
    """Grey noise with `count` things in it, each a red disc or a blue square, that do not touch."""
    rng = np.random.default_rng(seed)
    image = PIL.Image.fromarray(rng.integers(60, 150, (SIDE, SIDE, 3), dtype=np.uint8))
    draw, marks = PIL.ImageDraw.Draw(image), []
    for row in rng.permutation(2)[:count]:
        size = int(rng.integers(20, 40))
        left, top = int(rng.integers(0, SIDE - size)), int(rng.integers(0, SIDE // 2 - size + 1))
        top += int(row) * SIDE // 2
        if rng.random() < 0.5:
            draw.ellipse((left, top, left + size - 1, top + size - 1), fill=RED)
            name = "disc"
        else:
            draw.rectangle((left, top, left + size - 1, top + size - 1), fill=BLUE)
            name = "square"
        marks.append(Mark(name, Box(left / SIDE, top / SIDE, size / SIDE, size / SIDE)))
    return np.asarray(image), tuple(marks)


def boxed_examples(count: int, *, seed: int = 0) -> list[BoxExample]:
    """Every fourth with two things, every eighth with none."""
    return [
        BoxExample(*boxed_picture(seed * 1000 + n, count=0 if n % 8 == 7 else 2 if n % 4 == 3 else 1))
        for n in range(count)
    ]
