"""Exports of Custom Vision run as they come. The layout is the documented one; no real export was at hand."""

from __future__ import annotations

import json
import math
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloudvision import images
from cloudvision.errors import ConfigError
from cloudvision.models import Model
from tests.custom_vision_exports import FULL_BGR, UNIT_RGB, classifier, detector, grid, write_export
from tests.model_files import GRID, SIDE, TensorProto, colour_graph, graph, helper


def plain(red: int, green: int, blue: int) -> images.Image:
    return images.load(np.full((30, 50, 3), (red, green, blue), dtype=np.uint8))


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("metadata", [FULL_BGR, UNIT_RGB, {}])
def test_a_classifier_sees_channels_in_the_order_and_range_of_its_graph(
    tmp_path: Path, named: bool, metadata: dict[str, str]
) -> None:
    model = Model.open(write_export(tmp_path / "fruit", classifier(named=named, metadata=metadata)))
    assert ("classify", "fruit", ("red", "green", "blue")) == (model.kind, model.name, model.labels)
    told = model.predict(plain(250, 100, 20)).labels
    assert told is not None
    assert ["red", "green", "blue"] == [label.name for label in told]
    assert pytest.approx(1) == sum(label.confidence for label in told)
    expected = math.exp(16 * 250 / 255) / sum(math.exp(16 * each / 255) for each in (250, 100, 20))
    assert pytest.approx(expected, abs=1e-3) == told[0].confidence


def test_a_graph_of_half_precision_is_fed_what_it_takes(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Cast", ["data"], ["wide"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["wide"], ["mean"], axes=[2, 3], keepdims=0),
        helper.make_node("Softmax", ["mean"], ["shares"]),
        helper.make_node("Cast", ["shares"], ["y"], to=TensorProto.FLOAT16),
    ]
    half = helper.make_tensor_value_info("y", TensorProto.FLOAT16, ["n", 3])
    onnx_bytes = graph(nodes, outputs={"y": half}, input="data", kind=TensorProto.FLOAT16)
    told = Model.open(write_export(tmp_path / "m", onnx_bytes)).predict(plain(0, 250, 0)).labels
    assert told is not None
    assert "green" == told[0].name


def test_a_zip_as_it_was_downloaded_opens_like_its_folder(tmp_path: Path) -> None:
    folder = write_export(tmp_path / "fruit", classifier(named=True, metadata=FULL_BGR))
    packed = Path(shutil.make_archive(str(tmp_path / "zipped" / "fruit"), "zip", folder))
    assert Model.open(packed).digest == Model.open(folder).digest
    assert Model.open(packed).predict(plain(0, 0, 250)) == Model.open(folder).predict(plain(0, 0, 250))


def test_files_further_down_in_a_zip_are_not_taken_for_the_models(tmp_path: Path) -> None:
    folder = write_export(tmp_path / "m", classifier(named=True, metadata=FULL_BGR))
    packed = tmp_path / "m.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("python/sample/labels.txt", "cat\ndog")
        archive.writestr("__MACOSX/._model.onnx", "no graph")
        for file in folder.iterdir():
            archive.write(file, f"m/{file.name}")
    assert Model.open(packed).digest == Model.open(folder).digest


def test_batches_of_a_classifier_run_at_once(tmp_path: Path) -> None:
    model = Model.open(write_export(tmp_path / "m", classifier(named=True, metadata=FULL_BGR)))
    assert not model.one_by_one
    pictures = [plain(250, 0, 0), plain(0, 250, 0)]
    assert tuple(map(model.predict, pictures)) == model.run([model.prepare(each) for each in pictures])


def test_a_multilabel_project_is_told_by_its_properties(tmp_path: Path) -> None:
    folder = write_export(
        tmp_path / "m", classifier(named=False, metadata=FULL_BGR), Postprocess_Method="ClassificationMultiLabel"
    )
    assert "multilabel" == Model.open(folder).kind


