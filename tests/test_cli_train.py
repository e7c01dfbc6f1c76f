"""`cloudvision train`: from a folder a class to a model folder, by the command that a user types."""

from __future__ import annotations

import json
from pathlib import Path

import PIL.Image
import pytest

from cloudvision.images import load
from cloudvision.models import Model
from tests.command import runner

pytest.importorskip("torch", reason="torch is not installed: pip install 'cloudvision-gate[train]'")
pytest.importorskip("onnx", reason="onnx is not installed: pip install 'cloudvision-gate[train]'")


@pytest.fixture
def colours(tmp_path: Path) -> Path:
    for name, colour in {"red": (200, 20, 20), "green": (20, 160, 30)}.items():
        (tmp_path / "colours" / name).mkdir(parents=True)
        for n in range(7):
            shade = tuple(value + 3 * n for value in colour)
            PIL.Image.new("RGB", (40, 30), shade).save(tmp_path / "colours" / name / f"{n}.png")
    return tmp_path / "colours"


def test_a_folder_a_class_becomes_a_model(
    colours: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sentences.json").write_text('{"red": "Stop."}')
    (colours / "red" / "torn.png").write_bytes((colours / "red" / "0.png").read_bytes()[:60])
    options = f"--backbone scratch --side 64 --epochs 2 --sentences {tmp_path}/sentences.json --html {tmp_path}/p.html"
    code = runner(monkeypatch)("train", str(colours), "-o", str(tmp_path / "model"), *options.split())
    said = capfd.readouterr().err
    assert code == 0
    assert "torn.png" in said
    assert "trained from random numbers" in said
    assert "accuracy " in said
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    assert config["sentences"] == {"red": "Stop."}
    command = "cloudvision train DIR -o MODEL --backbone scratch --side 64 --epochs 2 --sentences FILE --html FILE"
    assert command == config["training"]["command"]
    assert str(tmp_path) not in (tmp_path / "model" / "MODEL_CARD.md").read_text()
    assert "What was taken for what" in (tmp_path / "p.html").read_text()
    labels = Model.open(tmp_path / "model").predict(load(colours / "green" / "1.png")).labels
    assert labels is not None
    assert {label.name for label in labels} == {"green", "red"}


def test_what_is_wrong_is_said_at_once(
    colours: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    run, out = runner(monkeypatch), str(tmp_path / "model")
    assert run("train", str(tmp_path / "nowhere"), "-o", out) == 2
    (colours / "blue").mkdir()
    assert run("train", str(colours), "-o", out) == 2
    assert "'blue' has no picture" in capfd.readouterr().err
    (colours / "blue").rmdir()
    assert run("train", str(colours), "-o", out, "--backbone", "resnet18") == 2
    assert run("train", str(colours), "-o", out, "--background", "grey") == 2
    assert run("train", str(colours), "-o", str(colours)) == 2
    assert "is there already" in capfd.readouterr().err
    assert not (tmp_path / "model").exists()
