"""Small pictures for tests, made in memory."""

from __future__ import annotations

import io

from PIL import Image


def png(number: int = 0, *, side: int = 100) -> bytes:
    """A plain picture; each number gives other bytes."""
    stream = io.BytesIO()
    Image.new("RGB", (side, side), (number % 256, number // 256 % 256, number // 65536)).save(stream, "PNG")
    return stream.getvalue()
