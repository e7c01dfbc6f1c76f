"""Pictures in memory: numpy arrays and Pillow images."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import PIL.Image
import pytest
from image_files import encode, exif, quadrants

from cloudvision.errors import NotAnImageError, TooLargeError
from cloudvision.images import load

RGB = np.asarray(quadrants())


@pytest.mark.parametrize(
    "pixels",
    [
        RGB,
        np.dstack([RGB, np.full(RGB.shape[:2], 255, np.uint8)]),
        RGB.astype(np.uint16) * 257,
        RGB.astype(np.float32) / 255,
        RGB.astype(np.float64) / 255,
        np.asfortranarray(RGB),
        np.repeat(RGB, 2, axis=0)[::2],
    ],
    ids=["rgb", "rgba", "uint16", "float32", "float64", "fortran", "strided"],
)
def test_arrays_of_every_kind_give_the_pixels_back(pixels: np.ndarray[Any, Any]) -> None:
    image = load(pixels)
    assert (image.format, image.width, image.height, image.orientation) == ("PNG", 64, 48, 1)
    assert np.array_equal(image.pixels(), RGB)


@pytest.mark.parametrize("shape", [(48, 64), (48, 64, 1)])
def test_gray_and_black_and_white_arrays_become_rgb(shape: tuple[int, ...]) -> None:
    gray = np.arange(48 * 64, dtype=np.uint8).reshape(shape)
    assert np.array_equal(load(gray).pixels(), np.repeat(gray.reshape(48, 64, 1), 3, axis=2))
    assert set(np.unique(load(gray > 127).pixels())) == {0, 255}


def test_the_digest_covers_shape_type_and_pixels_and_nothing_else() -> None:
    gray = np.arange(24, dtype=np.uint8).reshape(4, 6)
    others = [gray.reshape(6, 4), gray.reshape(4, 6, 1), gray.astype(np.uint16), gray + 1, gray[::-1]]
    assert len({load(pixels).digest for pixels in [gray, *others]}) == 6
    wide = gray.astype(np.uint16)
    assert load(wide).digest == load(wide.astype(">u2")).digest == load(np.asfortranarray(wide)).digest


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (np.zeros((3, 48, 64), np.uint8), r"\(channels, height, width\)"),
        (np.zeros(7, np.uint8), "shape"),
        (np.zeros((4, 4, 2), np.uint8), "shape"),
        (np.zeros((0, 4, 3), np.uint8), "no pixels"),
        (np.zeros((4, 4), np.int64), "dtype int64"),
        (np.zeros((4, 4), complex), "dtype complex"),
        (np.array([["a", "b"]]), "dtype"),
        (np.full((4, 4), 200.0), "divide by 255"),
        (np.full((4, 4), np.nan), r"0\.\.1"),
    ],
)
def test_arrays_that_are_no_picture_are_refused_with_the_reason(pixels: np.ndarray[Any, Any], message: str) -> None:
    with pytest.raises(NotAnImageError, match=message):
        load(pixels, name="frame 7")
    with pytest.raises(NotAnImageError, match="frame 7"):
        load(pixels, name="frame 7")


def test_an_array_may_be_too_large() -> None:
    with pytest.raises(TooLargeError, match="max_pixels"):
        load(np.zeros((20, 20), np.uint8), max_pixels=399)


def test_a_pillow_image_is_the_same_picture_as_its_array() -> None:
    assert load(quadrants()) == load(RGB)
    assert load(quadrants().convert("L")).digest == load(np.asarray(quadrants().convert("L"))).digest


def test_a_pillow_image_is_turned_upright() -> None:
    data = encode(quadrants(), "JPEG", exif=exif(6), quality=95)
    with PIL.Image.open(io.BytesIO(data)) as opened:
        image = load(opened)
    assert (image.width, image.height) == (48, 64)
    assert np.abs(image.pixels().astype(int) - load(data).pixels()).max() < 3
    assert image.source.startswith("array sha256:")


@pytest.mark.parametrize("mode", ["P", "CMYK", "1", "I;16", "LA", "YCbCr"])
def test_a_pillow_image_of_any_mode_loads(mode: str) -> None:
    source = PIL.Image.new("I;16", (8, 8)) if mode == "I;16" else quadrants(8, 8).convert(mode)
    assert load(source).pixels().shape == (8, 8, 3)
