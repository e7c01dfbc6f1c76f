"""The pages of a file as pictures: a picture is one page, a TIFF may hold several, a PDF is drawn."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cloudvision import _decode, _pdf, _pillow, _sniff
from cloudvision.errors import ConfigError, ImageError, TooLargeError

MOST_PAGES = 2000
"""Pages of one file that the service looks at."""

LEAST_SIDE, MOST_SIDE = 50, 10_000
"""Pixels of a picture's sides."""

_READ_AS = ("JPEG", "PNG", "BMP", "TIFF", "HEIF")
_NAME = "document"
_RANGE = re.compile(r"(\d{1,6})(?:-(\d{1,6}))?")


class UnreadableFileError(ValueError):
    """The file is of no format that the service takes, is damaged, or is locked by a password."""


class WrongDimensionsError(ValueError):
    """A picture of fewer or more pixels than the service takes."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One page, ready to be read."""

    number: int
    """1 for the first page of the file."""

    pixels: NDArray[np.uint8]
    """Shape (height, width, 3), RGB."""

    unit: Literal["pixel", "inch"]

    scale: float
    """How many units one pixel is."""


@dataclass(frozen=True, slots=True)
class File:
    """A file whose pages have been counted, not decoded."""

    data: bytes
    format: str
    """"PDF", "JPEG", "PNG", "BMP", "TIFF" or "HEIF"."""

    pages: int

    def pictures(self, numbers: Sequence[int]) -> Iterator[Picture]:
        """The pages of these numbers, drawn or decoded one after the other.

        Raises:
            UnreadableFileError: a page does not decode.
        """
        if self.format == "PDF":
            for number in numbers:
                yield _drawn(self.data, number)
        elif self.format == "TIFF" and self.pages > 1:
            yield from _frames(self.data, numbers)
        elif 1 in numbers:
            yield Picture(1, _decoded(self.data, self.format), "pixel", 1.0)


def open_file(data: bytes) -> File:
    """Look at the header and count the pages.

    Raises:
        ConfigError: a PDF, and PDFium is not installed.
        UnreadableFileError: not a file that can be read.
        WrongDimensionsError: a picture that is too small or too large.
    """
    if _sniff.is_pdf(data):
        return File(data, "PDF", min(_count_pages(data), MOST_PAGES))
    format = _sniff.picture_format(data)
    if format not in _READ_AS:
        raise UnreadableFileError("not a PDF, JPEG, PNG, BMP, TIFF or HEIF")
    try:
        header = _decode.read_header(data, format, source=_NAME, max_pixels=MOST_SIDE * MOST_SIDE)
        frames = _count_frames(data) if format == "TIFF" else 1
    except TooLargeError as error:
        raise WrongDimensionsError(str(error)) from error
    except ImageError as error:
        raise UnreadableFileError(str(error)) from error
    if min(header.width, header.height) < LEAST_SIDE or max(header.width, header.height) > MOST_SIDE:
        raise WrongDimensionsError(f"{header.width}x{header.height} pixels")
    return File(data, format, min(frames, MOST_PAGES))


def wanted_pages(pages: str | None, count: int) -> list[int]:
    """The numbers that a range such as "1-3,5" names of a file with `count` pages; all of them for None.

    Raises:
        ValueError: not such a range, or none of its pages is in the file.
    """
    if pages is None:
        return list(range(1, count + 1))
    numbers: set[int] = set()
    for piece in pages.split(","):
        match = _RANGE.fullmatch(piece.strip())
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not 1 <= first <= last:
            raise ValueError(f"{piece!r} is not a page or a range of pages")
        numbers.update(range(first, min(last, count) + 1))
    if not numbers:
        raise ValueError(f"the file has {count} pages")
    return sorted(numbers)


def _count_pages(data: bytes) -> int:
    try:
        facts = _pdf.look(data, source=_NAME)
    except ImageError as error:
        raise UnreadableFileError(str(error)) from error
    if facts is None:
        raise ConfigError("reading a PDF needs pypdfium2: pip install 'cloudvision-gate[emulator]'")
    return facts.pages


def _drawn(data: bytes, number: int) -> Picture:
    try:
        page = _pdf.draw(data, number - 1, source=_NAME)
    except ImageError as error:
        raise UnreadableFileError(str(error)) from error
    return Picture(number, np.array(page), "inch", 1 / page.info["dpi"][0])


def _decoded(data: bytes, format: str) -> NDArray[np.uint8]:
    try:
        return np.array(_decode.decode(data, format, source=_NAME))
    except ImageError as error:
        raise UnreadableFileError(str(error)) from error


def _count_frames(data: bytes) -> int:
    with _pillow.border(_NAME, data, "TIFF"):
        image, _ = _pillow.open_lazily(data, "TIFF", source=_NAME)
        with image:
            return int(getattr(image, "n_frames", 1))


def _frames(data: bytes, numbers: Sequence[int]) -> Iterator[Picture]:
    """One at a time: a scanner's file of many pages takes gigabytes once it is decoded."""
    try:
        with _pillow.border(_NAME, data, "TIFF"):
            image, _ = _pillow.open_lazily(data, "TIFF", source=_NAME)
        with image:
            for number in numbers:
                # Not around the yield: nobody else can decode a TIFF while we are within the border.
                with _pillow.border(_NAME, data, "TIFF"):
                    image.seek(number - 1)
                    if max(image.size) > MOST_SIDE:  # before it is decoded
                        raise UnreadableFileError(f"page {number} has {image.width}x{image.height} pixels")
                    pixels = np.array(_decode.to_rgb(image.copy()))
                yield Picture(number, pixels, "pixel", 1.0)
    except ImageError as error:
        raise UnreadableFileError(str(error)) from error
