"""From pictures with boxes to a detector's folder, on discs and squares that it really learns to find."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: pip install 'cloudvision-gate[train]'")
pytest.importorskip("onnx", reason="onnx is not installed: pip install 'cloudvision-gate[train]'")

from cloudvision.annotations import Annotated, Annotations, Mark
from cloudvision.errors import ConfigError
from cloudvision.geometry import Box
from cloudvision.images import load
from cloudvision.models import Model
from cloudvision.training.average_precision import overlap
from cloudvision.training.detect import DetectorSettings, TrainedDetector, train_detector
from cloudvision.training.detect_augment import Changes
from cloudvision.training.detect_fit import DetectorRecipe, DetectProgress
from cloudvision.training.detect_network import DetectorShape
from cloudvision.training.detect_scenes import BoxExample, box_examples_of
from cloudvision.training.network import Shape
from tests.boxed_pictures import boxed_examples, boxed_picture

TINY = DetectorShape(trunk=Shape(widths=(8, 16, 24, 32, 32), depths=(1, 1, 1, 1)), width=24)
CALM = Changes(mosaic=0.0, paste=0.0, turn=0.0, blot=0.0, colour=0.2, zoom=(0.9, 1.2))
RECIPE = DetectorRecipe(side=64, steps=100, batch=8, rate=0.015, average=0.9, looks=2, changes=CALM)
SETTINGS = DetectorSettings(judge=0.25, shape=TINY, recipe=RECIPE)
BRIEF = dataclasses.replace(
    SETTINGS, judge=0.0, quantise=False, recipe=dataclasses.replace(RECIPE, steps=4, batch=2, looks=4)
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> TrainedDetector:
    out = tmp_path_factory.mktemp("models") / "things"
    return train_detector(boxed_examples(32), out, settings=SETTINGS, command="the command", version="v1")


def test_it_learns_to_find_things(trained: TrainedDetector) -> None:
    assert trained.judged is not None
    assert trained.judged.map_50 > 0.7
    assert ("disc", "square") == trained.labels == tuple(one.name for one in trained.judged.labels)
    assert (24, 0, 8) == trained.parts
    assert "on 8 pictures that it was not trained on" in trained.summary()


def test_the_folder_finds_them_in_a_picture_of_another_shape(trained: TrainedDetector) -> None:
    model = Model.open(trained.path)
    assert ("detect", "things", "v1") == (model.kind, model.name, model.version)
    pixels, (mark,) = boxed_picture(99_000)
    wide = np.repeat(pixels, 2, axis=1)
    best = (model.predict(load(wide)).regions or ())[0]
    assert mark.name == best.name
    assert mark.box is not None
    boxes = [np.array([[box.left, box.top, box.right, box.bottom]]) for box in (mark.box, best.box)]
    assert overlap(boxes[0], boxes[1])[0, 0] > 0.5


def test_the_folder_says_how_it_came_about(trained: TrainedDetector) -> None:
    config = json.loads((trained.path / "config.json").read_text("utf-8"))
    assert trained.judged is not None
    assert config["training"]["metrics"]["map_50"] == pytest.approx(trained.judged.map_50, abs=1e-6)
    assert {"learn": 24, "stop": 0, "judge": 8} == config["training"]["pictures"]
    assert config["training"]["torch_to_onnx"] <= 1e-4
    assert config["training"]["command"] == "the command"
    card = (trained.path / "MODEL_CARD.md").read_text("utf-8")
    assert f"mAP@0.5 {trained.judged.map_50:.3f}" in card
    assert "trained from random numbers" in card


def test_the_quantised_graph_runs_where_it_was_written(trained: TrainedDetector) -> None:
    assert trained.quantised is None or trained.quantised <= 0.01
    assert (trained.quantised is not None) == (trained.path / "model.int8.onnx").is_file()
    if trained.quantised is not None:
        assert Model.open(trained.path, quantised=True).predict(load(boxed_picture(1)[0])).regions is not None


def test_a_run_that_is_cut_off_goes_on_to_the_same_model(tmp_path: Path) -> None:
    def cut(progress: DetectProgress) -> None:
        if progress.step == 2:
            raise KeyboardInterrupt

    examples = boxed_examples(4)
    train_detector(examples, tmp_path / "whole", settings=BRIEF, name="a")
    with pytest.raises(KeyboardInterrupt):
        train_detector(examples, tmp_path / "cut", settings=BRIEF, name="a", work=tmp_path / "work", told=cut)
    assert not (tmp_path / "cut").exists()
    seen: list[DetectProgress] = []
    train_detector(examples, tmp_path / "cut", settings=BRIEF, name="a", work=tmp_path / "work", told=seen.append)
    assert [3, 4] == [progress.step for progress in seen]
    whole, other = ((tmp_path / name / "model.onnx").read_bytes() for name in ("whole", "cut"))
    assert whole == other


def test_it_stops_when_held_out_pictures_gain_nothing(tmp_path: Path) -> None:
    still = dataclasses.replace(RECIPE, steps=8, batch=2, looks=8, rate=0.0, patience=2)
    settings = dataclasses.replace(BRIEF, stop=0.25, recipe=still)
    seen: list[DetectProgress] = []
    result = train_detector(boxed_examples(8), tmp_path / "m", settings=settings, told=seen.append)
    assert [1, 2, 3] == [progress.step for progress in seen]
    assert result.judged is None
    assert (6, 2, 0) == result.parts
    assert "No picture was kept back" in (result.path / "MODEL_CARD.md").read_text("utf-8")


def test_it_starts_from_the_gate_and_leaves_out_what_does_not_decode(tmp_path: Path) -> None:
    settings = dataclasses.replace(BRIEF, backbone="gate", recipe=dataclasses.replace(BRIEF.recipe, steps=1, looks=1))
    examples = [*boxed_examples(3), BoxExample(b"\x89PNG\r\n\x1a\nno", (Mark("disc", Box(0, 0, 1, 1)),))]
    result = train_detector(examples, tmp_path / "m", settings=settings)
    assert 1 == len(result.problems)
    assert "gate" in result.backbone


def example(*marks: Mark) -> BoxExample:
    return BoxExample(np.zeros((40, 40, 3), dtype=np.uint8), marks)


@pytest.mark.parametrize(
    ("examples", "settings", "said"),
    [
        ([], BRIEF, "none of 0 pictures"),
        ([example()], BRIEF, "has a box to learn from"),
        ([example(Mark("a"))], BRIEF, "label without a box"),
        ([example(Mark("a", Box(0, 0, 1, 1)))], dataclasses.replace(BRIEF, judge=0.5), "would be held out"),
        (boxed_examples(2), dataclasses.replace(BRIEF, recipe=dataclasses.replace(RECIPE, side=100)), "multiple of 32"),
        (boxed_examples(2), dataclasses.replace(BRIEF, judge=0.95), "must leave a tenth"),
        (boxed_examples(2), dataclasses.replace(BRIEF, recipe=dataclasses.replace(RECIPE, patience=1)), "stop"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(
    examples: list[BoxExample], settings: DetectorSettings, said: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=said):
        train_detector(examples, tmp_path / "m", settings=settings)
    assert not (tmp_path / "m").exists()


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(ConfigError, match="new folder"):
        train_detector(boxed_examples(2), tmp_path, settings=BRIEF)


def test_annotations_without_boxes_or_of_urls_are_refused() -> None:
    with pytest.raises(ConfigError, match="has a box"):
        box_examples_of(Annotations((Annotated("a.png", (Mark("a"),)),), ("a",)))
    with pytest.raises(ConfigError, match="are URLs"):
        box_examples_of(Annotations((Annotated("https://x/a.png", (Mark("a", Box(0, 0, 1, 1)),)),), ("a",)))
