"""Bytes of a known format in, header facts or upright RGB pixels out.

The pixel cap is checked here, from the header and before anything is decoded, so Pillow's process-wide
`MAX_IMAGE_PIXELS` keeps whatever value the application gave it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from cloudvision import _pillow, _sniff
from cloudvision.errors import DamagedImageError, TooLargeError

_TRANSPOSE = {
    2: PIL.Image.Transpose.FLIP_LEFT_RIGHT,
    3: PIL.Image.Transpose.ROTATE_180,
    4: PIL.Image.Transpose.FLIP_TOP_BOTTOM,
    5: PIL.Image.Transpose.TRANSPOSE,
    6: PIL.Image.Transpose.ROTATE_270,
    7: PIL.Image.Transpose.TRANSVERSE,
    8: PIL.Image.Transpose.ROTATE_90,
}


_MAX_FRAME_PIXELS = 100_000_000


@dataclass(frozen=True, slots=True)
class Header:
    """What is known before a pixel is decoded."""

    width: int
    """Pixels, upright."""

    height: int
    orientation: int
    """EXIF orientation 1..8."""


def read_header(data: bytes, format: str, *, source: str, max_pixels: int) -> Header:
    """Size and orientation, without decoding.

    Raises:
        TooLargeError: more than `max_pixels` pixels.
        DamagedImageError: the header is broken.
        ImageError: an optional decoder is missing.
    """
    if format == "WEBP" and (size := _sniff.webp_size(data)):
        _check_pixels(*size, source=source, max_pixels=max_pixels)
    with _pillow.border(source, data, format):
        image, orientation = _pillow.open_lazily(data, format, source=source)
        width, height = _pillow.raw_size(image)
        image.close()
    if width < 1 or height < 1:
        raise DamagedImageError(source, f"the header of this {format} says {width}x{height} pixels")
    _check_pixels(width, height, source=source, max_pixels=max_pixels)
    if orientation >= 5:
        width, height = height, width
    return Header(width, height, orientation)


def decode(data: bytes, format: str, *, source: str, max_side: int | None = None, frame: int = 0) -> PIL.Image.Image:
    """One frame as upright RGB, alpha over white; shrunk (never enlarged) to a longer side of `max_side` pixels.

    Frames are counted from 0. An ICC profile stays in `info["icc_profile"]` only where the RGB numbers are still the
    ones it describes.

    Raises:
        DamagedImageError: the bytes do not decode.
    """
    with _pillow.border(source, data, format):
        image, orientation = _pillow.open_lazily(data, format, source=source)
        if frame:
            image.seek(frame)
            _check_pixels(*image.size, source=source, max_pixels=_MAX_FRAME_PIXELS)  # `read_header` saw the first one
        size = _fitting(image.size, max_side)
        if size != image.size:
            # A JPEG is decoded at 1/2, 1/4 or 1/8 of its size, the smallest that is not below `size`; no-op elsewhere.
            image.draft(None, size)
        image.load()
        profile = image.info.get("icc_profile") if image.mode in ("RGB", "RGBA") else None
        rgb = to_rgb(image)
        if format == "TIFF":  # Pillow has turned it while loading
            orientation, size = 1, _fitting(rgb.size, max_side)
        if rgb.size != size:
            rgb = rgb.resize(size, PIL.Image.Resampling.LANCZOS)
        rgb = upright(rgb, orientation)
        rgb.info = {"icc_profile": profile} if profile else {}
        return rgb


def upright(image: PIL.Image.Image, orientation: int) -> PIL.Image.Image:
    """`image` turned and mirrored as its EXIF orientation 1..8 asks."""
    return image.transpose(_TRANSPOSE[orientation]) if orientation in _TRANSPOSE else image


def to_rgb(image: PIL.Image.Image) -> PIL.Image.Image:
    """Any mode of Pillow as 8-bit RGB.

    Transparent pixels are laid over white. 16-bit gray keeps its upper eight bits; 32-bit gray, which has no agreed
    range, is stretched from its darkest to its brightest pixel.
    """
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return PIL.Image.fromarray(_to_8_bit(np.asarray(image))).convert("RGB")
    if image.has_transparency_data:
        layer = image if image.mode == "RGBA" else image.convert("RGBA")
        white = PIL.Image.new("RGB", layer.size, "white")
        white.paste(layer, mask=layer.getchannel("A"))
        return white
    return image if image.mode == "RGB" else image.convert("RGB")


def to_array(image: PIL.Image.Image, *, source: str) -> NDArray[Any]:
    """The pixels of an image that the caller opened with Pillow: gray, RGB or RGBA, upright.

    Raises:
        DamagedImageError: it was opened lazily, and does not decode.
    """
    with _pillow.border(source, b"", "TIFF"):
        turned = upright(image, _pillow.valid_orientation(image.getexif().get(_pillow.ORIENTATION)))
        turned.load()
        if turned.mode in ("RGB", "L", "RGBA") and "transparency" not in turned.info:
            return np.array(turned)
        return np.array(to_rgb(turned))


def has_more_frames(data: bytes, format: str, *, source: str) -> bool:
    """True where the file holds an animation or further pages.

    Raises:
        DamagedImageError: the second frame cannot even be looked for.
    """
    if format not in ("GIF", "TIFF", "PNG", "WEBP"):
        return False
    with _pillow.border(source, data, format):
        image, _ = _pillow.open_lazily(data, format, source=source)
        found = bool(getattr(image, "is_animated", False))
        image.close()
        return found


def count_frames(data: bytes, format: str, *, source: str, most: int) -> int:
    """How many frames or pages the file holds; no more than `most` are looked for.

    Raises:
        DamagedImageError: one of them cannot even be looked for.
    """
    with _pillow.border(source, data, format):
        image, _ = _pillow.open_lazily(data, format, source=source)
        found = 1
        while found < most:
            try:
                image.seek(found)
            except EOFError:
                break
            found += 1
        image.close()
        return found


def _check_pixels(width: int, height: int, *, source: str, max_pixels: int) -> None:
    if width * height > max_pixels:
        megapixels = f"{width}x{height} is {width * height / 1e6:.1f} megapixels"
        raise TooLargeError(source, f"{megapixels}, more than the limit of {max_pixels / 1e6:g}; raise max_pixels")


def _fitting(size: tuple[int, int], max_side: int | None) -> tuple[int, int]:
    longer = max(size)
    if max_side is None or longer <= max_side:
        return size
    return max(1, round(size[0] * max_side / longer)), max(1, round(size[1] * max_side / longer))


def _to_8_bit(gray: NDArray[Any]) -> NDArray[np.uint8]:
    low, high = float(gray.min()), float(gray.max())
    if gray.dtype.kind in "iu" and low >= 0 and high <= 0xFFFF:
        return (gray.astype(np.uint16) >> 8).astype(np.uint8)
    if not np.isfinite((low, high)).all():
        raise ValueError("gray values that are not numbers")
    return ((gray - low) * (255.0 / ((high - low) or 1.0))).astype(np.uint8)
