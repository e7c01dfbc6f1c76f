"""Reading an answer's body without ever holding more than the cap."""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Callable
from typing import Protocol

import urllib3

from cloudvision.errors import FetchError, TooLargeError

_CHUNK = 65536
_GZIP = 16 + zlib.MAX_WBITS


class _Decoder(Protocol):
    @property
    def eof(self) -> bool: ...
    def decompress(self, data: bytes, max_length: int = ..., /) -> bytes: ...


def read(response: urllib3.BaseHTTPResponse, *, source: str, max_bytes: int, check_time: Callable[[], object]) -> bytes:
    """The decoded body of at most `max_bytes` bytes.

    `check_time` is called before each chunk, and raises when the time for the whole download is over: a body that comes
    out of a buffer never waits for a socket.

    Raises:
        TooLargeError: it is larger, announced or not, compressed or not.
        FetchError: it breaks off, or its content-encoding is not one that we asked for.
    """
    announced = response.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > max_bytes:
        raise _too_large(source, max_bytes, f"{int(announced):,} bytes")
    decoder = _decoder(response.headers.get("content-encoding", ""), source=source)
    whole = bytearray()
    while chunk := response.read1(_CHUNK, decode_content=False):
        check_time()
        if decoder is not None:
            chunk = _decompress(decoder, chunk, max_bytes + 1 - len(whole), source=source)
        whole += chunk
        if len(whole) > max_bytes:
            raise _too_large(source, max_bytes, "the body")
    if decoder is not None and not decoder.eof:
        raise FetchError(source, "the compressed body breaks off", transient=True)
    return bytes(whole)


def skip(response: urllib3.BaseHTTPResponse) -> None:
    """Read a short body that nobody wants, so that its connection can be used again; a long one is not worth it."""
    announced = response.headers.get("content-length", "")
    if announced.isdigit() and int(announced) <= _CHUNK:
        # What goes wrong here costs the connection, and the answer has been understood already.
        with contextlib.suppress(urllib3.exceptions.HTTPError, OSError):
            while response.read1(_CHUNK, decode_content=False):
                pass


def _decoder(encoding: str, *, source: str) -> _Decoder | None:
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return None
    if name in ("gzip", "x-gzip"):
        return zlib.decompressobj(_GZIP)
    if name == "deflate":
        return zlib.decompressobj()
    reason = f"the server sent content-encoding {name[:40]!r}, which we did not ask for"
    raise FetchError(source, reason, transient=False)


def _decompress(decoder: _Decoder, chunk: bytes, at_most: int, *, source: str) -> bytes:
    try:
        return decoder.decompress(chunk, max(1, at_most))
    except zlib.error as error:
        raise FetchError(source, f"the compressed body is broken: {error}", transient=False) from error


def _too_large(source: str, max_bytes: int, what: str) -> TooLargeError:
    return TooLargeError(source, f"{what}, more than the limit of {max_bytes:,} bytes; raise max_bytes")
