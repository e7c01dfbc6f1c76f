"""The samples that train a model run as they stand, on pictures that they make."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloudvision.models import Model
from tests.test_samples import sample

pytest.importorskip("torch", reason="torch is not installed: pip install 'cloudvision-gate[train]'")
pytest.importorskip("onnx", reason="onnx is not installed: pip install 'cloudvision-gate[train]'")


def test_fruit_is_told_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sample("fruit").main(out=str(tmp_path / "model"), epochs=1)
    said = capsys.readouterr().out
    assert "drawn ones" in said
    assert "banana" in said
    assert "the gate's own backbone" in said


def test_hemlock_and_cherry_are_judged_in_folds(capsys: pytest.CaptureFixture[str]) -> None:
    sample("hemlock_cherry").main(count=2, epochs=1)
    said = capsys.readouterr().out
    assert "of 20 right in 2 folds" in said
    assert said.count("fold 1:") == 10


def test_slices_are_turned_and_told_in_sentences(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sample("orientation").main(str(tmp_path / "model"), patients=12, epochs=1, real=False)
    said = capsys.readouterr().out
    assert "slices: drawn chests" in said
    assert ", patient facing " in said
    told = dict(Model.open(tmp_path / "model").description.sentences)
    assert told["up"] == "Spine at bottom, patient facing up."


def test_banknotes_have_fifteen_classes_with_a_background(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sample("banknotes").main(str(tmp_path / "model"), count=5, epochs=1, judged=1)
    assert "15 classes, 75 pictures" in capsys.readouterr().out
    assert Model.open(tmp_path / "model").description.background == "nothing"
