"""Provider "onnx": a model of one's own answers like a service, and costs nothing."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from cloudvision import images
from cloudvision.errors import ConfigError, NotAnImageError, UnexpectedAnswerError
from cloudvision.images import Image, Remote
from cloudvision.models import Model
from cloudvision.outcome import Analysed
from cloudvision.pipeline import Pipeline
from cloudvision.provider import open_provider
from cloudvision.providers._options import Options
from cloudvision.providers.onnx_model import OnnxModel
from cloudvision.raw import Raw
from cloudvision.results import Analysis
from tests.command import Run, lines
from tests.custom_vision_exports import FULL_BGR, classifier, write_export
from tests.document_files import document
from tests.model_files import colours, spots


def plain(red: int, green: int, blue: int) -> Image:
    return images.load(np.full((30, 40, 3), (red, green, blue), dtype=np.uint8))


@pytest.fixture(scope="module")
def classifies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return colours(tmp_path_factory.mktemp("models") / "colours")


@pytest.fixture(scope="module")
def detects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return spots(tmp_path_factory.mktemp("models") / "spots", version=None)


def test_a_classifier_gives_labels_surest_first_and_no_regions(classifies: Path) -> None:
    provider = open_provider("onnx", Options(model=str(classifies)), env={})
    raw = provider.call(plain(20, 250, 100))
    analysis = provider.parse(raw)
    assert ["green", "blue", "red"] == [label.name for label in analysis.labels or ()]
    assert (None, None, 40, 30) == (analysis.regions, analysis.lines, analysis.width, analysis.height)
    assert analysis.provenance is not None
    assert ("onnx", "colours 1") == (analysis.provenance.provider, analysis.provenance.model_version)
    assert (0, 0) == (provider.cost(raw), provider.worst_cost(plain(0, 0, 0)))


def test_a_detector_gives_regions_above_its_own_threshold(detects: Path) -> None:
    provider = open_provider("onnx", env={"ONNX_MODEL": str(detects)})
    analysis = provider.parse(provider.call(plain(200, 100, 20)))
    assert analysis.labels is None
    assert {"red"} == {region.name for region in analysis.regions or ()}


def test_another_threshold_needs_no_other_call(detects: Path) -> None:
    raw = open_provider("onnx", Options(model=str(detects)), env={}).call(plain(200, 100, 20))
    found = {
        least: {region.name for region in OnnxModel(min_confidence=least).parse(raw).regions or ()}
        for least in (0.0, 0.3, 0.9)
    }
    assert {0.0: {"red", "green", "blue"}, 0.3: {"red", "green"}, 0.9: set()} == found
    settings = [Options(model=str(detects)), Options(model=str(detects), min_confidence=0.3)]
    assert 1 == len({open_provider("onnx", each, env={}).fingerprint for each in settings})


def test_unsure_labels_are_left_out_where_asked(classifies: Path) -> None:
    provider = OnnxModel(model=Model.open(classifies), min_confidence=0.5)
    assert ["green"] == [label.name for label in provider.parse(provider.call(plain(0, 250, 0))).labels or ()]


def test_the_fingerprint_is_that_of_the_model(classifies: Path, detects: Path, tmp_path: Path) -> None:
    one, same, other = (OnnxModel(model=Model.open(path)) for path in (classifies, classifies, detects))
    assert one.fingerprint == same.fingerprint != other.fingerprint
    assert Model.open(classifies).digest in one.fingerprint
    renamed = colours(tmp_path / "m", labels=["rot", "blue", "green"])
    assert one.fingerprint != OnnxModel(model=Model.open(renamed)).fingerprint


def test_an_export_of_custom_vision_is_a_model_too(tmp_path: Path) -> None:
    export = write_export(tmp_path / "fruit", classifier(named=True, metadata=FULL_BGR))
    provider = open_provider("onnx", Options(model=str(export)), env={})
    labels = provider.parse(provider.call(plain(0, 0, 250))).labels
    assert labels is not None
    assert "blue" == labels[0].name


def test_a_pipeline_asks_it_like_any_other(classifies: Path) -> None:
    provider = OnnxModel(model=Model.open(classifies))
    outcome = Pipeline(provider).run(plain(250, 0, 0))
    assert isinstance(outcome, Analysed)
    assert "red" == (outcome.analysis.labels or ())[0].name


def test_many_threads_each_get_the_answer_to_their_own_picture(classifies: Path) -> None:
    provider = OnnxModel(model=Model.open(classifies))
    pictures = [plain(250 * (n % 3 == 0), 250 * (n % 3 == 1), 10 * n) for n in range(24)]
    alone = [provider.call(each).body for each in pictures]
    with ThreadPoolExecutor(8) as pool:
        assert alone == [raw.body for raw in pool.map(provider.call, pictures)]


def test_without_a_model_only_reading_answers_works() -> None:
    provider = open_provider("onnx", env={})
    with pytest.raises(ConfigError, match=r"--model, or set ONNX_MODEL"):
        provider.call(plain(0, 0, 0))
    assert isinstance(provider, OnnxModel)
    with pytest.raises(ConfigError, match="ONNX_MODEL"):
        provider.ready()


def test_ready_says_which_model_it_is(detects: Path) -> None:
    assert "colours: detect, 3 labels" == OnnxModel(model=Model.open(detects)).ready()


def test_a_model_that_does_not_open_is_told_before_any_picture(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nowhere"):
        open_provider("onnx", Options(model=str(tmp_path / "nowhere")), env={})


@pytest.mark.parametrize("wrong", [-0.1, 1.5, float("nan")])
def test_a_confidence_out_of_range_is_refused(wrong: float) -> None:
    with pytest.raises(ConfigError, match="from 0 to 1"):
        open_provider("onnx", Options(min_confidence=wrong), env={})


def test_what_is_no_picture_here_is_refused(classifies: Path) -> None:
    provider = OnnxModel(model=Model.open(classifies))
    with pytest.raises(ConfigError, match="on this machine only"):
        provider.call(Remote("https://example.com/a.jpg", url="https://example.com/a.jpg"))
    with pytest.raises(NotAnImageError):
        provider.call(images.load(document("one page"), documents=True))


@pytest.mark.parametrize(
    "body",
    [
        {"model": "m", "threshold": 0.5},
        {"model": "m", "threshold": 0.5, "labels": [], "regions": []},
        {"model": "m", "threshold": 0.5, "labels": [{"name": "a"}]},
        {"model": "m", "threshold": 0.5, "regions": [{"name": "a", "confidence": 1, "box": [0, 0, 1]}]},
        {"model": "m", "threshold": 0.5, "regions": [{"name": "a", "confidence": 1, "box": [0, 0, 1, True]}]},
        {"model": 5, "threshold": 0.5, "labels": []},
        {"model": "m", "labels": []},
    ],
)
def test_a_body_that_is_not_ours_is_unexpected(body: dict[str, object]) -> None:
    with pytest.raises(UnexpectedAnswerError):
        OnnxModel().parse(Raw(json.dumps(body)))


def test_nothing_but_the_core_is_imported(classifies: Path) -> None:
    code = (
        "import sys, numpy; from cloudvision import images; from cloudvision.provider import open_provider;"
        "from cloudvision.providers._options import Options;"
        f"p = open_provider('onnx', Options(model={str(classifies)!r}), env={{}});"
        "p.parse(p.call(images.load(numpy.zeros((9, 9, 3), numpy.uint8))));"
        "print([m for m in ('torch', 'onnx', 'cv2', 'rapidocr', 'azure') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "[]" == done.stdout.strip()


def test_the_command_asks_it_without_a_gate(
    detects: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Pillow.new("RGB", (40, 40), (200, 100, 20)).save("orange.png")
    assert 0 == run("run", "orange.png", "--provider", "onnx", "--model", str(detects), "-o", "out.csv")
    with Path("out.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert ("analysed", "", "") == (row["outcome"], row["gate_score"], row["labels"])
    assert row["regions"].startswith("red 0.784; red 0.784")
    ask = ("run", "orange.png", "--provider", "onnx", "--model", str(detects), "--min-confidence", "0.9")
    assert 0 == run(*ask, "-o", "sure.jsonl")
    (sure,) = lines("sure.jsonl")
    assert (True, []) == (sure["cached"], sure["analysis"]["regions"])
    assert 2 == run("run", "orange.png", "--provider", "onnx", "--model", str(detects), "--store")


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
junk = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(st.sampled_from(["name", "confidence", "box"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.sampled_from(["model", "threshold", "labels", "regions", "format"]), junk))
def test_whatever_json_comes_the_outcome_is_an_analysis_or_unexpected(body: dict[str, object]) -> None:
    try:
        analysis = OnnxModel().parse(Raw(json.dumps(body)))
    except UnexpectedAnswerError:
        return
    assert Analysis.from_json(json.loads(json.dumps(analysis.to_json()))) == analysis
