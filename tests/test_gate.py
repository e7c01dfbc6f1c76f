"""The gate that the package ships: it opens, and what it says of pictures."""

from __future__ import annotations

import io
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont
import pytest

from cloudvision.errors import ConfigError, DamagedImageError, ImageError
from cloudvision.gate import Criterion, Gate
from cloudvision.geometry import Polygon
from cloudvision.images import load
from cloudvision.results import Line, Word


@pytest.fixture(scope="module")
def gate() -> Gate:
    return Gate.load()


def saved(image: PIL.Image.Image, format: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def sign(*lines: str, size: int = 44) -> PIL.Image.Image:
    image = PIL.Image.new("RGB", (640, 480), (245, 244, 236))
    for row, line in enumerate(lines):
        font = PIL.ImageFont.load_default(size)
        PIL.ImageDraw.Draw(image).text((50, 60 + row * size * 1.5), line, (20, 20, 30), font=font)
    return image


def gradient() -> PIL.Image.Image:
    row = np.linspace(40, 200, 640)[None, :, None] * np.ones((480, 1, 3))
    return PIL.Image.fromarray(row.astype(np.uint8))


def noise() -> PIL.Image.Image:
    values = np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    return PIL.Image.fromarray(values)


def text(words: str, confidence: float | None = 0.95) -> Line:
    return Line(words, confidence, Polygon(((0.1, 0.1), (0.9, 0.1), (0.9, 0.2), (0.1, 0.2))))


def test_a_sign_with_several_words_is_worth_a_call(gate: Gate) -> None:
    verdict = gate.judge(load(saved(sign("GRAND OPENING", "Saturday 10 May", "Free coffee all day"))))
    assert verdict.worth
    assert verdict.score >= verdict.threshold


@pytest.mark.parametrize("picture", [gradient, noise])
def test_a_picture_without_text_is_not(gate: Gate, picture: object) -> None:
    verdict = gate.judge(load(saved(picture())))  # type: ignore[operator]
    assert not verdict.worth
    assert verdict.score < verdict.threshold


def test_a_verdict_names_stage_model_and_the_threshold_that_decided(gate: Gate) -> None:
    verdict = gate.judge(load(saved(gradient())))
    assert (verdict.stage, verdict.model, verdict.threshold) == ("fast", gate.model, gate.threshold)
    assert 0 <= verdict.score <= 1


def test_a_threshold_given_replaces_the_folders_own(gate: Gate) -> None:
    picture = load(saved(gradient()))
    assert Gate.load(threshold=0.0).judge(picture).worth
    assert not Gate.load(threshold=1.0).judge(picture).worth
    assert Gate.load(threshold=1.0).judge(picture).score == gate.judge(picture).score


def test_the_representation_of_a_gate_holds_no_weights(gate: Gate) -> None:
    assert len(repr(gate)) < 2000


def test_a_threshold_that_is_no_probability_is_refused() -> None:
    with pytest.raises(ConfigError, match="between 0 and 1"):
        Gate.load(threshold=1.5)


def test_an_unknown_gate_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="fast"):
        Gate.load("no-such-gate")


def test_many_threads_get_the_scores_of_one(gate: Gate) -> None:
    pictures = [load(saved(sign("word " * n, size=20 + 3 * n))) for n in range(1, 9)] * 2
    alone = [gate.judge(picture) for picture in pictures]
    with ThreadPoolExecutor(8) as pool:
        assert alone == list(pool.map(gate.judge, pictures))


def odd_pictures() -> dict[str, bytes]:
    frames = [PIL.Image.new("P", (80, 60), colour) for colour in (0, 120, 250)]
    turned = PIL.Image.Exif()
    turned[0x0112] = 6
    sixteen = PIL.Image.fromarray((np.arange(200 * 300).reshape(200, 300) % 65536).astype(np.uint16))
    return {
        "one pixel": saved(PIL.Image.new("RGB", (1, 1))),
        "one column": saved(PIL.Image.new("RGB", (1, 900))),
        "panorama 1:20": saved(PIL.Image.new("RGB", (2000, 100), (90, 120, 60))),
        "tower 20:1": saved(PIL.Image.new("RGB", (100, 2000), (90, 120, 60))),
        "single colour": saved(PIL.Image.new("RGB", (300, 300), (0, 0, 0))),
        "16 bits": saved(sixteen),
        "black and white": saved(PIL.Image.new("1", (64, 64), 1)),
        "grey": saved(PIL.Image.new("L", (500, 400), 128), "JPEG"),
        "CMYK": saved(PIL.Image.new("CMYK", (200, 200), (10, 200, 0, 40)), "JPEG"),
        "transparent": saved(PIL.Image.new("RGBA", (120, 90), (255, 0, 0, 0))),
        "animated": saved(frames[0], "GIF", save_all=True, append_images=frames[1:]),
        "turned by EXIF": saved(sign("Exit only"), "JPEG", exif=turned),
    }