def test_labels_are_unescaped(tmp_path: Path) -> None:
    folder = write_export(
        tmp_path / "m", classifier(named=False, metadata=FULL_BGR), labels="few (&lt;3)\nmany\n\n&quot;x&quot;\n"
    )
    assert ("few (<3)", "many", '"x"') == Model.open(folder).labels


def test_a_cut_from_the_middle_is_made_where_the_properties_say_so(tmp_path: Path) -> None:
    cut = {"Preprocess_CropMethod": "OneCropCenter", "Preprocess_CropWidth": "16", "Preprocess_CropHeight": "16"}
    target = {"Preprocess_TargetWidth": "32", "Preprocess_TargetHeight": "32"}
    graph_bytes = classifier(named=False, metadata=FULL_BGR)
    pixels = np.full((100, 200, 3), (0, 250, 0), dtype=np.uint8)
    pixels[30:70, 80:120] = (250, 0, 0)
    picture = images.load(pixels)
    seen = [
        Model.open(write_export(tmp_path / "1", graph_bytes, **cut, **target)).predict(picture),
        Model.open(write_export(tmp_path / "2", graph_bytes)).predict(picture),
    ]
    assert ["red", "green"] == [told.labels[0].name for told in seen if told.labels]


def test_a_detector_that_suppresses_by_itself_is_taken_at_its_word(tmp_path: Path) -> None:
    boxes = [[0.1, 0.2, 0.5, 0.6], [0.1, 0.2, 0.5, 0.6], [0.0, 0.0, 1.0, 1.0]]
    model = Model.open(write_export(tmp_path / "m", detector(boxes, [2, 2, 0], [0.9, 0.6, 0.05])))
    assert ("detect", True) == (model.kind, model.one_by_one)
    told = model.predict(plain(0, 0, 0)).regions
    assert told is not None
    assert [("blue", 0.9), ("blue", 0.6)] == [(region.name, round(region.confidence, 3)) for region in told]
    assert pytest.approx((0.1, 0.2, 0.4, 0.4)) == (
        told[0].box.left,
        told[0].box.top,
        told[0].box.width,
        told[0].box.height,
    )
    assert 3 == len(model.predict(plain(0, 0, 0), threshold=0.0).regions or ())
    assert 2 == len(model.run([model.prepare(plain(0, 0, 0))] * 2)[1].regions or ())


def test_a_detector_may_find_nothing(tmp_path: Path) -> None:
    assert () == Model.open(write_export(tmp_path / "m", detector([], [], []))).predict(plain(0, 0, 0)).regions


def test_a_grid_is_read_with_its_anchors(tmp_path: Path) -> None:
    model = Model.open(write_export(tmp_path / "m", grid(), Postprocess_Yolo_NmsThreshold="0.3"))
    pixels = np.zeros((160, 80, 3), dtype=np.uint8)
    pixels[80:120, 20:40] = (0, 255, 0)  # the cell of row 2 and column 1
    told = model.predict(images.load(pixels)).regions
    assert told is not None
    assert "green" == told[0].name
    # The cell's middle, and the size of anchor 1 in cells.
    box = told[0].box
    middle = box.left + box.width / 2, box.top + box.height / 2
    assert pytest.approx((1.5 / GRID, 2.5 / GRID), abs=1e-4) == middle
    assert pytest.approx((1.87 / GRID, 2.06 / GRID), abs=1e-4) == (box.width, box.height)
    share = math.exp(9) / (math.exp(9) + 2)
    assert pytest.approx(share / (1 + math.exp(-10)), abs=1e-3) == told[0].confidence
    assert model.description.detect is not None
    assert 0.3 == model.description.detect.overlap


def test_anchors_come_from_the_properties_where_they_are_there(tmp_path: Path) -> None:
    folder = write_export(tmp_path / "m", grid(anchors=2), Postprocess_Yolo_Biases="[1.0, 1.0, 3.0, 4.0]")
    pixels = np.zeros((80, 80, 3), dtype=np.uint8)
    pixels[:20, :20] = (0, 0, 255)
    told = Model.open(folder).predict(images.load(pixels)).regions
    assert told is not None
    assert pytest.approx((3 / GRID, 4 / GRID), abs=1e-4) == (told[0].box.width, told[0].box.height)


