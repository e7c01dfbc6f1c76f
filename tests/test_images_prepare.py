"""What is sent: untouched where it fits, otherwise with the least loss."""

from __future__ import annotations

import io

import numpy as np
import PIL.Image
import pytest
from image_files import FORMATS, encode, exif, noise, quadrants

from cloudvision.errors import TooLargeError, TooSmallError
from cloudvision.images import Limits, Prepared, load

REKOGNITION = Limits(frozenset({"JPEG", "PNG"}), 5 * 2**20, min_side=20)


def opened(prepared: Prepared) -> PIL.Image.Image:
    image = PIL.Image.open(io.BytesIO(prepared.data))
    image.load()
    assert (image.format, image.size) == (prepared.format, (prepared.width, prepared.height))
    return image


def difference(prepared: Prepared, expected: PIL.Image.Image) -> float:
    """Mean absolute difference of the pixels, 0..255."""
    found = np.asarray(opened(prepared).convert("RGB"), np.int16)
    return float(np.abs(found - np.asarray(expected.resize(opened(prepared).size))).mean())


@pytest.mark.parametrize("format", FORMATS)
def test_what_fits_stays_untouched(format: str) -> None:
    data = encode(quadrants(), format)
    media_type = {"HEIF": "image/heic"}.get(format, f"image/{format.lower()}")
    if format != "MPO":
        limits = Limits(frozenset({format}), len(data))
        assert load(data).prepare(limits) == Prepared(data, format, media_type, 64, 48)


@pytest.mark.parametrize("format", ["PNG", "GIF", "BMP", "TIFF", "WEBP"])
def test_lossless_sources_are_converted_without_loss(format: str) -> None:
    options = {"lossless": True} if format == "WEBP" else {}
    limits = Limits(frozenset({"JPEG", "PNG"} - {format}), 2**20)
    if format == "PNG":
        limits = Limits(frozenset({"PNG"}), 2**20, max_side=63)
    prepared = load(encode(quadrants(), format, **options)).prepare(limits)
    assert (prepared.format, prepared.media_type) == ("PNG", "image/png")
    assert difference(prepared, quadrants()) < (3 if format == "PNG" else 0.01)


@pytest.mark.parametrize("format", ["WEBP", "HEIF", "AVIF"])
def test_lossy_sources_become_a_jpeg_of_high_quality(format: str) -> None:
    prepared = load(encode(quadrants(), format)).prepare(REKOGNITION)
    assert prepared.format == "JPEG"
    assert opened(prepared).layer[0][1:3] == opened(prepared).layer[1][1:3]  # type: ignore[attr-defined]
    assert difference(prepared, quadrants()) < 4


def test_a_turned_jpeg_is_sent_upright_and_without_its_metadata() -> None:
    data = encode(quadrants(), "JPEG", exif=exif(6), quality=95)
    prepared = load(data).prepare(REKOGNITION)
    assert (prepared.format, prepared.width, prepared.height) == ("JPEG", 48, 64)
    assert not opened(prepared).getexif()
    assert difference(prepared, quadrants().transpose(PIL.Image.Transpose.ROTATE_270)) < 4


def test_of_an_mpo_the_first_picture_is_sent_as_it_is() -> None:
    image = load(encode(quadrants(), "MPO"))
    prepared = image.prepare(REKOGNITION)
    assert len(prepared.data) < 0.7 * len(image.data)
    assert np.array_equal(np.asarray(opened(prepared)), image.pixels())


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP", "TIFF"])
def test_of_an_animation_the_first_frame_alone_is_sent(format: str) -> None:
    data = encode(quadrants(), format, save_all=True, append_images=[PIL.Image.new("RGB", (64, 48))], lossless=True)
    prepared = load(data).prepare(Limits(frozenset({"PNG", format}), 2**20))
    assert prepared.format == "PNG"
    assert getattr(opened(prepared), "n_frames", 1) == 1
    assert difference(prepared, quadrants()) < 0.01


def test_too_many_bytes_cost_quality_first_and_pixels_after_that() -> None:
    image = load(encode(noise(200, 150), "PNG"))
    sizes = [100_000, 60_000, 30_000, 10_000, 3_000]
    prepared = [image.prepare(Limits(frozenset({"JPEG", "PNG"}), size)) for size in sizes]
    assert all(len(p.data) <= size for p, size in zip(prepared, sizes, strict=True))
    assert [p.format for p in prepared] == ["PNG", *["JPEG"] * 4]
    assert prepared[1].width == 200
    assert [p.width for p in prepared] == sorted((p.width for p in prepared), reverse=True)
    assert prepared[-1].width < 100


def test_a_service_that_takes_png_only_gets_a_smaller_png() -> None:
    prepared = load(encode(noise(200, 150), "JPEG")).prepare(Limits(frozenset({"PNG"}), 20_000))
    assert (prepared.format, len(prepared.data) <= 20_000) == ("PNG", True)
    assert prepared.width / prepared.height == pytest.approx(4 / 3, abs=0.03)


def test_a_picture_is_shrunk_to_the_longest_side_and_never_enlarged() -> None:
    image = load(encode(quadrants(400, 300), "JPEG"))
    assert opened(image.prepare(Limits(frozenset({"JPEG"}), 2**20, max_side=100))).size == (100, 75)
    assert image.prepare(Limits(frozenset({"JPEG"}), 2**20, max_side=401)).data == image.data


def test_too_small_pictures_are_refused_before_they_cost_anything() -> None:
    limits = Limits(frozenset({"JPEG", "PNG"}), 2**20, min_side=50, max_side=1000)
    with pytest.raises(TooSmallError, match="64x48 pixels; the service wants at least 50") as caught:
        load(encode(quadrants(), "PNG"), name="icon.png").prepare(limits)
    assert caught.value.source == "icon.png"
    assert load(encode(quadrants(66, 50), "PNG")).prepare(limits).height == 50
    with pytest.raises(TooSmallError, match="shrunk to 1000x30"):
        load(encode(quadrants(2000, 60), "PNG")).prepare(limits)


def test_limits_that_nothing_meets_are_named() -> None:
    with pytest.raises(TooLargeError, match="cannot be brought below 50 bytes"):
        load(encode(quadrants(), "PNG")).prepare(Limits(frozenset({"PNG"}), 50))
    with pytest.raises(ValueError, match="JPEG or PNG only"):
        load(encode(quadrants(), "PNG")).prepare(Limits(frozenset({"BMP"}), 2**20))


def test_a_colour_profile_is_kept_where_the_numbers_still_mean_its_colours() -> None:
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    turned = encode(quadrants(), "JPEG", exif=exif(3), icc_profile=profile)
    assert opened(load(turned).prepare(REKOGNITION)).info["icc_profile"] == profile
    cmyk = encode(quadrants().convert("CMYK"), "JPEG", exif=exif(3), icc_profile=profile)
    assert "icc_profile" not in opened(load(cmyk).prepare(REKOGNITION)).info


def test_arrays_are_sent_as_png() -> None:
    prepared = load(np.asarray(quadrants())).prepare(REKOGNITION)
    assert prepared.format == "PNG"
    assert difference(prepared, quadrants()) == 0
