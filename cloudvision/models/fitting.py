"""From a picture of any shape to the one size that a network takes, and where the picture lies in it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cloudvision import _pillow
from cloudvision.geometry import Box

Resize = Literal["stretch", "letterbox", "crop"]
"""How a picture of another shape is made to fit:

stretch: both sides are scaled by themselves, the shape is not kept.
letterbox: the whole picture, its shape kept, right and bottom filled with grey.
crop: the shape is kept, and what does not fit is cut off on both sides alike.
"""

RESIZES: tuple[Resize, ...] = get_args(Resize)
GREY = 127
WHOLE = Box(0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Fitted:
    """One input of a network.

    Args:
        pixels: as the graph takes it, without the batch axis.
        place: where the upright picture lies, as fractions of the input; it reaches beyond it where something was cut off.
    """

    pixels: NDArray[np.float32]
    place: Box = WHOLE

    def in_picture(self, box: Box) -> Box:
        """A box given as fractions of the input, as fractions of the upright picture."""
        place = self.place
        return Box(
            (box.left - place.left) / place.width,
            (box.top - place.top) / place.height,
            box.width / place.width,
            box.height / place.height,
        )


def fit(
    pixels: NDArray[np.uint8], *, width: int, height: int, resize: Resize, shown: float = 1.0, fill: int = GREY
) -> tuple[NDArray[np.uint8], Box]:
    """(h, w, 3) uint8 RGB -> (height, width, 3) uint8 RGB, and where the picture lies in it (see `Fitted.place`).

    Bilinear, over the whole footprint of a pixel when it shrinks. Training and inference go through here alike.

    Args:
        shown: of a crop, the share of what fits that is seen, above 0 to 1: 0.875 is a picture shrunk to 256 pixels and cut
            to 224.
        fill: of a letterbox, the grey of the rest.
    """
    image = Image.fromarray(pixels)
    across, down = width / image.width, height / image.height
    if resize == "stretch":
        return _pillow.to_array(_resized(image, (width, height))), WHOLE
    if resize == "letterbox":
        scale = min(across, down)
        size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
        out = np.full((height, width, 3), fill, dtype=np.uint8)
        out[: size[1], : size[0]] = _pillow.to_array(_resized(image, size))
        return out, Box(0.0, 0.0, size[0] / width, size[1] / height)
    scale = max(across, down) / shown
    seen = width / scale, height / scale  # in pixels of the picture
    left, top = (image.width - seen[0]) / 2, (image.height - seen[1]) / 2
    whole = Box(-left / seen[0], -top / seen[1], image.width / seen[0], image.height / seen[1])
    # Rounding may put the edges a hair outside, which Pillow does not take.
    part = max(0.0, left), max(0.0, top), min(image.width, left + seen[0]), min(image.height, top + seen[1])
    return _pillow.to_array(_resized(image, (width, height), part)), whole


def enough(*, width: int, height: int, of: tuple[int, int], shown: float = 1.0) -> int:
    """The longer side, in pixels, from which a picture of size `of` can still be fitted without enlarging anything.

    Decoding no more than that is several times quicker for large JPEG files.
    """
    return max(1, math.ceil(max(of) * max(width / of[0], height / of[1]) / shown))


def _resized(
    image: Image.Image, size: tuple[int, int], part: tuple[float, float, float, float] | None = None
) -> Image.Image:
    return image.resize(size, Image.Resampling.BILINEAR, box=part)
