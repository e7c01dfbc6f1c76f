"""Pillow behind a border: a plugin chosen by us, our errors only, no warning that gets out.

`PIL.Image.open` lets a file choose among all of Pillow's plugins; here the format is known before, and only the plugins
of the formats that we support can be reached.
"""

from __future__ import annotations

import io
import struct
import threading
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

import numpy as np
import PIL.Image
import PIL.ImageFile
import PIL.PpmImagePlugin  # known to Pillow before `to_array` asks for it: else all plugins are loaded to find it
from numpy.typing import NDArray

from cloudvision import _exif, _jpeg
from cloudvision.errors import DamagedImageError, ImageError, TooLargeError

_PLUGINS = {
    "JPEG": ("PIL.JpegImagePlugin", "JpegImageFile"),
    # The first picture of an MPO is a complete JPEG, and it is the only one we look at.
    "MPO": ("PIL.JpegImagePlugin", "JpegImageFile"),
    "PNG": ("PIL.PngImagePlugin", "PngImageFile"),
    "WEBP": ("PIL.WebPImagePlugin", "WebPImageFile"),
    "GIF": ("PIL.GifImagePlugin", "GifImageFile"),
    "BMP": ("PIL.BmpImagePlugin", "BmpImageFile"),
    "TIFF": ("PIL.TiffImagePlugin", "TiffImageFile"),
    "AVIF": ("PIL.AvifImagePlugin", "AvifImageFile"),
    "HEIF": ("pillow_heif", "HeifImageFile"),
}

# What Pillow and the decoders under it have been seen to raise on hostile bytes. Programming mistakes hide in some of
# them too; the price is paid here, once, so that nothing else in the library needs a broad `except`.
_DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    RuntimeError,
    struct.error,
    zlib.error,
)

ORIENTATION = 0x0112
"""The tag's number in EXIF and TIFF."""

_PPM_HEADER = 64
"""Bytes, at most."""

_MAX_SCANS = 300
"""A progressive JPEG has about ten scans; thousands of them keep a decoder busy for minutes."""

_WARNS = frozenset({"GIF", "TIFF", "AVIF", "HEIF"})
_warnings_lock = threading.Lock()

_MISSING = {
    "HEIF": "reading HEIC needs an extra: pip install 'cloudvision-gate[heic]'",
    "AVIF": "reading AVIF needs Pillow 11.3 or newer: pip install --upgrade Pillow",
}


def open_lazily(data: bytes, format: str, *, source: str) -> tuple[PIL.ImageFile.ImageFile, int]:
    """The lazily opened file and its EXIF orientation."""
    module, name = _PLUGINS[format]
    try:
        plugin = getattr(import_module(module), name)
    except ImportError as error:
        raise ImageError(source, _MISSING[format]) from error
    if format in ("JPEG", "MPO"):
        found = _jpeg.parts(data)
        if _jpeg.scans(data, found) > _MAX_SCANS:
            raise DamagedImageError(source, f"a JPEG of more than {_MAX_SCANS} scans, made to keep decoders busy")
        return plugin(io.BytesIO(_jpeg.without_exif(data))), _exif.orientation(found.exif)
    image: PIL.ImageFile.ImageFile = plugin(io.BytesIO(data))
    if format == "HEIF":  # libheif has turned the picture already
        return image, 1
    if format == "TIFF":
        return image, _tiff_orientation(image)
    return image, _exif.orientation(image.info.get("exif") or b"")


def raw_size(image: PIL.ImageFile.ImageFile) -> tuple[int, int]:
    """Width and height as stored; Pillow gives those of a TIFF upright or not, depending on its version."""
    tags = getattr(image, "tag_v2", {})
    if 256 in tags and 257 in tags:
        return int(tags[256]), int(tags[257])
    return image.size


def to_array(rgb: PIL.Image.Image) -> NDArray[np.uint8]:
    """(height, width, 3), writable, of an RGB image.

    `np.array(image)` lets Pillow collect pieces, joins them, and copies the whole; for a picture of 480 pixels that takes
    half as long as decoding it, most of it for fresh pages of memory. A PPM is the same bytes behind a short header,
    and is written into memory that is taken once.
    """
    size = rgb.width * rgb.height * 3
    sink = _Sink(size + _PPM_HEADER)
    rgb.save(sink, "PPM")  # type: ignore[arg-type]
    return sink.taken[sink.end - size : sink.end].reshape(rgb.height, rgb.width, 3)


class _Sink:
    """What Pillow needs of a file that it writes to."""

    def __init__(self, size: int) -> None:
        self.taken = np.empty(size, dtype=np.uint8)
        self.end = 0
        self._view = self.taken.data

    def write(self, piece: bytes) -> int:
        self._view[self.end : self.end + len(piece)] = piece
        self.end += len(piece)
        return len(piece)


def _tiff_orientation(image: PIL.ImageFile.ImageFile) -> int:
    return valid_orientation(getattr(image, "tag_v2", {}).get(ORIENTATION))


def valid_orientation(orientation: object) -> int:
    return orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1


@contextmanager
def border(source: str, data: bytes, format: str) -> Iterator[None]:
    """Everything that Pillow raises inside becomes an ImageError of `source`; nothing that it warns of gets out."""
    try:
        with _silence(data, format):
            yield
    except MemoryError as error:
        raise TooLargeError(source, f"not enough memory to decode this {format}") from error
    except PIL.Image.DecompressionBombError as error:
        # Only where it is set lower than our own limit, or was not known from the header (a frame of a GIF).
        reason = f"more pixels than Pillow's own limit: {error}; raise PIL.Image.MAX_IMAGE_PIXELS"
        raise TooLargeError(source, reason) from error
    except _DECODER_ERRORS as error:
        reason = str(error) or type(error).__name__
        raise DamagedImageError(source, f"begins like a {format} and does not decode: {reason}") from error


@contextmanager
def _silence(data: bytes, format: str) -> Iterator[None]:
    """Keep Pillow's warnings in, for the formats that give any.

    `warnings.catch_warnings` changes state of the whole process, so only one thread at a time may be inside. JPEG,
    WebP, BMP and plain PNG, which are nearly all pictures, never warn on our path and decode in parallel.
    """
    if format in _WARNS or (format == "PNG" and b"acTL" in data):
        with _warnings_lock, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    else:
        yield
