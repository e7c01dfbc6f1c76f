"""Small PDF and TIFF files, made by Pillow."""

from __future__ import annotations

import io

from PIL import Image, ImageDraw, ImageFont


def page(text: str) -> Image.Image:
    canvas = Image.new("RGB", (400, 500), "white")
    ImageDraw.Draw(canvas).text((20, 40), text, fill="black", font=ImageFont.load_default(size=40))
    return canvas


def document(*texts: str, format: str = "PDF") -> bytes:
    """A file with one page for each text."""
    first, *rest = [page(text) for text in texts]
    stream = io.BytesIO()
    first.save(stream, format, save_all=True, append_images=rest)
    return stream.getvalue()
