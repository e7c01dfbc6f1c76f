"""A model folder answers about pictures, or says what does not fit before it answers about any."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cloudvision import images
from cloudvision.errors import ConfigError
from cloudvision.models import Description, DetectSettings, Fitted, InputSettings, Model
from tests.model_files import SIDE, colour_graph, colours, graph, helper, spot_graph, spots, write_folder


def plain(red: int, green: int, blue: int, *, width: int = 40, height: int = 20) -> images.Image:
    return images.load(np.full((height, width, 3), (red, green, blue), dtype=np.uint8))


def with_spot(left: int, top: int, *, width: int = 80, height: int = 80, side: int = 20) -> images.Image:
    """A black picture with a red square."""
    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    pixels[top : top + side, left : left + side, 0] = 255
    return images.load(pixels)


def test_a_classifier_names_every_label_surest_first(tmp_path: Path) -> None:
    told = Model.open(colours(tmp_path / "m")).predict(plain(20, 250, 100))
    assert told.regions is None
    assert told.labels is not None
    assert ["green", "blue", "red"] == [label.name for label in told.labels]
    assert pytest.approx(1) == sum(label.confidence for label in told.labels)


def test_a_multilabel_model_is_sure_of_several(tmp_path: Path) -> None:
    model = Model.open(write_folder(tmp_path / "m", colour_graph(last="Sigmoid"), kind="multilabel"))
    told = model.predict(plain(250, 240, 0))
    assert ["red", "green"] == [label.name for label in told.labels or () if label.confidence > 0.9]


def test_what_a_model_says_of_itself(tmp_path: Path) -> None:
    sentences = {"red": "It is red."}
    folder = colours(tmp_path / "m", background="blue", sentences=sentences, training={"pictures": 3}, name="Farben")
    model = Model.open(str(folder))
    assert ("Farben", "classify", ("red", "green", "blue"), "1") == (
        model.name,
        model.kind,
        model.labels,
        model.version,
    )
    assert "blue" == model.description.background
    assert (("red", "It is red."),) == model.description.sentences


@pytest.mark.parametrize(
    "description",
    [
        Description(
            "classify", "fruit", ("a", "b"), InputSettings(64, 48, "crop", 0.875), "1", "b", None, (("a", "A."),)
        ),
        Description("multilabel", "x", ("a",), InputSettings(64, 48)),
        Description("detect", "x", ("a",), InputSettings(64, 48), detect=DetectSettings(0.3, 0.6, 20)),
    ],
)
def test_a_description_survives_its_config_and_leaves_nothing_unsaid(description: Description) -> None:
    config = json.loads(json.dumps(description.to_config()))
    assert description == Description.from_config(config)
    assert {"width", "height", "resize", "shown"} == set(config["input"])
    assert ("detect" in config) == (description.kind == "detect")


def test_the_digest_changes_with_graph_and_config(tmp_path: Path) -> None:
    first = Model.open(colours(tmp_path / "1")).digest
    assert Model.open(colours(tmp_path / "2")).digest == first
    assert Model.open(colours(tmp_path / "3", labels=["blue", "green", "red"])).digest != first
    other = write_folder(tmp_path / "4", colour_graph(last="Sigmoid"))
    assert Model.open(other).digest != first


@pytest.mark.parametrize("batch", ["n", 1])
def test_a_batch_gives_what_its_pictures_give_alone(tmp_path: Path, batch: str | int) -> None:
    model = Model.open(write_folder(tmp_path / "m", colour_graph(batch=batch)))
    pictures = [plain(200, 0, 0), plain(0, 200, 0), plain(9, 0, 200)]
    assert (batch == 1) == model.one_by_one
    assert tuple(map(model.predict, pictures)) == model.run([model.prepare(each) for each in pictures])
    assert () == model.run([])


def test_threads_share_a_model(tmp_path: Path) -> None:
    model = Model.open(spots(tmp_path / "m"))
    pictures = [with_spot(20 * (number % 4), 20 * (number // 4)) for number in range(16)]
    alone = [model.predict(each) for each in pictures]
    with ThreadPoolExecutor(8) as pool:
        assert alone == list(pool.map(model.predict, pictures))


@pytest.mark.parametrize(
    ("resize", "size"), [("stretch", (80, 80)), ("letterbox", (160, 80)), ("letterbox", (40, 80)), ("crop", (160, 80))]
)
def test_a_detector_tells_boxes_in_the_picture(tmp_path: Path, resize: str, size: tuple[int, int]) -> None:
    width, height = size
    model = Model.open(spots(tmp_path / "m", input={"width": SIDE, "height": SIDE, "resize": resize}))
    left, top, side = {
        ("stretch", (80, 80)): (20, 40, 20),
        ("letterbox", (160, 80)): (40, 0, 40),
        ("letterbox", (40, 80)): (0, 40, 20),
        ("crop", (160, 80)): (60, 20, 20),
    }[resize, size]
    told = model.predict(with_spot(left, top, width=width, height=height, side=side))
    assert told.labels is None
    assert told.regions is not None
    (region,) = told.regions
    assert "red" == region.name
    box = region.box
    expected = (left / width, top / height, side / width, side / height)
    assert pytest.approx(expected, abs=0.02) == (box.left, box.top, box.width, box.height)


def test_the_threshold_of_a_call_goes_before_the_models_own(tmp_path: Path) -> None:
    model = Model.open(spots(tmp_path / "m"))
    grey = plain(100, 20, 0)
    assert () == model.predict(grey).regions
    assert {"red"} == {region.name for region in model.predict(grey, threshold=0.3).regions or ()}


def test_the_most_regions_of_a_picture_are_the_surest(tmp_path: Path) -> None:
    model = Model.open(spots(tmp_path / "m", detect={"threshold": 0.1, "overlap": 0.5, "most": 3}))
    told = model.predict(with_spot(40, 0, side=40)).regions
    assert told is not None
    assert (3, {"red"}) == (len(told), {region.name for region in told})


def test_a_quantised_graph_is_run_where_asked(tmp_path: Path) -> None:
    folder = colours(tmp_path / "m")
    with pytest.raises(ConfigError, match="was not quantised"):
        Model.open(folder, quantised=True)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    shutil.copy(folder / "model.onnx", folder / "model.int8.onnx")
    config["files"]["model.int8.onnx"] = config["files"]["model.onnx"]
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    assert Model.open(folder, quantised=True).predict(plain(255, 0, 0)).labels
    assert Model.open(folder / "model.int8.onnx").digest == Model.open(folder, quantised=True).digest


def test_a_zip_of_a_folder_opens_too(tmp_path: Path) -> None:
    folder = colours(tmp_path / "colours")
    packed = shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path, "colours")
    assert Model.open(packed).digest == Model.open(folder).digest


@pytest.mark.parametrize("name", ["model.onnx", "config.json"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    folder = colours(tmp_path / "m")
    (folder / name).unlink()
    with pytest.raises(ConfigError, match=name):
        Model.open(folder)


def test_a_path_that_is_no_model_is_named(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no model", "utf-8")
    for name, said in (("absent", "No such file"), ("text", "neither a folder nor a .zip")):
        with pytest.raises(ConfigError, match=said):
            Model.open(tmp_path / name)


def test_a_changed_graph_does_not_fit_its_digest(tmp_path: Path) -> None:
    folder = colours(tmp_path / "m")
    (folder / "model.onnx").write_bytes(colour_graph(last="Sigmoid"))
    with pytest.raises(ConfigError, match="SHA-256"):
        Model.open(folder)


@pytest.mark.parametrize("onnx_bytes", [b"", b"not a graph at all", b"\x08\x09\x3a\x00"])
def test_a_file_that_is_no_graph_is_refused(tmp_path: Path, onnx_bytes: bytes) -> None:
    with pytest.raises(ConfigError, match=r"model\.onnx"):
        Model.open(write_folder(tmp_path / "m", onnx_bytes))


@pytest.mark.parametrize("text", ["{", "[]", "[" * 100_000, '"format"'])
def test_a_config_that_is_no_object_is_named(tmp_path: Path, text: str) -> None:
    folder = colours(tmp_path / "m")
    (folder / "config.json").write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=r"config\.json"):
        Model.open(folder)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"format": 99}, "format is 99"),
        ({"kind": "segment"}, "kind: expected one of classify, multilabel, detect"),
        ({"labels": []}, "labels"),
        ({"labels": ["a", "a", "b"]}, "different names"),
        ({"labels": ["a", "b"]}, r"\(1, 3\), where \(1, 2\)"),
        ({"background": "none"}, "background 'none'"),
        ({"input": {"width": 0, "height": 16}}, "0 by 16 pixels"),
        ({"input": {"width": 16, "height": 10**9}}, "not 1 to 8192"),
        ({"input": {"width": 16, "height": 16, "shown": 0}}, "shown"),
        ({"input": {"width": 32, "height": 16}}, "should take 'pixels'"),
        ({"input": {"width": 16, "height": 16, "resize": "squash"}}, "resize: expected one of stretch"),
        ({"kind": "detect"}, "should have the output boxes, scores"),
        ({"detect": {"threshold": 3}}, "from 0 to 1"),
        ({"name": 7}, "name: expected str"),
    ],
)
def test_a_config_that_does_not_fit_says_what(tmp_path: Path, values: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Model.open(colours(tmp_path / "m", **values))


def test_logits_in_the_place_of_probabilities_are_refused(tmp_path: Path) -> None:
    nodes = [helper.make_node("ReduceMean", ["pixels"], ["probabilities"], axes=[2, 3], keepdims=0)]
    folder = write_folder(tmp_path / "m", graph(nodes, outputs={"probabilities": ("n", 3)}))
    with pytest.raises(ConfigError, match="softmax or sigmoid must be inside"):
        Model.open(folder)


def test_a_graph_of_another_input_or_a_fixed_batch_is_refused(tmp_path: Path) -> None:
    nodes = [helper.make_node("ReduceMean", ["data"], ["probabilities"], axes=[2, 3], keepdims=0)]
    other = graph(nodes, input="data", outputs={"probabilities": ("n", 3)})
    with pytest.raises(ConfigError, match="should take 'pixels'"):
        Model.open(write_folder(tmp_path / "1", other))
    with pytest.raises(ConfigError, match="takes 4 pictures at a time"):
        Model.open(write_folder(tmp_path / "2", spot_graph(batch=4), kind="detect"))


def test_no_threads_are_too_few(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="at least 1"):
        Model.open(colours(tmp_path / "m"), threads=0)


def test_an_input_of_another_size_is_refused_at_its_run(tmp_path: Path) -> None:
    model = Model.open(colours(tmp_path / "m"))
    with pytest.raises(ConfigError, match="does not answer as it should"):
        model.run([Fitted(np.zeros((3, 8, 8), dtype=np.float32))])
