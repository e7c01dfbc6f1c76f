"""Sending less: never larger, never too small for the service, with keys of its own."""

from __future__ import annotations

import pytest

from cloudvision.errors import ConfigError
from cloudvision.images import Limits, load
from cloudvision.provider import open_provider
from cloudvision.providers._options import Options
from cloudvision.providers._shrink import ENOUGH, shrunk
from tests.image_files import encode, exif, noise, quadrants

LIMITS = Limits(formats=frozenset({"JPEG", "PNG"}), max_bytes=5_242_880, min_side=80)


def test_a_large_picture_is_sent_smaller_in_its_own_shape() -> None:
    sent = shrunk(load(encode(noise(1600, 800), "JPEG")), LIMITS, side=400)
    assert (400, 200, "JPEG") == (sent.width, sent.height, sent.format)


@pytest.mark.parametrize("size", [(400, 300), (100, 90)])
def test_what_is_small_already_stays_byte_for_byte(size: tuple[int, int]) -> None:
    data = encode(noise(*size), "JPEG", quality=30)
    assert data == shrunk(load(data), LIMITS, side=400).data


def test_nothing_is_sent_that_is_larger_than_it_was() -> None:
    data = encode(noise(420, 420), "JPEG", quality=10)  # encoding it anew at quality 95 takes more bytes
    assert data == shrunk(load(data), LIMITS, side=400).data


def test_a_long_strip_stays_as_high_as_the_service_wants() -> None:
    sent = shrunk(load(encode(noise(2000, 100), "PNG")), LIMITS, side=400)
    assert 80 <= sent.height < 100
    assert 400 < sent.width < 2000


def test_the_shape_is_that_of_the_upright_picture() -> None:
    data = encode(noise(900, 450), "JPEG", exif=exif(6))
    sent = shrunk(load(data), LIMITS, side=300)
    assert (150, 300) == (sent.width, sent.height)


@pytest.mark.parametrize("provider", sorted(ENOUGH))
def test_shrunk_pictures_have_answers_of_their_own(provider: str) -> None:
    plain, small = (open_provider(provider, Options(shrink=shrink), env={}) for shrink in (False, True))
    assert plain.fingerprint != small.fingerprint
    assert str(ENOUGH[provider]) in small.fingerprint


def test_a_provider_on_this_machine_has_nothing_to_send() -> None:
    with pytest.raises(ConfigError, match="local-ocr has no setting shrink"):
        open_provider("local-ocr", Options(shrink=True))


def test_colours_stay_where_they_are() -> None:
    pixels = load(shrunk(load(encode(quadrants(800, 600), "BMP")), LIMITS, side=200).data).pixels()
    assert [(255, 0, 0), (255, 255, 255)] == [tuple(pixels[20, 20]), tuple(pixels[-20, -20])]
