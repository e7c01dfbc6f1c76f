"""What bytes are, judged by the bytes alone: file names and media types lie."""

from __future__ import annotations

import re

_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})

_PICTURES: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"II+\x00", "TIFF"),
    (b"MM\x00+", "TIFF"),
)

_OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "a PDF document; azure-document-intelligence reads such files, for others render its pages to pictures"),
    (b"PK\x03\x04", "a ZIP archive (or an Office document)"),
    (b"\x1f\x8b", "gzip-compressed data"),
    (b"8BPS", "a Photoshop document; export it as PNG or JPEG"),
    (b"\x00\x00\x01\x00", "a Windows icon (ICO); convert it to PNG"),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL picture, which is not supported; convert it to PNG or JPEG"),
    (b"\xff\x0a", "a JPEG XL picture, which is not supported; convert it to PNG or JPEG"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 picture, which is not supported; convert it to PNG or JPEG"),
    (b"%!PS", "a PostScript document"),
    (b"\x1a\x45\xdf\xa3", "a video (Matroska or WebM)"),
)

# The first characters of base64 over the magic bytes of JPEG, PNG, GIF, WebP.
_BASE64 = (b"/9j/", b"iVBORw0KGgo", b"R0lGOD", b"UklGR")

HEAD = 1024
"""How many of the first bytes tell what the rest is."""

_BMP_HEADERS = frozenset({12, 16, 40, 52, 56, 64, 108, 124})


def picture_format(data: bytes) -> str | None:
    """Name of the picture format that `data` begins like, None when it is no picture that can be read.

    One of "JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "HEIF", "AVIF". An MPO begins like a JPEG, and is told apart
    by its segments (see `_jpeg`).
    """
    for magic, name in _PICTURES:
        if data.startswith(magic):
            return name
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    # "BM" alone is also the start of an English sentence; the header's length is not.
    if data[:2] == b"BM" and int.from_bytes(data[14:18], "little") in _BMP_HEADERS:
        return "BMP"
    if data[4:8] == b"ftyp":
        return _iso_format(data)
    return None


def is_pdf(data: bytes) -> bool:
    """True for a PDF; some writers put white space or a byte order mark before its first line."""
    return data[:HEAD].removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"%PDF-")


def webp_size(data: bytes) -> tuple[int, int] | None:
    """Width and height in the header of a WebP, None where it has none that is valid.

    Libwebp's own reader allocates the whole canvas before it tells its size.
    """
    kind, body = data[12:16], data[20:30]
    if kind == b"VP8X" and len(body) == 10:
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    if kind == b"VP8L" and body[:1] == b"\x2f":
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 " and body[3:6] == b"\x9d\x01\x2a":
        return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF
    return None


def describe(data: bytes) -> str:
    """What bytes that are no picture look like, as a noun phrase for an error message."""
    if not data:
        return "empty (0 bytes)"
    for magic, name in _OTHERS:
        if data.startswith(magic):
            return name
    if data[4:8] == b"ftyp":
        return "a video or another ISO media file"
    if data.startswith(_BASE64):
        return "base64 text; give the decoded bytes, or a data: URL"
    return _describe_text(data[:HEAD])


def _iso_format(data: bytes) -> str | None:
    length = min(int.from_bytes(data[:4], "big"), HEAD)
    brands = {data[i : i + 4] for i in (8, *range(16, length, 4))}
    # The structural brand "mif1" says nothing about the codec, so a more telling one goes first.
    if brands & _AVIF_BRANDS:
        return "AVIF"
    return "HEIF" if brands & _HEIF_BRANDS else None


def _describe_text(head: bytes) -> str:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if b"<svg" in text and text.startswith(b"<"):
        return "an SVG drawing; render it to PNG first"
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<body")) or (text[:1] == b"<" and b"<html" in text):
        return "an HTML page, not a picture (often an error page or a log-in page)"
    if text.startswith((b"<?xml", b"<")) and re.match(rb"<[?!a-z]", text):
        return "an XML document"
    if re.match(rb'[\[{]\s*(["\[{\]}]|-?\d)', text):
        return "JSON"
    if not text:
        return "white space only"
    return "plain text" if _is_text(head) else "not a picture of a known format"


def _is_text(head: bytes) -> bool:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    # A character may be cut in two at the end of the head.
    text = head.decode("utf-8", errors="replace").rstrip("\ufffd")
    return bool(text) and "\ufffd" not in text and all(c.isprintable() or c in "\t\n\r\f" for c in text)
