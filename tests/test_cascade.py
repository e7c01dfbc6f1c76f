"""Two looks as one gate: who decides when, and what a folder that does not fit says."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont
import pytest

import cloudvision.gate
from cloudvision.errors import ConfigError, DamagedImageError
from cloudvision.gate import Gate, Verdict
from cloudvision.images import Image, load

SHIPPED = Path(cloudvision.gate.__file__).parent


def saved(image: PIL.Image.Image, format: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format)
    return buffer.getvalue()


def written(text: str, *, size: int, width: int = 640, height: int = 480) -> Image:
    image = PIL.Image.new("RGB", (width, height), (230, 228, 220))
    PIL.ImageDraw.Draw(image).text((40, 60), text, font=PIL.ImageFont.load_default(size), fill=(60, 60, 70))
    return load(saved(image))


def pictures() -> list[Image]:
    """From a blank wall to a page of text, through single words of all sizes."""
    blank = load(saved(PIL.Image.new("RGB", (640, 480), (120, 130, 140))))
    page = written("\n".join("The quick brown fox jumps over the lazy dog" for _ in range(8)), size=22)
    words = [written(text, size=size) for text in ("a", "OK", "Exit", "Room 12") for size in (9, 14, 30, 90)]
    return [blank, page, *words]


@pytest.fixture(scope="module")
def cascade() -> Gate:
    return Gate.load("cascade")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("fast_v1", "exact_v1", "cascade_v1"):
        shutil.copytree(SHIPPED / name, tmp_path / name)
    return tmp_path / "cascade_v1"


def change(folder: Path, **values: Any) -> None:
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text("utf-8")) | values), "utf-8")


def test_the_cascade_is_the_default_and_each_stage_opens_alone(cascade: Gate) -> None:
    assert Gate.load().model == cascade.model
    assert cascade.second is not None
    for name in ("fast", "exact"):
        alone = Gate.load(name)
        assert alone.second is None
        assert alone.judge(pictures()[1]).stage == name


def test_the_shipped_folders_are_small_together() -> None:
    folders = [SHIPPED / name for name in ("fast_v1", "exact_v1", "cascade_v1")]
    assert sum(file.stat().st_size for folder in folders for file in folder.iterdir()) <= 12_000_000


def test_the_fast_look_decides_what_it_is_sure_of_and_the_exact_one_the_rest(cascade: Gate) -> None:
    assert cascade.second is not None
    fast, band = Gate.load("fast"), cascade.second.hand_over
    stages = set()
    for picture in pictures():
        first, verdict = fast.score(picture), cascade.judge(picture)
        assert verdict.stage == ("exact" if band.low <= first < band.high else "fast")
        if verdict.stage == "fast":
            assert verdict.score == first
        assert verdict.worth == (verdict.score >= cascade.threshold == verdict.threshold)
        stages.add(verdict.stage)
    assert stages == {"fast", "exact"}


def test_what_the_fast_look_decides_lies_on_its_side_of_the_threshold(cascade: Gate) -> None:
    assert cascade.second is not None
    assert cascade.second.hand_over.low <= cascade.threshold <= cascade.second.hand_over.high


def test_a_large_photo_gets_the_verdict_of_its_small_copy(cascade: Gate) -> None:
    large = written("Harbour bakery\nfresh bread", size=300, width=4000, height=3000)
    small = PIL.Image.open(io.BytesIO(large.data)).resize((1000, 750))
    assert abs(cascade.score(large) - cascade.score(load(saved(small)))) < 0.1


def test_many_verdicts_come_in_order_and_a_damaged_picture_gives_its_error(cascade: Gate) -> None:
    good = pictures()[:6]
    whole = load(saved(PIL.Image.effect_noise((200, 200), 90).convert("RGB"), "JPEG"))
    cut = replace(whole, data=whole.data[: len(whole.data) // 3])
    answers = list(cascade.judge_many([*good, cut, *good], workers=3))
    verdicts = [cascade.judge(picture) for picture in good]
    assert answers[: len(good)] == verdicts
    assert isinstance(answers[len(good)], DamagedImageError)
    assert answers[len(good) + 1 :] == verdicts


def test_many_pictures_are_read_as_verdicts_are_taken(cascade: Gate) -> None:
    taken = []

    def endless() -> Iterator[Image]:
        picture = pictures()[0]
        while True:
            taken.append(1)
            yield picture

    verdicts = cascade.judge_many(endless(), workers=2)
    assert isinstance(next(verdicts), Verdict)
    assert len(taken) <= 10
    verdicts.close()  # type: ignore[attr-defined]


def test_a_copy_opens_by_its_path(folder: Path, cascade: Gate) -> None:
    assert Gate.load(folder).judge(pictures()[1]) == cascade.judge(pictures()[1])


def test_another_model_than_the_cascade_was_made_for_is_refused(folder: Path) -> None:
    stages = json.loads((folder / "config.json").read_text("utf-8"))["stages"]
    change(folder, stages=stages | {"exact": stages["exact"] | {"sha256": "0" * 64}})
    with pytest.raises(ConfigError, match=r"another model\.onnx in .*exact_v1"):
        Gate.load(folder)


def test_a_missing_stage_is_named(folder: Path) -> None:
    shutil.rmtree(folder.parent / "fast_v1")
    with pytest.raises(ConfigError, match="fast_v1"):
        Gate.load(folder)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"stages": {}}, "fast"),
        ({"stages": 5}, "wrong kind"),
        ({"hand_over": {"low": 0.9, "high": 0.1}}, "low <= high"),
        ({"hand_over": {"low": 0.1}}, "high"),
        ({"combination": {"method": "vote", "fast": 1, "exact": 1, "offset": 0}}, "vote"),
        ({"threshold": 2}, "threshold"),
        ({"threshold": None}, "wrong kind"),
        ({"labels": ["no", "yes"]}, "labels"),
        ({"criterion": {"mood": 1}}, "wrong kind"),
    ],
)
def test_a_config_that_does_not_fit_says_which_part(folder: Path, values: dict[str, Any], said: str) -> None:
    change(folder, **values)
    with pytest.raises(ConfigError, match=said):
        Gate.load(folder)
