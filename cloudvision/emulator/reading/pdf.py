"""PDF pages as pictures, drawn by PDFium."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cloudvision.errors import ConfigError

DPI = 150
"""Pixels to the inch at which pages are drawn: body text of 8 points is then 16 pixels high."""

_MAX_SIDE = 4000
"""Larger sheets are drawn with fewer pixels to the inch, and read as if they were smaller."""

_lock = threading.Lock()  # PDFium may only be called by one thread at a time, whatever the document


class UnreadablePdfError(ValueError):
    """Damaged, locked by a password, or empty."""


def count(data: bytes) -> int:
    """How many pages there are.

    Raises:
        UnreadablePdfError: it cannot be opened, or holds none.
        ConfigError: PDFium is not installed.
    """
    pdfium = _pdfium()
    with _lock, _opened(pdfium, data) as document:
        pages = len(document)
    if not pages:
        raise UnreadablePdfError("a PDF without pages")
    return pages


def draw(data: bytes, number: int) -> tuple[NDArray[np.uint8], float]:
    """Page `number` (from 1) on white, and how many inches one pixel is.

    Shape (height, width, 3), RGB.

    Raises:
        UnreadablePdfError: the page cannot be drawn.
        ConfigError: PDFium is not installed.
    """
    pdfium = _pdfium()
    with _lock, _opened(pdfium, data) as document:
        try:
            page = document[number - 1]
            scale = min(DPI / 72, _MAX_SIDE / max(*page.get_size(), 1.0))
            picture = page.render(scale=scale, rev_byteorder=True, prefer_bgrx=False)
            pixels = np.array(picture.to_numpy()[:, :, :3], dtype=np.uint8)
            picture.close()
            page.close()
        except pdfium.PdfiumError as error:
            raise UnreadablePdfError(f"page {number} cannot be drawn: {error}") from error
    return pixels, 1 / (72 * scale)


def _opened(pdfium: Any, data: bytes) -> Any:
    try:
        return pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        raise UnreadablePdfError(str(error)) from error


def _pdfium() -> Any:
    try:
        import pypdfium2
    except ImportError as error:
        hint = f"reading a PDF needs pypdfium2 ({error}): pip install 'cloudvision-gate[emulator]'"
        raise ConfigError(hint) from error
    return pypdfium2
