"""Picture files for tests, made in memory: one for each format, and some that break."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import PIL.Image

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "MPO", "HEIF", "AVIF")


def quadrants(width: int = 64, height: int = 48) -> PIL.Image.Image:
    """Red top left, green top right, blue bottom left, white bottom right: every turn of it looks different."""
    pixels = np.full((height, width, 3), 255, np.uint8)
    pixels[: height // 2, : width // 2] = (255, 0, 0)
    pixels[: height // 2, width // 2 :] = (0, 255, 0)
    pixels[height // 2 :, : width // 2] = (0, 0, 255)
    return PIL.Image.fromarray(pixels)


def noise(width: int, height: int, *, seed: int = 0) -> PIL.Image.Image:
    """Nothing compresses worse."""
    return PIL.Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


def encode(image: PIL.Image.Image, format: str, **options: Any) -> bytes:
    out = io.BytesIO()
    if format == "HEIF":
        import pillow_heif

        pillow_heif.from_pillow(image).save(out, quality=90)
        return out.getvalue()
    if format == "MPO":
        options |= {"save_all": True, "append_images": [image.transpose(PIL.Image.Transpose.ROTATE_180)]}
    image.save(out, format, **options)
    return out.getvalue()


def exif(orientation: int) -> PIL.Image.Exif:
    made = PIL.Image.Exif()
    made[0x0112] = orientation
    return made


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims to be this large and holds no pixels at all."""
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        + (_chunk(b"IDAT", zlib.compress(b"")) + _chunk(b"IEND", b""))
    )


def webp_header(width: int, height: int) -> bytes:
    """An extended WebP that claims to be this large."""
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + size
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
