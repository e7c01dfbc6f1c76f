"""The structure of a JPEG file: its segments, its EXIF block, where its first picture ends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_SOS = 0xDA
_EOI = 0xD9
# In compressed data FF is followed by 00 (a plain FF) or by a restart marker; anything else is the next segment.
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


Span = tuple[int, int]
"""The first byte of a segment, and the first one after it."""


@dataclass(frozen=True, slots=True)
class JpegParts:
    """What a walk over the segments in front of the compressed data found."""

    exif: bytes
    """The EXIF block, empty where there is none."""

    mpf_spans: tuple[Span, ...]
    """The segments that list further pictures after the first (MPO); empty for a plain JPEG."""

    scan: int
    """Where the compressed data begins; the length of the file when it never does."""


def parts(data: bytes) -> JpegParts:
    """Walk over the header of a JPEG. Never raises: a broken header ends the walk."""
    exif, mpf_spans, scan = b"", [], len(data)
    for marker, start, end in _segments(data, 2):
        if marker == _SOS:
            scan = start
            break
        body = data[start + 4 : min(end, start + 16)]
        if marker == 0xE1 and body.startswith(b"Exif\x00\x00"):
            exif = exif or data[start + 4 : end]
        elif marker == 0xE2 and body.startswith(b"MPF\x00"):
            mpf_spans.append((start, end))
    return JpegParts(exif, tuple(mpf_spans), scan)


def without(data: bytes, spans: tuple[Span, ...]) -> bytes:
    """The file without those segments."""
    kept, at = [], 0
    for start, end in spans:
        kept.append(data[at:start])
        at = end
    return b"".join([*kept, data[at:]]) if kept else data


def without_exif(data: bytes) -> bytes:
    """The same picture with its EXIF segments renamed, so that a decoder does not stumble over broken ones.

    By text and not by segment: in a damaged file a decoder may see segments where we see none. In compressed data these
    six bytes have no reason to be.
    """
    return data.replace(b"Exif\x00\x00", b"exif\x00\x00")


def end_of_picture(data: bytes, found: JpegParts) -> int | None:
    """The first byte after the end marker of the first picture; None when the file breaks off before it."""
    return next((end for marker, _, end in _segments(data, found.scan) if marker == _EOI), None)


def scans(data: bytes, found: JpegParts) -> int:
    """How many times the compressed data goes over the picture, at most (a few stray matches are counted too)."""
    return data.count(b"\xff\xda", found.scan)


def _segments(data: bytes, at: int) -> Iterator[tuple[int, int, int]]:
    """Marker, first byte and end of each segment from `at`; compressed data between two of them is stepped over."""
    while match := _NEXT_MARKER.search(data, at):
        start, marker = match.start(), data[match.start() + 1]
        if marker in (_EOI, 0xD8, 0x01):
            end = start + 2
        else:
            end = start + 2 + int.from_bytes(data[start + 2 : start + 4], "big")
            if end > len(data) or end < start + 4:
                return
        yield marker, start, end
        at = end
