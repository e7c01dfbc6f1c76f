"""A model folder that does not fit says which part of it, before any picture is judged."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

import cloudvision.gate
from cloudvision.errors import ConfigError
from cloudvision.gate import Gate

SHIPPED = Path(cloudvision.gate.__file__).parent / "fast_v1"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED, tmp_path / "model"))


def change(folder: Path, **values: object) -> None:
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text("utf-8")) | values), "utf-8")


def replace_model(folder: Path, onnx: bytes) -> None:
    (folder / "model.onnx").write_bytes(onnx)
    change(folder, sha256=hashlib.sha256(onnx).hexdigest())


def test_a_copy_of_the_shipped_folder_opens_by_its_path(folder: Path) -> None:
    assert Gate.load(folder).model == Gate.load("fast").model == Gate.load(str(folder)).model


def test_the_shipped_folder_is_small_and_has_a_card() -> None:
    assert sum(file.stat().st_size for file in SHIPPED.iterdir()) <= 2_000_000
    assert {"model.onnx", "config.json", "MODEL_CARD.md"} == {file.name for file in SHIPPED.iterdir()}


@pytest.mark.parametrize("name", ["model.onnx", "config.json"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(ConfigError, match=name):
        Gate.load(folder)


def test_a_changed_model_does_not_fit_its_digest(folder: Path) -> None:
    onnx = bytearray((folder / "model.onnx").read_bytes())
    onnx[len(onnx) // 2] ^= 1
    (folder / "model.onnx").write_bytes(onnx)
    with pytest.raises(ConfigError, match="SHA-256"):
        Gate.load(folder)


@pytest.mark.parametrize("onnx", [b"", b"not a graph at all", b"\x08\x09\x3a\x00"])
def test_a_model_that_is_no_graph_is_refused(folder: Path, onnx: bytes) -> None:
    replace_model(folder, onnx)
    with pytest.raises(ConfigError, match=r"model\.onnx"):
        Gate.load(folder)


def test_a_config_that_is_not_json_is_named(folder: Path) -> None:
    (folder / "config.json").write_text("{", "utf-8")
    with pytest.raises(ConfigError, match="not JSON"):
        Gate.load(folder)


def test_a_config_that_is_no_object_is_refused(folder: Path) -> None:
    (folder / "config.json").write_text("[]", "utf-8")
    with pytest.raises(ConfigError, match="not a JSON object"):
        Gate.load(folder)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"format": 99}, "format is 99"),
        ({"labels": ["worth", "skip"]}, "labels"),
        ({"input": {"name": "x", "dtype": "uint8", "layout": "NHWC", "channels": "RGB"}}, "input 'x'"),
        ({"input": {"name": "pixels", "dtype": "float32", "layout": "NHWC", "channels": "RGB"}}, "unknown kind"),
        ({"input": {"name": "pixels", "dtype": "uint8", "layout": "NHWC", "channels": "BGR"}}, "unknown kind"),
        ({"output": {"name": "y"}}, "output 'y'"),
        ({"threshold": 2}, "threshold"),
        ({"threshold": "high"}, "wrong kind"),
        ({"calibration": {"method": "platt", "slope": 1.0}}, "offset"),
        ({"calibration": {"method": "isotonic", "slope": 1.0, "offset": 0.0}}, "unknown kind"),
        ({"preprocessing": {"fit": "letterbox", "side": 0, "multiple": 32}}, "positive"),
        ({"criterion": {"least_words": 2}}, "wrong kind"),
    ],
)
def test_a_config_that_does_not_fit_says_what(folder: Path, values: dict[str, object], said: str) -> None:
    change(folder, **values)
    with pytest.raises(ConfigError, match=said):
        Gate.load(folder)
