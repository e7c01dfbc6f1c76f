"""Making a picture fit for a service, with the least loss."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from dataclasses import dataclass

import PIL.Image

from cloudvision import _decode, _jpeg
from cloudvision.errors import TooLargeError, TooSmallError

_MEDIA_TYPES = {"MPO": "image/mpo", "HEIF": "image/heic"}

# 4:4:4 at 95 is visually lossless; 75 is where artefacts begin to touch small text, so shrinking comes after it.
_QUALITIES = (95, 90, 85, 75)
_MAX_ROUNDS = 12
_MAX_PROFILE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """What a service takes. Formats are Pillow's names: "JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "MPO", "HEIF"."""

    formats: frozenset[str]
    max_bytes: int
    min_side: int = 1
    """Pixels, the shorter side."""

    max_side: int = 16_000
    """Pixels, the longer side."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A picture as it is sent."""

    data: bytes
    format: str
    media_type: str
    """Such as "image/jpeg"."""

    width: int
    """Upright pixels as sent."""

    height: int


@dataclass(frozen=True, slots=True)
class Original:
    """The facts of a picture that `prepare` needs (see `images.Image`)."""

    source: str
    data: bytes
    format: str
    width: int
    height: int
    orientation: int


def prepare(image: Original, limits: Limits) -> Prepared:
    """`image` within `limits`. See `images.Image.prepare`."""
    if min(image.width, image.height) < limits.min_side:
        raise _too_small(image, limits, f"{image.width}x{image.height} pixels")
    if max(image.width, image.height) <= limits.max_side and image.orientation == 1:
        for data, format in _untouched(image):
            if format in limits.formats and len(data) <= limits.max_bytes:
                return _prepared(data, format, (image.width, image.height))
    return _encode(image, limits)


def _untouched(image: Original) -> Iterator[tuple[bytes, str]]:
    """The bytes as they are, where they hold one picture only: nobody says which frame a service reads."""
    if image.format == "MPO":
        found = _jpeg.parts(image.data)
        end = _jpeg.end_of_picture(image.data, found)
        if end is not None:
            yield _jpeg.without(image.data[:end], found.mpf_spans), "JPEG"
    elif not _decode.has_more_frames(image.data, image.format, source=image.source):
        yield image.data, image.format


def _encode(image: Original, limits: Limits) -> Prepared:
    if not limits.formats & {"JPEG", "PNG"}:
        raise ValueError(f"pictures are converted to JPEG or PNG only; limits.formats is {sorted(limits.formats)}")
    rgb = _decode.decode(image.data, image.format, source=image.source, max_side=limits.max_side)
    lossless = _is_lossless(image)
    smallest = 0
    for _ in range(_MAX_ROUNDS):
        if min(rgb.size) < limits.min_side:
            raise _too_small(image, limits, f"shrunk to {rgb.width}x{rgb.height} pixels to fit")
        for data, format in _encodings(rgb, limits, lossless=lossless):
            if len(data) <= limits.max_bytes:
                return _prepared(data, format, rgb.size)
            smallest = len(data)
        # File size goes about with the area; the margin saves a second round in most cases.
        scale = min(0.9, math.sqrt(limits.max_bytes / smallest) * 0.95)
        size = max(1, round(rgb.width * scale)), max(1, round(rgb.height * scale))
        if size == rgb.size:
            break
        info = rgb.info
        rgb = rgb.resize(size, PIL.Image.Resampling.LANCZOS)
        rgb.info = info
        lossless = lossless and "JPEG" not in limits.formats
    raise TooLargeError(image.source, f"cannot be brought below {limits.max_bytes:,} bytes")


def _encodings(rgb: PIL.Image.Image, limits: Limits, *, lossless: bool) -> Iterator[tuple[bytes, str]]:
    """From the least loss to the smallest file."""
    profile = rgb.info.get("icc_profile") or b""
    profile = profile if len(profile) <= _MAX_PROFILE else b""
    if "PNG" in limits.formats and (lossless or "JPEG" not in limits.formats):
        out = io.BytesIO()
        rgb.save(out, "PNG", icc_profile=profile or None)
        yield out.getvalue(), "PNG"
    if "JPEG" in limits.formats:
        for quality in _QUALITIES:
            out = io.BytesIO()
            rgb.save(out, "JPEG", quality=quality, subsampling="4:4:4", icc_profile=profile or None)
            yield out.getvalue(), "JPEG"


def _is_lossless(image: Original) -> bool:
    if image.format == "WEBP":
        return b"VP8L" in image.data[:4096]
    return image.format in ("PNG", "GIF", "BMP", "TIFF")


def _prepared(data: bytes, format: str, size: tuple[int, int]) -> Prepared:
    media_type = _MEDIA_TYPES.get(format, f"image/{format.lower()}")
    return Prepared(data, format, media_type, *size)


def _too_small(image: Original, limits: Limits, what: str) -> TooSmallError:
    return TooSmallError(image.source, f"{what}; the service wants at least {limits.min_side} on the shorter side")
