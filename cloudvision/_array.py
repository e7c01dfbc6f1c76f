"""Pixels in memory, as numpy arrays or Pillow images, turned into a PNG like one that came from a file."""

from __future__ import annotations

import hashlib
import io
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from cloudvision.errors import NotAnImageError, TooLargeError

_CHANNELS = "(height, width), or (height, width, 1 | 3 | 4)"


def digest(pixels: NDArray[Any]) -> str:
    """SHA-256 (hex) of shape, dtype and pixels; the byte order of the machine and the memory layout don't count."""
    little = pixels.astype(pixels.dtype.newbyteorder("<"), copy=False)
    found = hashlib.sha256(f"{little.shape} {little.dtype.str}\n".encode())
    found.update(np.ascontiguousarray(little).data)
    return found.hexdigest()


def to_png(pixels: NDArray[Any], *, source: str) -> bytes:
    """A PNG of an array.

    Args:
        pixels: gray, RGB or RGBA of shape (h, w), (h, w, 1), (h, w, 3) or (h, w, 4). uint8 and uint16 in their full
            range, bool as black and white, floats in 0..1.
        source: named in errors.

    Raises:
        NotAnImageError: another dtype, or floats outside 0..1 (NaN included).
    """
    eight = _to_uint8(pixels, source=source)
    if eight.ndim == 3 and eight.shape[2] == 1:
        eight = eight[:, :, 0]
    out = io.BytesIO()
    # The least compression: this PNG is for one call, and time is worth more than bytes here.
    PIL.Image.fromarray(np.ascontiguousarray(eight)).save(out, "PNG", compress_level=1)
    return out.getvalue()


def check_shape(pixels: NDArray[Any], *, source: str, max_pixels: int) -> None:
    """Refuse an array that cannot be a picture.

    Raises:
        NotAnImageError: another shape than `to_png` takes, or no pixels.
        TooLargeError: more than `max_pixels` pixels.
    """
    known = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in (1, 3, 4))
    if not known:
        hint = "; is it (channels, height, width)? use pixels.transpose(1, 2, 0)" if _channels_first(pixels) else ""
        raise NotAnImageError(source, f"an array of shape {pixels.shape}, expected {_CHANNELS}{hint}")
    if pixels.size == 0:
        raise NotAnImageError(source, f"an array of shape {pixels.shape} holds no pixels")
    if pixels.shape[0] * pixels.shape[1] > max_pixels:
        reason = f"an array of shape {pixels.shape}, more than {max_pixels:,} pixels; raise max_pixels"
        raise TooLargeError(source, reason)


def _channels_first(pixels: NDArray[Any]) -> bool:
    return pixels.ndim == 3 and pixels.shape[0] in (1, 3, 4)


def _to_uint8(pixels: NDArray[Any], *, source: str) -> NDArray[np.uint8]:
    if pixels.dtype == np.uint8:
        return pixels
    if pixels.dtype == np.bool_:
        return pixels.astype(np.uint8) * np.uint8(255)
    if pixels.dtype.kind == "u" and pixels.dtype.itemsize == 2:
        return (pixels >> 8).astype(np.uint8)
    if pixels.dtype.kind == "f":
        low, high = float(pixels.min()), float(pixels.max())
        if low >= 0.0 and high <= 1.0:
            return np.rint(pixels.astype(np.float64) * 255.0).astype(np.uint8)
        raise NotAnImageError(source, f"float pixels must lie in 0..1, found {low:g}..{high:g}; divide by 255 or clip")
    raise NotAnImageError(source, f"pixels of dtype {pixels.dtype}; expected uint8, uint16, bool, or floats in 0..1")