@pytest.mark.parametrize("name", odd_pictures())
def test_an_odd_picture_gets_a_verdict(gate: Gate, name: str) -> None:
    assert 0 <= gate.judge(load(odd_pictures()[name])).score <= 1


def signs() -> dict[str, bytes]:
    """The same sign as files of many kinds."""
    plain = sign("GRAND OPENING", "Saturday 10 May", "Free coffee all day")
    grey, blank = plain.convert("L"), PIL.Image.new("RGB", plain.size)
    turned = PIL.Image.Exif()
    turned[0x0112] = 6  # to be turned by a quarter to the right
    deep = PIL.Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    return {
        "grey": saved(grey, "JPEG"),
        "16 bits": saved(deep),
        "CMYK": saved(plain.convert("CMYK"), "JPEG"),
        "palette": saved(plain.convert("P")),
        "transparent": saved(plain.convert("RGBA")),
        "animated": saved(plain, "GIF", save_all=True, append_images=[blank, blank]),
        "turned by EXIF": saved(plain.rotate(90, expand=True), "JPEG", exif=turned),
    }


@pytest.mark.parametrize("name", signs())
def test_a_sign_is_worth_a_call_whatever_kind_of_file_it_is(gate: Gate, name: str) -> None:
    assert gate.judge(load(signs()[name])).worth


def test_a_picture_turned_by_exif_is_judged_as_it_is_seen(gate: Gate) -> None:
    upright = sign("GRAND OPENING", "Saturday 10 May")
    turned = PIL.Image.Exif()
    turned[0x0112] = 6
    lying = saved(upright.rotate(90, expand=True), exif=turned)
    assert gate.score(load(lying)) == pytest.approx(gate.score(load(saved(upright))), abs=0.002)


def test_the_first_frame_of_an_animation_decides(gate: Gate) -> None:
    blank = PIL.Image.new("RGB", (640, 480), (90, 120, 60))
    late = saved(blank, "GIF", save_all=True, append_images=[sign("GRAND OPENING", "Saturday 10 May")])
    assert gate.score(load(late)) == pytest.approx(gate.score(load(saved(blank, "GIF"))), abs=1e-6)


@pytest.mark.parametrize("side", [1, 2, 7, 31, 32, 33])
def test_a_picture_smaller_than_the_network_s_step_gets_a_verdict(gate: Gate, side: int) -> None:
    noise_ = np.random.default_rng(side).integers(0, 256, (side, side + 1, 3), dtype=np.uint8)
    assert 0 <= gate.judge(load(noise_)).score <= 1


@pytest.mark.parametrize("data", [b"", b"<html>not found</html>", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_picture_is_a_named_error(gate: Gate, data: bytes) -> None:
    with pytest.raises(ImageError):
        gate.judge(load(data))


def test_a_picture_that_breaks_off_is_a_named_error(gate: Gate) -> None:
    whole = saved(noise(), "JPEG")
    with pytest.raises(DamagedImageError):
        gate.judge(load(whole[: len(whole) // 3]))


def test_judging_needs_no_torch() -> None:
    code = (
        "import sys, numpy; sys.modules['torch'] = None\n"
        "from cloudvision.gate import Gate; from cloudvision.images import load\n"
        "print(Gate.load().judge(load(numpy.zeros((40, 60, 3), numpy.uint8))).worth)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_criterion_wants_two_words_six_characters_and_one_sure_line() -> None:
    criterion = Criterion()
    assert criterion.meets([text("stop here")])
    assert criterion.meets([text("stop", 0.3), text("here", 0.90)])
    assert not criterion.meets([])
    assert not criterion.meets([text("Restaurant")])
    assert not criterion.meets([text("a b cd e")])
    assert not criterion.meets([text("stop here", 0.89)])


def test_a_line_without_a_confidence_counts_as_sure() -> None:
    assert Criterion().meets([text("stop here", None)])


def test_a_line_without_a_confidence_of_its_own_is_as_sure_as_its_surest_word() -> None:
    place = text("stop here").polygon
    words = (Word("stop", 0.2, place), Word("here", 0.95, place))
    assert Criterion().meets([Line("stop here", None, place, words)])
    assert not Criterion(min_confidence=0.99).meets([Line("stop here", None, place, words)])


def test_the_criterions_numbers_are_parameters() -> None:
    assert Criterion(min_words=1, min_characters=1, min_confidence=0.0).meets([text("a", 0.0)])
