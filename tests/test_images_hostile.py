"""Files that lie, break off, or want all the memory: each ends in a named error with a reason."""

from __future__ import annotations

import contextlib
import random
import tracemalloc
from pathlib import Path

import PIL.Image
import pytest
from image_files import FORMATS, encode, exif, noise, png_header, quadrants, webp_header

from cloudvision.errors import DamagedImageError, ImageError, NotAnImageError, TooLargeError
from cloudvision.images import Limits, load


@pytest.mark.parametrize(
    ("data", "looks_like"),
    [
        (b"", "empty"),
        (b"<!DOCTYPE html><html>404", "HTML"),
        (b"  \n<html lang=en>", "HTML"),
        (b"<?xml version='1.0'?><Error>AccessDenied</Error>", "XML"),
        (b"<?xml version='1.0'?>\n<svg xmlns='x'/>", "SVG"),
        (b'{"error": "no such key"}', "JSON"),
        (b"[1, 2]", "JSON"),
        (b"%PDF-1.7\n", "PDF"),
        (b"PK\x03\x04rest", "ZIP"),
        (b"BM is how this sentence begins", "plain text"),
        ("na\u00efve text".encode(), "plain text"),
        (b"   \n", "white space"),
        (b"\x00\x00\x00\x18ftypmp42" + bytes(16), "video"),
        (b"/9j/4AAQSkZJRgABAQAAAQABAAD", "base64"),
        (bytes(range(256)), "not a picture of a known format"),
        (b"\x1f\x8b\x08\x00" + bytes(16), "gzip"),
    ],
)
def test_what_is_no_picture_is_named(data: bytes, looks_like: str, tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(data)
    with pytest.raises(NotAnImageError, match=looks_like) as caught:
        load(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_a_folder_and_a_device_are_image_errors(tmp_path: Path) -> None:
    for source, reason in ((tmp_path / "no.jpg", "no such file"), (tmp_path, "folder"), ("/dev/zero", "regular")):
        with pytest.raises(ImageError, match=reason):
            load(source)
    with pytest.raises(ImageError, match="cannot be read"):
        load("a\x00b.jpg")
    with pytest.raises(ImageError, match="cannot be read"):
        load("x" * 5000)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "MPO"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_file_that_breaks_off_is_found_when_it_is_loaded(format: str, share: float) -> None:
    picture = noise(96, 64)
    data = encode(picture, "JPEG" if format == "MPO" else format)  # the first picture of an MPO may end early
    with pytest.raises(DamagedImageError, match=r"broken\.jpg"):
        load(data[: int(len(data) * share)], name="broken.jpg")


@pytest.mark.parametrize("format", FORMATS)
def test_a_file_that_breaks_off_is_found_at_the_pixels_at_the_latest(format: str) -> None:
    data = encode(noise(96, 64), format)
    with pytest.raises(DamagedImageError):
        load(data[: len(data) // 3]).pixels()


def test_a_png_without_its_end_is_whole_when_it_decodes() -> None:
    data = encode(quadrants(), "PNG")
    assert load(data[: data.rindex(b"IEND") - 4]).pixels().shape == (48, 64, 3)


def test_bytes_after_the_end_do_no_harm() -> None:
    for format in ("JPEG", "PNG", "GIF"):
        assert load(encode(quadrants(), format) + b"<html>" * 50).width == 64


@pytest.mark.parametrize("bomb", [png_header(50_000, 50_000), webp_header(16_000, 16_000)], ids=["png", "webp"])
def test_a_decompression_bomb_is_refused_by_its_header(bomb: bytes) -> None:
    before = PIL.Image.MAX_IMAGE_PIXELS
    tracemalloc.start()
    try:
        with pytest.raises(TooLargeError, match="megapixels, more than the limit of 100"):
            load(bomb)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()
    assert before == PIL.Image.MAX_IMAGE_PIXELS


def test_the_limits_on_bytes_and_pixels_can_be_set(tmp_path: Path) -> None:
    data = encode(quadrants(), "PNG")
    path = tmp_path / "a.png"
    path.write_bytes(data)
    for source in (data, path):
        with pytest.raises(TooLargeError, match="max_bytes"):
            load(source, max_bytes=len(data) - 1)
        assert load(source, max_bytes=len(data), max_pixels=64 * 48).width == 64
    with pytest.raises(TooLargeError, match="max_pixels"):
        load(data, max_pixels=64 * 48 - 1)


def test_a_picture_between_our_limit_and_that_of_pillow_is_loaded_without_a_warning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 2000)  # warnings are errors in this suite
    for format in FORMATS:
        assert load(encode(quadrants(), format)).pixels().shape == (48, 64, 3)


def test_a_jpeg_of_endless_scans_is_refused() -> None:
    data = encode(quadrants(), "JPEG", progressive=True)
    at = data.rindex(b"\xff\xda")
    with pytest.raises(DamagedImageError, match="scans"):
        load(data[:at] + data[at:-2] * 400 + b"\xff\xd9")


def test_a_broken_exif_block_that_only_the_decoder_finds_stays_behind_the_border() -> None:
    plain = encode(quadrants(), "JPEG")
    block = b"Exif\x00\x00II*\x00\xff\xff\xff\xff"
    segment = b"\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block
    # FF C8 is reserved: some readers take a length after it, others go on with the next marker.
    with pytest.raises(DamagedImageError):
        load(plain[:2] + b"\xff\xc8" + segment + plain[2:]).pixels()


@pytest.mark.parametrize("format", FORMATS)
def test_whatever_the_bytes_are_only_our_errors_come_out(format: str) -> None:
    options = {} if format in ("BMP", "HEIF", "GIF") else {"exif": exif(6)}
    original = encode(quadrants(40, 30), format, **options)
    limits = Limits(frozenset({"PNG"}), 100_000)
    draw = random.Random(format)
    survived = 0
    for _ in range(60):
        with contextlib.suppress(ImageError):
            image = load(_mutated(original, draw), max_pixels=1_000_000)
            image.pixels(max_side=16)
            image.prepare(limits)
            survived += 1
    assert survived < 60


def _mutated(data: bytes, draw: random.Random) -> bytes:
    made = bytearray(data)
    for _ in range(draw.choice((1, 2, 8, 32))):
        # Half of the hits go to the header, where they do most.
        at = draw.randrange(min(len(made), draw.choice((64, len(made)))))
        made[at] = draw.choice((0, 1, 127, 128, 255, draw.randrange(256)))
    how = draw.randrange(6)
    if how == 0:
        del made[draw.randrange(len(made)) :]
    elif how == 1:
        start = draw.randrange(len(made))
        del made[start : start + draw.randrange(1, 40)]
    elif how == 2:
        start = draw.randrange(len(made))
        made[start:start] = made[: draw.randrange(1, 200)]
    return bytes(made)
