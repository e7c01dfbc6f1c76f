"""Pictures: from whatever the user has, to pixels for the gate and bytes for a service.

`load` takes a path, a URL, bytes, an array or a Pillow image and looks at the header only; `Image.pixels` decodes, and
`Image.prepare` makes what a service takes. An `Image` holds the file's bytes and never its pixels.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from cloudvision import _array, _decode, _pdf, _pillow, _prepare, _read, _sniff
from cloudvision._prepare import Limits, Prepared
from cloudvision.errors import NotAnImageError, TooLargeError
from cloudvision.fetch import Fetcher

__all__ = ["MAX_BYTES", "MAX_PAGES", "MAX_PIXELS", "Image", "Limits", "Prepared", "Remote", "load"]

MAX_PIXELS = 100_000_000
"""Default cap on width x height. Decoded, that many pixels take 300 MB."""

MAX_BYTES = 64 * 2**20
"""Default cap on a file's bytes."""

MAX_PAGES = 2000
"""Frames of a TIFF beyond this are not counted."""

Source = str | os.PathLike[str] | bytes | bytearray | memoryview | NDArray[Any] | PIL.Image.Image


@dataclass(frozen=True, slots=True)
class Image:
    """A picture of a known format whose header has been read. Made by `load`; safe to share between threads."""

    source: str
    """As the user named it, safe to print: without passwords and signatures of URLs."""

    data: bytes = field(repr=False)
    """The bytes as given; arrays and Pillow images: a PNG of them."""

    format: str
    """"JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "MPO", "HEIF", "AVIF" or "PDF", by the bytes."""

    width: int
    """Upright pixels: EXIF orientation applied. Of a PDF: its first page at 150 to the inch, 0 where nobody can look."""

    height: int

    orientation: int
    """EXIF orientation of the bytes, 1..8; 1 is upright."""

    digest: str
    """SHA-256 (hex) of the bytes as given; of shape, dtype and pixels for arrays and Pillow images."""

    pages: int | None = 1
    """Pages of a PDF or TIFF loaded as a document, None for a PDF that nobody here can count; 1 for pictures."""

    page: int = 0
    """Which of them `pixels` shows."""

    @property
    def is_document(self) -> bool:
        """True for a PDF, and for a TIFF of several pages."""
        return self.format == "PDF" or (self.pages or 0) > 1

    @property
    def can_be_seen(self) -> bool:
        """False for a PDF where pypdfium2 (extra `pdf`) is not installed: `pixels` would fail."""
        return self.format != "PDF" or _pdf.can_draw()

    def each_page(self) -> Iterator[Image]:
        """The same file once for each page, so that `pixels` shows all of them in turn."""
        return (replace(self, page=number) for number in range(self.pages or 1))

    def document(self, max_bytes: int) -> bytes:
        """The bytes of the whole file, for a service that reads all of its pages.

        Raises:
            TooLargeError: more than `max_bytes`.
        """
        if len(self.data) > max_bytes:
            raise TooLargeError(self.source, f"{len(self.data):,} bytes; the service takes {max_bytes:,}")
        return self.data

    def pixels(self, *, max_side: int | None = None) -> NDArray[np.uint8]:
        """Decode the first frame: shape (height, width, 3), RGB, upright, 0..255, alpha over white.

        A page of a document is drawn at up to 150 pixels to the inch; see `each_page` for the others.

        Args:
            max_side: shrink (never enlarge) to this many pixels on the longer side. A JPEG is then decoded at 1/2, 1/4
                or 1/8 of its size, which takes a fraction of the time and of the memory.

        Raises:
            DamagedImageError: the bytes break off or do not decode.
        """
        if max_side is not None and max_side < 1:
            raise ValueError(f"max_side must be at least 1, got {max_side}")
        if self.format == "PDF":
            return np.array(_pdf.draw(self.data, self.page, source=self.source, max_side=max_side))
        return _pillow.to_array(
            _decode.decode(self.data, self.format, source=self.source, max_side=max_side, frame=self.page)
        )

    def prepare(self, limits: Limits) -> Prepared:
        """The picture as `limits` want it, with the least loss.

        The bytes stay untouched when format, size and bytes fit, the picture is upright and it is the only one in its
        file (of an MPO, the first picture is taken as it is). Otherwise the first frame is turned upright and encoded
        anew, without metadata: lossless sources as PNG, all others as JPEG (quality 95, then 90, 85, 75, no chroma
        subsampling). When no encoding fits, it is shrunk; it is never enlarged. An ICC profile is kept where the RGB
        numbers of the source are kept, for without it they mean other colours.

        Raises:
            NotAnImageError: a PDF, which is no picture.
            TooSmallError: the shorter side is (or becomes, when the longer one is made to fit) less than `min_side`.
            TooLargeError: no way to get below `max_bytes`.
            DamagedImageError: the bytes do not decode.
            ValueError: the picture must be converted, and `limits.formats` has neither "JPEG" nor "PNG".
        """
        if self.format == "PDF":
            raise NotAnImageError(self.source, "a PDF document, and this provider takes pictures")
        original = _prepare.Original(self.source, self.data, self.format, self.width, self.height, self.orientation)
        return _prepare.prepare(original, limits)


