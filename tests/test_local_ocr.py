"""The engine on this machine: reads real text, needs no network, and says where every word stands."""

from __future__ import annotations

import json
import logging
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from cloudvision import images
from cloudvision.errors import ConfigError, UnexpectedAnswerError
from cloudvision.images import Image, Remote
from cloudvision.providers._options import Options
from cloudvision.providers.local_ocr import LocalOcr
from cloudvision.raw import Raw
from cloudvision.results import Analysis

pytest.importorskip("rapidocr", reason="the extra `local` is not installed")


def sign(*lines: str, turns: int = 0) -> Image:
    """Black text on white, 40 pixels high, turned to the left by quarter turns."""
    canvas = Pillow.new("RGB", (480, 320), "white")
    draw = ImageDraw.Draw(canvas)
    for row, text in enumerate(lines):
        draw.text((30, 20 + 160 * row), text, fill="black", font=ImageFont.load_default(size=40))
    return images.load(np.rot90(np.asarray(canvas), turns))


@pytest.fixture(scope="module")
def ocr() -> LocalOcr:
    return LocalOcr()


def read(ocr: LocalOcr, image: Image) -> Analysis:
    return ocr.parse(ocr.call(image))


def test_lines_and_words_are_read_with_confidences_and_places(ocr: LocalOcr) -> None:
    analysis = read(ocr, sign("NO ENTRY", "EXIT 24 HOURS"))
    assert analysis.text == "NO ENTRY\nEXIT 24 HOURS"
    assert (analysis.width, analysis.height) == (480, 320)
    assert analysis.lines is not None
    for line, (top, bottom) in zip(analysis.lines, ((0.0, 0.3), (0.5, 0.8)), strict=True):
        assert [word.text for word in line.words] == line.text.split()
        assert line.confidence is not None
        assert line.confidence > 0.9
        assert top < line.polygon.box.top < line.polygon.box.bottom < bottom
        rights = [word.polygon.box.right for word in line.words]
        lefts = [word.polygon.box.left for word in line.words]
        assert all(right <= left for right, left in zip(rights, lefts[1:], strict=False))
        assert all(0.5 < (word.confidence or 0) <= 1 for word in line.words)


def test_words_stand_where_their_ink_is(ocr: LocalOcr) -> None:
    font = ImageFont.load_default(size=40)
    analysis = read(ocr, sign("EXIT 24 HOURS"))
    assert analysis.lines is not None
    starts = [30 + font.getlength(text) for text in ("", "EXIT ", "EXIT 24 ")]
    found = [word.polygon.box.left * 480 for word in analysis.lines[0].words]
    assert found == pytest.approx(starts, abs=20)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_turned_text_is_outlined_from_where_it_begins(ocr: LocalOcr, turns: int) -> None:
    analysis = read(ocr, sign("EXIT 24 HOURS", turns=turns))
    assert analysis.lines is not None
    (line,) = analysis.lines
    assert line.text == "EXIT 24 HOURS"
    (x0, y0), (x1, y1) = line.polygon.points[:2]
    along = {1: y0 - y1, 2: x0 - x1, 3: y1 - y0}[turns]
    assert along > 0.2
    first, last = line.words[0].polygon.points[0], line.words[-1].polygon.points[0]
    assert {1: first[1] - last[1], 2: first[0] - last[0], 3: last[1] - first[1]}[turns] > 0.2


def test_a_picture_without_text_has_no_lines(ocr: LocalOcr) -> None:
    assert read(ocr, images.load(np.full((64, 64, 3), 200, dtype=np.uint8))).lines == ()


@pytest.mark.parametrize("shape", [(1, 1), (3, 7), (2, 600), (600, 2)])
def test_the_smallest_and_thinnest_pictures_are_no_trouble(ocr: LocalOcr, shape: tuple[int, int]) -> None:
    assert read(ocr, images.load(np.zeros((*shape, 3), dtype=np.uint8))).lines == ()


def test_threads_share_one_engine_and_get_their_own_answers(ocr: LocalOcr) -> None:
    texts = ["EXIT 24 HOURS", "NO ENTRY"] * 2
    with ThreadPoolExecutor(4) as pool:
        assert [found.text for found in pool.map(lambda text: read(ocr, sign(text)), texts)] == texts


def test_it_costs_nothing(ocr: LocalOcr) -> None:
    image = sign("NO ENTRY")
    assert ocr.worst_cost(image) == ocr.cost(Raw("{}")) == 0


def test_the_body_is_the_documented_json(ocr: LocalOcr) -> None:
    body = json.loads(ocr.call(sign("NO ENTRY")).body)
    assert body["format"] == 1
    assert body["engine"].startswith("rapidocr ")
    (line,) = body["lines"]
    assert set(line) == {"text", "confidence", "polygon", "words"}
    assert all(set(word) == {"text", "confidence", "polygon"} for word in line["words"])


def test_the_logging_of_others_is_left_alone(ocr: LocalOcr, capfd: pytest.CaptureFixture[str]) -> None:
    before = logging.getLogger().handlers[:], logging.getLogger().level
    LocalOcr().call(sign("NO ENTRY"))
    assert (logging.getLogger().handlers[:], logging.getLogger().level) == before
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "body",
    ["", "{}", "[]", '{"engine": "x", "lines": [{}]}', '{"lines": []}', "[" * 100_000],
)
def test_a_body_of_another_format_is_unexpected(body: str) -> None:
    with pytest.raises(UnexpectedAnswerError):
        LocalOcr().parse(Raw(body))


def test_a_remote_picture_is_refused() -> None:
    with pytest.raises(ConfigError, match="s3://b/k"):
        LocalOcr().call(Remote("s3://b/k", bucket="b", key="k"))


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rapidocr", None)
    with pytest.raises(ConfigError, match=r"pip install 'cloudvision-gate\[local\]'"):
        LocalOcr().call(sign("NO ENTRY"))


def test_the_size_limit_changes_the_fingerprint_and_the_threads_do_not() -> None:
    assert LocalOcr(max_side=640).fingerprint != LocalOcr().fingerprint
    assert LocalOcr(threads=2).fingerprint == LocalOcr().fingerprint


def test_it_has_the_one_feature_read() -> None:
    LocalOcr.from_env(Options(features=("read",)), env={})
    with pytest.raises(ConfigError, match="caption"):
        LocalOcr.from_env(Options(features=("caption",)), env={})
