"""Smart crops: the smallest window of an aspect ratio that holds most of what stands out in a picture.

What stands out is found by the spectral residual (Hou and Zhang, "Saliency Detection: A Spectral Residual Approach", CVPR
2007): what remains of a picture's log spectrum once its average over neighbouring frequencies is taken away.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import PIL.Image
from numpy.typing import NDArray

LEAST_RATIO, MOST_RATIO = 0.5, 2.0
"""Range of the ratio that is chosen where none is asked for; the API's documentation."""

MAX_SIDE = 512
"""Pixels of the longer side that are enough to see what stands out."""

_SIDE = 64
_HELD = 0.8
_SIZES = (0.6, 0.7, 0.8, 0.9, 1.0)

Map = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CropBox:
    """A window in pixels."""

    x: int
    y: int
    w: int
    h: int


def saliency(pixels: NDArray[np.uint8]) -> Map:
    """How much each place of a picture (height, width, 3; RGB) stands out: shape (64, 64), sum 1."""
    small = PIL.Image.fromarray(pixels).convert("L").resize((_SIDE, _SIDE), PIL.Image.Resampling.BOX)
    spectrum = np.fft.fft2(np.asarray(small, dtype=np.float64))
    strength = np.log(np.abs(spectrum) + 1e-9)
    residual = strength - _smoothed(strength, reach=1)
    found = np.abs(np.fft.ifft2(np.exp(residual + 1j * np.angle(spectrum)))) ** 2
    smooth = _smoothed(_smoothed(found, reach=2), reach=2)
    # Where nothing stands out, every place does alike.
    total = smooth.sum()
    return smooth / total if np.isfinite(total) and total > 0 else np.full((_SIDE, _SIDE), 1 / _SIDE**2)


def crop(found: Map, ratio: float, *, width: int, height: int) -> CropBox:
    """The window of `ratio` (width / height) in a picture of that many pixels.

    Of the sizes from 0.6 to 1.0 of the largest window that fits, it is the smallest one that holds 80 % of what the
    largest can hold.
    """
    full_w, full_h = (width, width / ratio) if width / height <= ratio else (height * ratio, float(height))
    sums = np.zeros((_SIDE + 1, _SIDE + 1))
    sums[1:, 1:] = found.cumsum(axis=0).cumsum(axis=1)
    best, _ = _window(sums, full_w / width, full_h / height)
    for size in _SIZES:
        held, (x, y) = _window(sums, full_w * size / width, full_h * size / height)
        if held >= _HELD * best or size == _SIZES[-1]:
            w, h = max(1, round(full_w * size)), max(1, round(full_h * size))
            return CropBox(min(round(x * width), width - w), min(round(y * height), height - h), w, h)
    raise AssertionError("the largest window holds what it holds")


def natural_ratio(found: Map, *, width: int, height: int) -> float:
    """The ratio of the part that stands out, for a picture of that many pixels; 0.5 to 2.0, two decimals."""
    across, down = _extent(found.sum(axis=0)) * width, _extent(found.sum(axis=1)) * height
    return round(min(max(across / down, LEAST_RATIO), MOST_RATIO), 2)


def _extent(profile: Map) -> float:
    """The share of an axis between the 10th and 90th percentile of what stands out along it."""
    summed = profile.cumsum()
    first, last = np.searchsorted(summed, (0.1, 0.9))
    return float(last - first + 1) / len(profile)


def _window(sums: Map, width: float, height: float) -> tuple[float, tuple[float, float]]:
    """The most that a window (fractions of the picture) can hold, and where its top left corner is then."""
    columns, rows = (min(_SIDE, max(1, round(side * _SIDE))) for side in (width, height))
    held = sums[rows:, columns:] - sums[:-rows, columns:] - sums[rows:, :-columns] + sums[:-rows, :-columns]
    row, column = np.unravel_index(int(held.argmax()), held.shape)
    return float(held[row, column]), (float(column) / _SIDE, float(row) / _SIDE)


def _smoothed(values: Map, *, reach: int) -> Map:
    """The average over the square of `reach` places to every side; edges are continued."""
    padded = np.pad(values, reach, mode="edge")
    span = 2 * reach + 1
    windows: Map = np.lib.stride_tricks.sliding_window_view(padded, (span, span))
    return np.asarray(windows.mean(axis=(2, 3)))
