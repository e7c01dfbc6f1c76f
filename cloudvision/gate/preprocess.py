"""From upright RGB pixels to what the network takes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cloudvision import _pillow

GREY = 127  # what is put around a picture: the middle of the range, near zero after normalisation


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """The longer side becomes `side` pixels; right and bottom are filled with grey up to a multiple of `multiple`.

    Nothing is stretched, so a letter keeps its shape, and a panorama costs less than a square.
    """

    side: int
    multiple: int

    def size(self, *, width: int, height: int) -> tuple[int, int]:
        """(width, height) in pixels of the picture itself inside the network's input; each at least 1."""
        scale = self.side / max(width, height)
        return max(1, round(width * scale)), max(1, round(height * scale))

    def apply(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(h, w, 3) uint8 -> (1, H, W, 3) uint8, H and W multiples of `multiple`, none above `side` rounded up.

        May be a view of `pixels` where nothing is to be shrunk or filled.
        """
        height, width = pixels.shape[:2]
        if max(width, height) != self.side:
            width, height = self.size(width=width, height=height)
            pixels = _pillow.to_array(Image.fromarray(pixels).resize((width, height), Image.Resampling.BILINEAR))
        full_height, full_width = self._up(height), self._up(width)
        if (full_height, full_width) == (height, width):
            return np.require(pixels, requirements=["C", "W"])[np.newaxis]
        out = np.empty((1, full_height, full_width, 3), dtype=np.uint8)
        out[0, :height, :width] = pixels
        out[0, height:] = GREY
        out[0, :height, width:] = GREY
        return out

    def _up(self, length: int) -> int:
        return -(-length // self.multiple) * self.multiple