@dataclass(frozen=True, slots=True)
class Remote:
    """A picture that never passes through our hands: the service reads it from S3 or from a URL."""

    source: str
    """"s3://bucket/key" or the URL, safe to print."""

    url: str | None = field(default=None, repr=False)
    """Set for a URL that the service fetches; as given, so it may hold a signature."""

    bucket: str | None = None
    key: str | None = None

    version: str | None = None
    """S3 version id or ETag."""

    @property
    def digest(self) -> str | None:
        """SHA-256 (hex) over bucket, key and version of an S3 object; None where what is there now may not be what was.

        None for every URL, and for an S3 object whose version is not known.
        """
        if self.bucket is None or self.key is None or self.version is None:
            return None
        # NUL cannot be part of any of the three, so no two objects share a text.
        return hashlib.sha256("\0".join(("s3", self.bucket, self.key, self.version)).encode()).hexdigest()


def load(
    source: Source,
    *,
    name: str | None = None,
    fetcher: Fetcher | None = None,
    max_bytes: int = MAX_BYTES,
    max_pixels: int = MAX_PIXELS,
    documents: bool = False,
) -> Image:
    """Read a picture from wherever it is; the header is checked, nothing is decoded unless the end is missing.

    Args:
        source: a path, an http(s) URL, a `data:` URL, the bytes of a file, an array (see `_array.to_png` for shapes and
            ranges) or a Pillow image (its EXIF orientation is applied).
        name: what to call it in results and errors; default: the path or URL, or the start of the digest.
        fetcher: downloads URLs. Give one to keep connections over many pictures; without it each URL opens its own.
        max_bytes: larger files are refused before they are read.
        max_pixels: larger pictures are refused before they are decoded.
        documents: PDFs are welcome too, and the pages of PDFs and TIFFs are counted.

    Raises:
        NotAnImageError: nothing, or something else, such as HTML with the name of a picture.
        DamagedImageError: begins like a picture, and breaks off or has a broken header.
        TooLargeError: above `max_bytes` or `max_pixels`.
        FetchError, BlockedAddressError: the download failed, or leads to an address that may not be reached.
        ImageError: the file is missing or cannot be read.
        TypeError: `source` is of no kind named above.
    """
    if isinstance(source, PIL.Image.Image):
        source = _decode.to_array(source, source=name or "Pillow image")
    if isinstance(source, np.ndarray):
        return _from_array(source, name=name, max_pixels=max_pixels)
    if isinstance(source, bytes | bytearray | memoryview):
        data = bytes(source)
        shown = name or f"bytes sha256:{hashlib.sha256(data).hexdigest()[:12]}"
        return _from_bytes(data, shown, max_bytes=max_bytes, max_pixels=max_pixels, documents=documents)
    if not isinstance(source, str | os.PathLike):
        raise TypeError(f"a picture cannot be loaded from {type(source).__name__}; give a path, URL, bytes or array")
    shown = name or _read.printable(source)
    data = _read.read(source, shown=shown, fetcher=fetcher, max_bytes=max_bytes)
    return _from_bytes(data, shown, max_bytes=max_bytes, max_pixels=max_pixels, documents=documents)


def _from_bytes(data: bytes, source: str, *, max_bytes: int, max_pixels: int, documents: bool) -> Image:
    _read.check_size(len(data), source=source, max_bytes=max_bytes)
    if documents and _sniff.is_pdf(data):
        return _from_pdf(data, source)
    format = _read.known_format(data, source=source)
    header = _decode.read_header(data, format, source=source, max_pixels=max_pixels)
    if _read.looks_cut_off(data, format):
        # Some writers leave the end out; only the decoder can tell theirs from a file that breaks off.
        _decode.decode(data, format, source=source, max_side=1)
    digest = hashlib.sha256(data).hexdigest()
    count = documents and format == "TIFF"
    pages = _decode.count_frames(data, format, source=source, most=MAX_PAGES) if count else 1
    return Image(source, data, format, header.width, header.height, header.orientation, digest, pages)


def _from_pdf(data: bytes, source: str) -> Image:
    facts, digest = _pdf.look(data, source=source), hashlib.sha256(data).hexdigest()
    if facts is None:
        return Image(source, data, "PDF", 0, 0, 1, digest, pages=None)
    return Image(source, data, "PDF", facts.width, facts.height, 1, digest, facts.pages)


def _from_array(pixels: NDArray[Any], *, name: str | None, max_pixels: int) -> Image:
    _array.check_shape(pixels, source=name or "array", max_pixels=max_pixels)
    digest = _array.digest(pixels)
    source = name or f"array sha256:{digest[:12]}"
    data = _array.to_png(pixels, source=source)
    height, width = pixels.shape[:2]
    return Image(source, data, "PNG", width, height, 1, digest)
