"""A gate with another threshold is a folder of its own, with all that it needs in it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import cloudvision.gate
from cloudvision.errors import ConfigError
from cloudvision.gate import Criterion, Gate
from cloudvision.gate.calibrate import Certificate, certify
from cloudvision.gate.cascade import CascadeFolder, Combination, HandOver, Part, describe
from cloudvision.gate.drift import reference_of
from cloudvision.gate.folder import open_folder
from cloudvision.gate.rewrite import reference_in, rewrite, rounded, target_in
from cloudvision.images import load
from tests.labelled import picture

SHIPPED = Path(cloudvision.gate.__file__).parent / "fast_v1"
SCORES = np.linspace(0.2, 0.9, 100)


def certificate() -> Certificate:
    return certify(SCORES, np.ones(100, dtype=bool), recall=0.9, data_sha256="abcdef0123456789")


@pytest.fixture
def cascade(tmp_path: Path) -> Path:
    """Two looks with the same weights, of which the second decides between 0.1 and 0.9."""
    for name in ("first", "second"):
        shutil.copytree(SHIPPED, tmp_path / name)
    part = Part(tmp_path / "first", open_folder(SHIPPED).sha256)
    both = CascadeFolder(
        path=tmp_path / "both",
        name="both",
        version="1",
        fast=part,
        exact=part,
        hand_over=HandOver(0.1, 0.9),
        combination=Combination(0.5, 0.5, 0.1),
        threshold=0.3,
        criterion=Criterion(),
    )
    both.path.mkdir()
    (both.path / "config.json").write_text(json.dumps(describe(both, fast="../first", exact="../second")), "utf-8")
    return both.path


def test_a_cascade_takes_both_looks_with_it(cascade: Path, tmp_path: Path) -> None:
    rewrite(cascade, tmp_path / "mine", certificate=certificate(), reference=reference_of(SCORES))
    before, image = Gate.load(cascade), load(picture(1, text="Open today"))
    score = before.score(image)
    for name in ("first", "second"):
        shutil.rmtree(tmp_path / name)
    mine = Gate.load(tmp_path / "mine")
    assert mine.score(image) == score
    assert mine.threshold == rounded(certificate().threshold) != before.threshold
    assert mine.model == "both 1-abcdef01"


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    rewrite(SHIPPED, tmp_path / "mine", certificate=certificate(), reference=reference_of(SCORES))
    config = json.loads((tmp_path / "mine" / "config.json").read_text("utf-8"))
    assert reference_in(config) == reference_of(SCORES)
    assert target_in(config) == 0.9
    assert config["certificate"]["positives"] == 100
    assert "at least 0.9 with confidence 0.95" in config["threshold_chosen"]


@pytest.mark.parametrize("kept", [None, {}, {"pictures": 1, "scores": [2, 1], "shares": [0, 1]}, "none"])
def test_a_config_without_calibration_scores_has_no_reference(kept: object) -> None:
    assert reference_in({} if kept is None else {"calibration_scores": kept}) is None
    assert target_in({"certificate": kept}) == 0.95


def test_a_threshold_is_rounded_so_that_nothing_is_lost() -> None:
    assert rounded(0.12345678) == 0.123456
    assert rounded(0.0) == 0.0


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine", "utf-8")
    with pytest.raises(ConfigError, match="is there already"):
        rewrite(SHIPPED, tmp_path / "mine", certificate=certificate(), reference=reference_of(SCORES))
    with pytest.raises(ConfigError, match=r"config\.json"):
        rewrite(tmp_path / "mine", tmp_path / "new", certificate=certificate(), reference=reference_of(SCORES))
