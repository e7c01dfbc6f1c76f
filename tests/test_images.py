"""Loading: every kind of source, every format, by its bytes."""

from __future__ import annotations

import base64
import hashlib
import io
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from image_files import FORMATS, encode, exif, quadrants

from cloudvision.errors import ImageError
from cloudvision.images import Image, Remote, load


def corners(image: Image) -> list[tuple[int, ...]]:
    """Colours near the four corners, rounded to black and full."""
    pixels = image.pixels()
    high, wide = pixels.shape[0] // 4, pixels.shape[1] // 4
    picked = pixels[high :: 2 * high, wide :: 2 * wide][:2, :2].reshape(-1, 3)
    return [tuple(int(value > 127) for value in pixel) for pixel in picked]


RED, GREEN, BLUE, WHITE = (1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 1)


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_is_known_by_its_bytes_and_decodes(format: str) -> None:
    data = encode(quadrants(), format)
    image = load(data)
    assert (image.format, image.width, image.height, image.orientation) == (format, 64, 48, 1)
    assert image.digest == hashlib.sha256(data).hexdigest()
    assert image.data == data
    assert corners(image) == [RED, GREEN, BLUE, WHITE]


def test_the_file_name_says_nothing_about_the_format(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_bytes(encode(quadrants(), "WEBP"))
    assert load(path).format == "WEBP"


def test_a_path_may_be_text_or_a_path_and_names_the_picture(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encode(quadrants(), "PNG"))
    assert load(path) == load(str(path))
    assert load(path).source == str(path)
    assert load(path, name="first").source == "first"


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_bytes_of_all_kinds_are_the_same_picture(kind: type) -> None:
    data = encode(quadrants(), "PNG")
    assert load(kind(data)) == load(data)
    assert load(data).source == f"bytes sha256:{hashlib.sha256(data).hexdigest()[:12]}"


def test_a_data_url_is_decoded_and_its_name_is_short() -> None:
    data = encode(quadrants(), "JPEG")
    text = base64.b64encode(data).decode()
    for url in (f"data:image/jpeg;base64,{text}", f"DATA:;base64,{text.rstrip('=')}", f"data:,{_percent(data)}"):
        assert load(url).data == data
        assert len(load(url).source) < 100


def test_broken_base64_in_a_data_url_is_an_error_of_ours() -> None:
    with pytest.raises(ImageError, match="base64 of this data: URL is broken"):
        load("data:image/png;base64,!!!!")


@pytest.mark.parametrize("scheme", ["file", "ftp", "gopher", "s3", "dict"])
def test_other_schemes_are_refused_and_not_taken_for_paths(scheme: str) -> None:
    with pytest.raises(ImageError, match=f"{scheme}:// cannot be loaded"):
        load(f"{scheme}://etc/passwd")


def test_something_that_is_no_source_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="int"):
        load(3)  # type: ignore[arg-type]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "TIFF", "PNG", "WEBP", "MPO"])
def test_every_exif_orientation_is_turned_upright(format: str, orientation: int) -> None:
    turned = _as_the_camera_saw_it(quadrants(64, 48), orientation)
    image = load(encode(turned, format, exif=exif(orientation)))
    assert (image.width, image.height, image.orientation) == (64, 48, orientation)
    assert corners(image) == [RED, GREEN, BLUE, WHITE]
    assert image.pixels(max_side=32).shape == (24, 32, 3)


@pytest.mark.parametrize("tail", [b"", b"\x00" * 7, b"MM\x00*\xff\xff\xff\xff", b"II*\x00\x08\x00\x00\x00\xff\xff"])
def test_a_broken_exif_block_does_not_spoil_the_picture(tail: bytes) -> None:
    plain = encode(quadrants(), "JPEG")
    block = b"Exif\x00\x00" + tail
    segment = b"\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block
    image = load(plain[:2] + segment + plain[2:])
    assert (image.orientation, corners(image)) == (1, [RED, GREEN, BLUE, WHITE])


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "LA", "RGBA", "I;16", "I", "F", "YCbCr"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    gray = PIL.Image.fromarray(np.tile(np.linspace(0, 255, 64).astype(np.uint8), (48, 1)))
    if mode.startswith(("I", "F")):
        values = np.asarray(gray).astype({"I;16": np.uint16, "I": np.int32, "F": np.float32}[mode])
        source = PIL.Image.fromarray(values * 257)
    else:
        source = gray.convert("RGB").convert(mode)
    pixels = load(encode(source, "TIFF")).pixels()
    assert pixels.dtype == np.uint8
    assert pixels.shape == (48, 64, 3)
    assert pixels[0, 0].max() < 40
    assert pixels[0, -1].min() > 215


