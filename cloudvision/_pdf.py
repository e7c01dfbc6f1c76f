"""PDF files: how many pages they have, and their pages as pictures, drawn by PDFium.

PDFium serves one thread at a time, whatever the document: every use of it in this library stands under `lock`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import PIL.Image

from cloudvision.errors import DamagedImageError, ImageError

DPI = 150
"""Pixels to the inch at which pages are drawn: body text of 8 points is then 16 pixels high."""

MAX_SIDE = 4000
"""Larger sheets are drawn with fewer pixels to the inch."""

lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Facts:
    """Number of pages, and width and height of the first one in pixels at `DPI`."""

    pages: int
    width: int
    height: int


def can_draw() -> bool:
    """True where pypdfium2 is installed."""
    return find_spec("pypdfium2") is not None


def look(data: bytes, *, source: str) -> Facts | None:
    """What there is; None without pypdfium2.

    Raises:
        DamagedImageError: it does not open (broken, or locked by a password), or has no page.
    """
    if not can_draw():
        return None
    with _opened(data, source) as document:
        if not len(document):
            raise DamagedImageError(source, "a PDF without pages")
        width, height = document[0].get_size()
        scale = _scale(width, height, None)
        return Facts(len(document), max(1, round(width * scale)), max(1, round(height * scale)))


def draw(data: bytes, number: int, *, source: str, max_side: int | None = None) -> PIL.Image.Image:
    """Page `number` (from 0) on white, as RGB; `info["dpi"]` says how many pixels an inch became.

    Raises:
        DamagedImageError: it cannot be drawn.
        ImageError: pypdfium2 is not installed.
    """
    if not can_draw():
        raise ImageError(source, "looking at a PDF needs an extra: pip install 'cloudvision-gate[pdf]'")
    with _opened(data, source) as document:
        page = document[number]
        width, height = page.get_size()
        scale = _scale(width, height, max_side)
        bitmap = page.render(scale=scale, rev_byteorder=True, prefer_bgrx=False)
        drawn: PIL.Image.Image = bitmap.to_pil().convert("RGB")
        drawn.info["dpi"] = (72 * scale, 72 * scale)
        return drawn


def _scale(width: float, height: float, max_side: int | None) -> float:
    """Pixels to the point; a point is 1/72 inch."""
    return min(DPI / 72, min(max_side or MAX_SIDE, MAX_SIDE) / max(width, height, 1.0))


@contextmanager
def _opened(data: bytes, source: str) -> Iterator[Any]:
    import pypdfium2

    with lock:
        try:
            with pypdfium2.PdfDocument(data) as document:
                yield document
        except pypdfium2.PdfiumError as error:
            raise DamagedImageError(source, f"this PDF does not open: {error}") from error
