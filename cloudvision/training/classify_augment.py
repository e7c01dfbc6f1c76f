"""Changes of a picture that leave its label as it is: shift, zoom, rotate, shear, colour, cut-out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image

_FILL = 127


@dataclass(frozen=True, slots=True)
class Changes:
    """How far each change goes at most; 0 turns it off.

    Args:
        shift: share of the side, each way.
        zoom: 0.2 means from 1 / 1.2 to 1.2 times as large.
        rotate: degrees, either way.
        shear: degrees, either way.
        colour: brightness, contrast, saturation and casts; 0.2 is mild.
        cut_out: largest share of each side that a grey patch covers; half of the pictures get one.
        mirror: left and right are swapped in half of the pictures; wrong for text, and for what knows left from right.
    """

    shift: float = 0.1
    zoom: float = 0.2
    rotate: float = 15.0
    shear: float = 8.0
    colour: float = 0.2
    cut_out: float = 0.3
    mirror: bool = False


NONE = Changes(shift=0, zoom=0, rotate=0, shear=0, colour=0, cut_out=0)


def change(pixels: NDArray[np.uint8], rng: Generator, *, size: tuple[int, int], changes: Changes) -> NDArray[np.uint8]:
    """(h, w, 3) -> (height, width, 3) of `size` (width, height), changed at random.

    What comes in from outside is a mirror image of what is inside.
    """
    moved = _moved(pixels, rng, size=size, changes=changes)
    if changes.colour:
        moved = _coloured(moved, rng, strength=changes.colour)
    if changes.cut_out and rng.random() < 0.5:
        width, height = (max(1, round(side * rng.uniform(0.1, 1.0) * changes.cut_out)) for side in size)
        left, top = int(rng.integers(size[0] - width + 1)), int(rng.integers(size[1] - height + 1))
        moved[top : top + height, left : left + width] = _FILL
    return moved


def _moved(pixels: NDArray[np.uint8], rng: Generator, *, size: tuple[int, int], changes: Changes) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    zoom = math.log1p(changes.zoom)
    scale = np.exp(rng.uniform(-zoom, zoom, 2) * (1.0, 0.3))  # of the whole, and of one side against the other
    turn = math.radians(rng.uniform(-changes.rotate, changes.rotate))
    lean = math.tan(math.radians(rng.uniform(-changes.shear, changes.shear)))
    rotation = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    flip = -1.0 if changes.mirror and rng.random() < 0.5 else 1.0
    stretch = np.diag((flip / (scale[0] * scale[1]), scale[1] / scale[0]))
    # From the place of a pixel in the answer to its place in the picture, both as fractions around the middle.
    back = rotation @ np.array([[1.0, lean], [0.0, 1.0]]) @ stretch
    shift = rng.uniform(-changes.shift, changes.shift, 2)
    to_picture = np.diag((width, height)) @ back @ np.diag((1 / size[0], 1 / size[1]))
    middle = np.array((width, height)) * (0.5 + shift) - to_picture @ (np.array(size) / 2)
    room = max(height, width) // 2
    # A border of mirrored pixels: grey corners would give away that, and how, a picture was turned.
    padded = np.pad(pixels, ((room, room), (room, room), (0, 0)), mode="symmetric")
    (a, b), (c, d) = to_picture
    x, y = middle + room
    image = Image.fromarray(padded)
    moved = image.transform(size, Image.Transform.AFFINE, (a, b, x, c, d, y), Image.Resampling.BILINEAR)
    return np.array(moved, dtype=np.uint8)


def _coloured(pixels: NDArray[np.uint8], rng: Generator, *, strength: float) -> NDArray[np.uint8]:
    x = pixels.astype(np.float32)
    grey = x.mean(axis=2, keepdims=True)
    saturation = np.float32(math.exp(rng.normal(0, strength)))
    contrast = np.float32(math.exp(rng.normal(0, strength)))
    casts = np.exp(rng.normal(0, strength / 4, 3)).astype(np.float32)
    middle = np.float32(grey.mean())
    x = ((grey + (x - grey) * saturation) * casts - middle) * contrast + middle
    x += np.float32(rng.normal(0, strength / 2) * 127)
    return np.asarray(np.clip(x, 0, 255), dtype=np.uint8)