@pytest.mark.parametrize(
    ("onnx_bytes", "labels", "said"),
    [
        (classifier(named=True, metadata={}), "red\ngreen\nyellow", "labels.txt"),
        (classifier(named=False, metadata={}), "red\ngreen", r"\(1, 3\), where \(1, 2\)"),
        (classifier(named=False, metadata={}), "red\nred\ngreen", "different labels"),
        (classifier(named=False, metadata={}), "\n", "different labels"),
        (grid(), "red\ngreen", "40, 4, 4"),
        (detector([[0, 0, 1, 1]], [7], [0.9]), "red\ngreen\nblue", "one of 3 labels"),
        (b"no graph", "red", r"model\.onnx cannot be opened"),
        (
            graph(
                [helper.make_node("ReduceMean", ["pixels"], ["y"], axes=[1, 2, 3], keepdims=0)], outputs={"y": ("n",)}
            ),
            "red",
            "no known domain",
        ),
    ],
)
def test_an_export_that_does_not_fit_says_what(tmp_path: Path, onnx_bytes: bytes, labels: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Model.open(write_export(tmp_path / "m", onnx_bytes, labels=labels))


def test_a_folder_without_labels_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(colour_graph())
    with pytest.raises(ConfigError, match=r"labels\.txt, and here is model\.onnx"):
        Model.open(tmp_path)


def test_a_zip_that_breaks_off_is_named(tmp_path: Path) -> None:
    folder = write_export(tmp_path / "m", classifier(named=True, metadata=FULL_BGR))
    packed = tmp_path / "m.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for file in folder.iterdir():
            archive.write(file, file.name)
    data = bytearray(packed.read_bytes())
    at = data.index(b"model.onnx") + 200
    data[at] ^= 255
    packed.write_bytes(data)
    with pytest.raises(ConfigError, match=r"model\.onnx cannot be read"):
        Model.open(packed)


def test_an_open_size_is_taken_from_the_properties(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("ReduceMean", ["data"], ["mean"], axes=[2, 3], keepdims=0),
        helper.make_node("Softmax", ["mean"], ["y"]),
    ]
    free = graph(nodes, outputs={"y": ("n", 3)}, input="data", width="w", height="h")
    assert (SIDE, SIDE) == Model.open(write_export(tmp_path / "1", free)).size
    with pytest.raises(ConfigError, match="does not say which one"):
        Model.open(write_export(tmp_path / "2", free, Preprocess_TargetWidth="0", Preprocess_TargetHeight="0"))


odd = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.lists(st.floats(), max_size=4)
NAMES = [
    *("CustomVision.Preprocess.CropMethod", "CustomVision.Preprocess.CropWidth", "CustomVision.Preprocess.CropHeight"),
    *("CustomVision.Preprocess.TargetWidth", "CustomVision.Preprocess.TargetHeight", "CustomVision.Postprocess.Method"),
    *("CustomVision.Postprocess.Yolo.NmsThreshold", "CustomVision.Postprocess.Yolo.Biases"),
]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(
    st.dictionaries(st.sampled_from(NAMES), odd | odd.map(json.dumps)), st.sampled_from(["model.onnx", "x", 5, None])
)
def test_odd_properties_and_manifests_leave_a_model_or_a_reason(
    tmp_path: Path, properties: dict[str, object], name: object
) -> None:
    folder = tmp_path / "m"
    if not folder.exists():
        write_export(folder, grid())
    (folder / "metadata_properties.json").write_text(json.dumps(properties), "utf-8")
    (folder / "cvexport.manifest").write_text(json.dumps({"ModelFileName": name, "IterationId": name}), "utf-8")
    try:
        model = Model.open(folder)
    except ConfigError:
        return
    assert "detect" == model.kind
