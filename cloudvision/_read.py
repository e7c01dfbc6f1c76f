"""Getting the bytes of a source, and the checks that need nothing but bytes."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
import stat
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote_to_bytes

from cloudvision import _jpeg, _sniff
from cloudvision.errors import ImageError, NotAnImageError, TooLargeError
from cloudvision.fetch import Fetcher, printable_source

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_HTTP = ("http", "https")


def printable(source: str | os.PathLike[str]) -> str:
    """The name of a path or URL that may stand in logs and results; valid Unicode, also for a file name that is not."""
    if not isinstance(source, str):
        return _unicode(os.fspath(source))
    if is_data_url(source):
        head = source[:64].partition(",")[0]
        return f"{_unicode(head)} sha256:{hashlib.sha256(source.encode(errors='replace')).hexdigest()[:12]}"
    return _unicode(printable_source(source) if _SCHEME.match(source) else source)


def _unicode(text: str) -> str:
    # Python spells a byte that is no UTF-8 as a lone surrogate, which neither SQLite nor a UTF-8 file takes.
    return text.encode(errors="backslashreplace").decode()


def is_data_url(source: str) -> bool:
    return source[:5].lower() == "data:" and "," in source


def read(source: str | os.PathLike[str], *, shown: str, fetcher: Fetcher | None, max_bytes: int) -> bytes:
    """The bytes behind a path, an http(s) URL or a data: URL; `shown` names it in errors."""
    if isinstance(source, str):
        if is_data_url(source):
            return _from_data_url(source, shown=shown)
        if scheme := _SCHEME.match(source):
            return _from_url(source, scheme[1].lower(), shown=shown, fetcher=fetcher, max_bytes=max_bytes)
    return _from_file(source, shown=shown, max_bytes=max_bytes)


def check_size(size: int, *, source: str, max_bytes: int) -> None:
    if size > max_bytes:
        raise TooLargeError(source, f"{size:,} bytes, more than the limit of {max_bytes:,}; raise max_bytes")


def known_format(data: bytes, *, source: str) -> str:
    """Name of the picture's format, by its bytes.

    Raises:
        NotAnImageError: it has none that can be read; the message says what the bytes look like.
    """
    format = _sniff.picture_format(data)
    if format is None:
        raise NotAnImageError(source, f"not a picture: {_sniff.describe(data)}")
    return "MPO" if format == "JPEG" and _jpeg.parts(data).mpf_spans else format


def looks_cut_off(data: bytes, format: str) -> bool:
    """True when the end of the file is not where the format puts it."""
    if format in ("JPEG", "MPO"):
        return _jpeg.end_of_picture(data, _jpeg.parts(data)) is None
    if format == "PNG":
        return not _png_has_end(data)
    if format == "WEBP":
        return len(data) < 8 + int.from_bytes(data[4:8], "little")
    return False


def _png_has_end(data: bytes) -> bool:
    at = 8
    while at + 12 <= len(data):
        if data[at + 4 : at + 8] == b"IEND":
            return True
        at += 12 + int.from_bytes(data[at : at + 4], "big")
    return False


def _from_url(url: str, scheme: str, *, shown: str, fetcher: Fetcher | None, max_bytes: int) -> bytes:
    if scheme not in _HTTP:
        raise ImageError(shown, f"{scheme}:// cannot be loaded; give a path, or an http, https or data URL")
    if fetcher is not None:
        return fetcher.fetch(url)
    with closing(Fetcher(max_bytes=max_bytes)) as own:
        return own.fetch(url)


def _from_data_url(url: str, *, shown: str) -> bytes:
    head, _, body = url.partition(",")
    if not head.lower().endswith(";base64"):
        return unquote_to_bytes(body)
    try:
        compact = b"".join(unquote_to_bytes(body).split())
        return base64.b64decode(compact + b"=" * (-len(compact) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise NotAnImageError(shown, f"the base64 of this data: URL is broken: {error}") from error


def _from_file(path: str | os.PathLike[str], *, shown: str, max_bytes: int) -> bytes:
    try:
        # Asked before opening: opening a named pipe would wait for somebody to write to it.
        found = Path(path).stat()
        if stat.S_ISDIR(found.st_mode):
            raise ImageError(shown, "is a folder; name a picture in it")
        if not stat.S_ISREG(found.st_mode):
            raise ImageError(shown, "is not a regular file")
        check_size(found.st_size, source=shown, max_bytes=max_bytes)
        with Path(path).open("rb") as file:
            # It may grow meanwhile; one byte more than allowed is enough to tell.
            return file.read(max_bytes + 1)
    except FileNotFoundError as error:
        raise ImageError(shown, f"no such file{_hint(os.fspath(path))}") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        hint = _hint(os.fspath(path))
        raise ImageError(shown[:200], f"cannot be read: {reason}{hint}") from error


def _hint(path: str) -> str:
    text = _sniff.describe(path[:64].encode(errors="replace"))
    return f" (this is {text})" if text.startswith("base64") else ""