def test_transparent_pixels_are_white() -> None:
    clear = PIL.Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    palette = PIL.Image.new("P", (8, 8), 0)
    palette.info["transparency"] = 0
    for data in (encode(clear, "PNG"), encode(clear, "WEBP"), encode(palette, "PNG"), encode(palette, "GIF")):
        assert load(data).pixels().min() == 255


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG", "TIFF"])
def test_the_first_frame_counts(format: str) -> None:
    first, second = quadrants(), PIL.Image.new("RGB", (64, 48))
    image = load(encode(first, format, save_all=True, append_images=[second]))
    assert corners(image) == [RED, GREEN, BLUE, WHITE]


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (257, 1), (1, 300), (480, 333)])
def test_pixels_are_those_of_the_file_and_may_be_written_to(size: tuple[int, int]) -> None:
    given = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    out = io.BytesIO()
    PIL.Image.fromarray(given).save(out, "PNG")
    pixels = load(out.getvalue()).pixels()
    assert (pixels == given).all()
    assert pixels.flags.c_contiguous
    pixels[:] = 0


def test_pixels_are_shrunk_and_never_enlarged() -> None:
    image = load(encode(quadrants(400, 300), "JPEG"))
    assert image.pixels(max_side=100).shape == (75, 100, 3)
    assert image.pixels(max_side=4000).shape == (300, 400, 3)
    assert load(encode(quadrants(400, 2), "PNG")).pixels(max_side=10).shape == (1, 10, 3)
    with pytest.raises(ValueError, match="max_side"):
        image.pixels(max_side=0)


def test_a_shrunk_jpeg_looks_like_the_shrunk_pixels_of_the_whole() -> None:
    smooth = quadrants(8, 6).resize((1600, 1200), PIL.Image.Resampling.BICUBIC)
    image = load(encode(smooth, "JPEG", quality=95))
    expected = np.asarray(smooth.resize((200, 150), PIL.Image.Resampling.LANCZOS), np.int16)
    assert np.abs(image.pixels(max_side=200) - expected).mean() < 2.0


def test_the_representation_holds_no_bytes() -> None:
    assert "\\x" not in repr(load(encode(quadrants(), "JPEG")))


def test_a_remote_is_keyed_by_bucket_key_and_version() -> None:
    known = Remote("s3://b/k", bucket="b", key="k", version="v1")
    digests = {
        known.digest,
        Remote("s3://b/k", bucket="b", key="k", version="v2").digest,
        Remote("s3://bk/", bucket="bk", key="", version="v1").digest,
        Remote("s3://b/k", bucket="b", key="kv", version="1").digest,
    }
    assert len(digests) == 4
    assert None not in digests
    assert Remote("s3://b/k", bucket="b", key="k").digest is None
    assert Remote("https://x/a.jpg", url="https://x/a.jpg?sig=secret").digest is None
    assert "secret" not in repr(Remote("https://x/a.jpg", url="https://x/a.jpg?sig=secret"))


def _as_the_camera_saw_it(upright: PIL.Image.Image, orientation: int) -> PIL.Image.Image:
    """The pixels that, turned as `orientation` says (EXIF 2.3, table 6), give `upright`."""
    turn = PIL.Image.Transpose
    inverse = {
        2: turn.FLIP_LEFT_RIGHT,
        3: turn.ROTATE_180,
        4: turn.FLIP_TOP_BOTTOM,
        5: turn.TRANSPOSE,
        6: turn.ROTATE_90,
        7: turn.TRANSVERSE,
        8: turn.ROTATE_270,
    }
    return upright.transpose(inverse[orientation]) if orientation > 1 else upright


def _percent(data: bytes) -> str:
    return "".join(f"%{byte:02x}" for byte in data)
