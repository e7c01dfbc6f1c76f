"""Bytes that want all the memory, or to be taken for something else: each ends by name, and no worker with it."""

from __future__ import annotations

import gzip
import io
import struct
import tracemalloc
import zipfile
import zlib

import PIL.Image
import pytest

from cloudvision.case import Source
from cloudvision.errors import DamagedImageError, NotAnImageError, TooLargeError
from cloudvision.fetch import Fetcher
from cloudvision.outcome import Analysed, Failed
from cloudvision.providers.fake import Fake
from tests.hostile import all_of, error_of, through
from tests.image_files import encode, noise, png_header, quadrants, webp_header
from tests.pictures import png


def png_with(kind: bytes, body: bytes) -> bytes:
    """A sound PNG with one more chunk behind its header."""
    whole = png()
    chunk = struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    return whole[:33] + chunk + whole[33:]


def with_side(data: bytes, at: int, layout: str, side: int) -> bytes:
    """The picture with both sides in its header overwritten."""
    return data[:at] + struct.pack(layout, side, side) + data[at + struct.calcsize(layout) :]


def jpeg_of(side: int) -> bytes:
    data = encode(quadrants(), "JPEG")
    return with_side(data, data.index(b"\xff\xc0") + 5, ">HH", side)


def tiff_of(side: int) -> bytes:
    data = encode(quadrants(), "TIFF")
    for tag in (256, 257):
        at = data.index(struct.pack("<H", tag))
        data = data[: at + 2] + struct.pack("<HII", 4, 1, side) + data[at + 12 :]
    return data


MEGABYTES_64 = zlib.compress(bytes(64 * 2**20), 9)
BOMBS: dict[str, bytes] = {
    "png": png_header(50_000, 50_000),
    "png, largest sides": png_header(2**31 - 1, 2**31 - 1),
    "webp": webp_header(16_000, 16_000),
    "jpeg": jpeg_of(65_500),
    "gif": with_side(encode(quadrants(), "GIF"), 6, "<HH", 65_535),
    "bmp": with_side(encode(quadrants(), "BMP"), 18, "<ii", 2**30),
    "tiff": tiff_of(200_000),
}
DECOYS: dict[str, bytes] = {
    "png of a compressed text": png_with(b"zTXt", b"a\0\0" + MEGABYTES_64),
    "png of a compressed international text": png_with(b"iTXt", b"a\0\1\0\0\0" + MEGABYTES_64),
    "png of a compressed profile": png_with(b"iCCP", b"a\0\0" + MEGABYTES_64),
    "png of too much data": png()[:41] + MEGABYTES_64 + png()[41:],
    "png of endless chunks": png_with(b"tEXt", b"a\0b")[:33] + png_with(b"tEXt", b"a\0b")[33:48] * 50_000,
}


@pytest.mark.parametrize("name", [*BOMBS, *DECOYS])
def test_a_bomb_ends_by_name_in_bounded_memory(name: str) -> None:
    data = BOMBS.get(name) or DECOYS[name]
    tracemalloc.start()
    try:
        outcome = through(Fetcher(env={})).run(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    if name in BOMBS:
        assert isinstance(error_of(outcome), TooLargeError | DamagedImageError)
    else:
        assert isinstance(outcome, Analysed | Failed)
    assert peak < 16_000_000


def zip_of(name: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(name, "x")
    return stream.getvalue()


XXE = b'<?xml version="1.0"?><!DOCTYPE s [<!ENTITY e SYSTEM "file:///etc/passwd">]><svg xmlns="x">&e;</svg>'
NOT_PICTURES = (
    XXE,
    b"push graphic-context\nviewbox 0 0 1 1\nimage over 0,0 0,0 'https://127.0.0.1/'\npop graphic-context",
    b"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\nhttp://127.0.0.1/\n",
    b"%!PS\n(/etc/passwd) (r) file",
    b"%PDF-1.7\n" + encode(quadrants(), "JPEG"),
    zip_of("a.jpg"),
    b"<html>" + png(),
    gzip.compress(png()),
    b"\x00\x00\x00\x0cjP  \r\n\x87\n",
    b"8BPS\x00\x01" + bytes(60),
    b"\xd7\xcd\xc6\x9a" + bytes(60),
    b"#!/bin/sh\nrm -rf /\n",
)


def test_what_only_some_decoders_take_for_a_picture_is_none() -> None:
    fake = Fake()
    outcomes = [through(Fetcher(env={}), fake).run(data) for data in NOT_PICTURES]
    assert [NotAnImageError] * len(NOT_PICTURES) == [type(error_of(outcome)) for outcome in outcomes]
    assert 0 == fake.calls


@pytest.mark.parametrize("format", ["JPEG", "PNG", "GIF", "WEBP", "TIFF"])
@pytest.mark.parametrize("tail", [zip_of("a.php"), XXE, b"<script>1</script>", b"%PDF-1.7", noise(9, 9).tobytes()])
def test_a_picture_that_is_something_else_too_is_a_picture(format: str, tail: bytes) -> None:
    outcome = through(Fetcher(env={})).run(encode(quadrants(), format) + tail)
    assert isinstance(outcome, Analysed)


@pytest.mark.parametrize(
    "data",
    [
        b"GIF89a=1;/*" + XXE + b"*/",
        b"GIF89a<script>alert(1)</script>",
        b"\xff\xd8\xff\xe0" + XXE,
        b"\x89PNG\r\n\x1a\n<?php system('id'); ?>",
        b"RIFF\x40\x00\x00\x00WEBP<script>",
        b"II*\x00<script>alert(1)</script>",
        b"BM" + bytes(12) + struct.pack("<I", 40) + b"<script>",
        b"\x00\x00\x00\x18ftypmif1" + XXE,
    ],
)
def test_what_only_begins_like_a_picture_is_damaged(data: bytes) -> None:
    fake = Fake()
    assert isinstance(error_of(through(Fetcher(env={}), fake).run(data)), DamagedImageError | TooLargeError)
    assert 0 == fake.calls


def test_no_bomb_and_no_decoy_kills_a_worker() -> None:
    before = PIL.Image.MAX_IMAGE_PIXELS
    sources: list[Source] = [*BOMBS.values(), *NOT_PICTURES, *DECOYS.values()] * 3
    outcomes = all_of(through(Fetcher(env={})), sources)
    assert len(sources) == len(outcomes)
    assert before == PIL.Image.MAX_IMAGE_PIXELS
