"""The exact stage's training, on a dozen small pictures: what it writes opens, and says what the network said."""

from __future__ import annotations

import csv
import json

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont
import pytest

pytest.importorskip("torch", reason="training needs PyTorch")
pytest.importorskip("onnx", reason="training needs onnx")
pytest.importorskip("rapidocr", reason="the exact stage starts from RapidOCR's detector")

from cloudvision.gate import Gate, metrics
from cloudvision.gate.cascade import HandOver
from cloudvision.gate.folder import Calibration
from cloudvision.images import load
from cloudvision.training import train_cascade, train_exact
from cloudvision.training.fit_readout import ReadOutRecipe
from cloudvision.training.readout import ReadOutShape

BOX = [[0.05, 0.1], [0.95, 0.1], [0.95, 0.5], [0.05, 0.5]]


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> train_exact.Job:
    corpus = tmp_path_factory.mktemp("corpus")
    rng = np.random.default_rng(0)
    with (corpus / "manifest.csv").open("w", newline="") as table, (corpus / "lines.jsonl").open("w") as lines:
        rows = csv.writer(table)
        rows.writerow(["file", "set"])
        for index in range(12):
            image = PIL.Image.fromarray(rng.integers(90, 160, (90, 120, 3), dtype=np.uint8))
            found = []
            if index % 2:
                draw = PIL.ImageDraw.Draw(image)
                draw.rectangle((6, 8, 114, 46), fill="white")
                draw.text((8, 12), "Open daily", font=PIL.ImageFont.load_default(20), fill="black")
                found = [{"text": "Open daily", "confidence": 0.98, "polygon": BOX}]
            image.save(corpus / f"{index}.png")
            rows.writerow([f"{index}.png", f"set {index // 2}"])
            lines.write(json.dumps({"file": f"{index}.png", "lines": found}) + "\n")
    out = tmp_path_factory.mktemp("exact")
    recipe = ReadOutRecipe(side=128, picture_epochs=20)
    job = train_exact.Job(
        corpus, out / "model", out / "work", recipe, ReadOutShape(picture=8, members=2), folds=2, recall=0.95
    )
    train_exact.run(job, command="a test")
    return job


def test_the_folder_opens_and_knows_text_from_noise(job: train_exact.Job) -> None:
    gate = Gate.load(job.out)
    with_text, without = (gate.judge(load(job.corpus / f"{index}.png")) for index in (1, 0))
    assert with_text.stage == "exact"
    assert with_text.score > without.score


def test_the_graph_takes_any_size(job: train_exact.Job) -> None:
    gate = Gate.load(job.out)
    for size in ((1, 1), (1000, 40), (40, 1000), (640, 480)):
        assert 0 <= gate.score(load(np.full((*size, 3), 128, np.uint8))) <= 1


def test_every_picture_was_scored_by_a_read_out_that_had_not_seen_its_source(job: train_exact.Job) -> None:
    assert [np.load(job.place / f"fold-{k}-logits.npy").shape for k in (0, 1)] == [(6,), (6,)]


def test_what_is_done_is_not_done_again(job: train_exact.Job) -> None:
    files = [*job.work.glob("features-*"), *job.place.iterdir()]
    before = {file: file.stat().st_mtime_ns for file in files}
    model = (job.out / "model.onnx").read_bytes()
    train_exact.run(job, command="a test")
    assert before == {file: file.stat().st_mtime_ns for file in files}
    assert (job.out / "model.onnx").read_bytes() == model


def test_the_card_names_the_weights_it_began_with(job: train_exact.Job) -> None:
    card = (job.out / "MODEL_CARD.md").read_text("utf-8")
    assert "Apache" in card
    assert "PP-OCRv6" in card


def test_both_looks_count_where_the_first_is_unsure() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random(400) < 0.5
    fast, exact = (np.where(truth, 1.0, -1.0) + rng.normal(0, noise, 400) for noise in (2.0, 0.7))
    sure, band = Calibration(slope=1.0, offset=0.0), HandOver(low=0.1, high=0.9)
    scores, unsure, both = train_cascade.cascade_scores(fast, exact, truth, sure=sure, band=band)
    assert np.array_equal(scores[~unsure], train_cascade.probabilities(sure, fast)[~unsure])
    assert np.array_equal(unsure, [band.unsure(sure.probability(logit)) for logit in fast])
    assert both.fast == pytest.approx(both.exact * train_cascade.FAST_SHARE)
    assert abs(scores[unsure].mean() - truth[unsure].mean()) < 0.02  # calibrated: the mean is the share of positives
    assert metrics.auc(scores, truth) > metrics.auc(fast, truth) + 0.1
