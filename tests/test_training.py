"""From pictures with lines to a model folder, on a corpus small enough to make here."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont
import pytest

from cloudvision._onnxruntime import quiet
from cloudvision.errors import ConfigError
from cloudvision.gate import Criterion, Gate
from cloudvision.geometry import Polygon
from cloudvision.images import load
from cloudvision.results import Line

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'cloudvision-gate[train]'")
onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install 'cloudvision-gate[train]'")

from cloudvision.training import augment, batches, data, evidence, export, fit, network, targets, train_gate  # noqa: E402
from cloudvision.training.calibrate import platt  # noqa: E402

TINY = network.Shape(widths=(4, 8, 8, 8, 8), depths=(1, 1, 1, 1), pyramid=8, hidden=8)
RECIPE = fit.Recipe(epochs=2, batch=4, side=64, small_side=64, workers=0)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixteen pictures of four sources, every other one with two lines of text."""
    folder = tmp_path_factory.mktemp("corpus")
    rng = np.random.default_rng(0)
    rows, read = [], []
    for n in range(16):
        image = PIL.Image.fromarray(rng.integers(0, 90, (72, 96, 3), dtype=np.uint8))
        lines = []
        if n % 2:
            for top in (10, 40):
                font = PIL.ImageFont.load_default(16)
                PIL.ImageDraw.Draw(image).text((6, top), "open today", (255, 255, 255), font=font)
                polygon = [[0.05, top / 72], [0.95, top / 72], [0.95, (top + 20) / 72], [0.05, (top + 20) / 72]]
                lines.append({"text": "open today", "confidence": 0.99, "polygon": polygon})
        image.save(folder / f"{n}.png")
        rows.append({"file": f"{n}.png", "set": f"source-{n // 4}"})
        read.append(json.dumps({"file": f"{n}.png", "lines": lines}))
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["file", "set"])
        writer.writeheader()
        writer.writerows(rows)
    (folder / "lines.jsonl").write_text("\n".join(read) + "\n", "utf-8")
    return folder


@pytest.fixture(scope="module")
def pictures(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> batches.Pictures:
    samples = data.read_corpus(corpus)
    pixels = data.cache_pixels(samples, side=64, folder=tmp_path_factory.mktemp("cache"))
    return batches.Pictures(samples, pixels, Criterion(), ())


def job(corpus: Path, tmp_path: Path) -> train_gate.Job:
    return train_gate.Job(
        corpus=corpus,
        out=tmp_path / "model",
        work=tmp_path / "work",
        recipe=RECIPE,
        shape=TINY,
        folds=2,
        run=2,
        all_sources=True,
        recall=0.95,
    )


def a_line(text: str = "open today", left: float = 0.1, right: float = 0.5) -> Line:
    return Line(text, 0.99, Polygon(((left, 0.4), (right, 0.4), (right, 0.6), (left, 0.6))))


def test_two_epochs_change_the_weights_and_export_what_torch_computes(
    pictures: batches.Pictures, tmp_path: Path
) -> None:
    onnxruntime = quiet()

    net = network.TextNet(TINY)
    before = net.stem[0].weight.detach().clone()
    everything = np.arange(16)
    trained = fit.train(
        pictures, recipe=RECIPE, members=everything, held=everything[:8], net=net, checkpoint=tmp_path / "w.npz"
    )
    assert not torch.equal(before, trained.stem[0].weight)
    exported = export.to_onnx(trained)
    assert not {"Transpose", "Sub", "Softplus"} & {node.op_type for node in onnx.load_from_string(exported).graph.node}
    session = onnxruntime.InferenceSession(exported, providers=["CPUExecutionProvider"])
    for height, width in ((32, 64), (96, 64), (64, 32)):
        x = np.random.default_rng(1).integers(0, 256, (2, height, width, 3), dtype=np.uint8)
        with torch.inference_mode():
            expected = trained(torch.from_numpy(x).permute(0, 3, 1, 2).float()).worth.numpy()
        np.testing.assert_allclose(expected, session.run(["logit"], {"pixels": x})[0], atol=1e-4)


def test_a_corpus_becomes_a_folder_that_the_gate_opens(corpus: Path, tmp_path: Path) -> None:
    task = job(corpus, tmp_path)
    train_gate.run(task, command="the command")
    gate = Gate.load(task.out)
    assert 0 <= gate.judge(load((corpus / "1.png").read_bytes())).score <= 1
    card = (task.out / "MODEL_CARD.md").read_text("utf-8")
    assert "the command" in card
    assert "16 pictures of 4 sources (2 of 2 folds)" in card
    config = json.loads((task.out / "config.json").read_text("utf-8"))
    assert config["training"]["data_sha256"] == data.data_digest(corpus)
    first = (task.out / "model.onnx").read_bytes()
    train_gate.run(task, command="the command")
    assert first == (task.out / "model.onnx").read_bytes(), "what is trained already is not trained again"


def test_the_same_seed_makes_the_same_batch(pictures: batches.Pictures) -> None:
    plan = batches.Plan(batches.aspects_of(pictures.pixels), size=4, side=64, seed=7)
    first, again = (pictures[next(iter(plan))] for _ in range(2))
    assert torch.equal(first.pixels, again.pixels)
    assert torch.equal(first.maps, again.maps)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    from cloudvision.training import weights

    weights.save(network.TextNet(TINY), tmp_path / "w.npz")
    with pytest.raises(ConfigError, match="another network"):
        weights.load(network.TextNet(), tmp_path / "w.npz")


def test_no_source_lies_in_two_folds(corpus: Path) -> None:
    samples = data.read_corpus(corpus)
    fold = data.folds(samples, count=3, seed=0)
    assert all(
        len({f for s, f in zip(samples, fold, strict=True) if s.group == g}) == 1 for g in {s.group for s in samples}
    )
    assert set(fold) == {0, 1, 2}


def test_a_corpus_without_lines_is_refused_before_training(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_bytes((corpus / "manifest.csv").read_bytes())
    with pytest.raises(ConfigError, match=r"lines\.jsonl"):
        data.read_corpus(tmp_path)
    (tmp_path / "lines.jsonl").write_text("", "utf-8")
    with pytest.raises(ConfigError, match="no row for 16 files"):
        data.read_corpus(tmp_path)


def test_the_map_says_where_the_lines_are() -> None:
    maps = targets.draw([a_line()], width=100, height=100)
    assert dict(zip(targets.MAPS, maps[:, 50, 30], strict=True)) == {"text": 1, "sure": 1, "core": 1}
    assert dict(zip(targets.MAPS, maps[:, 42, 30], strict=True)) == {"text": 1, "sure": 1, "core": 0}
    assert not maps[:, 50, 60].any()


def test_an_invented_letter_is_no_truth() -> None:
    letter = Line("7", 0.78, Polygon(((0, 0), (1, 0), (1, 1), (0, 1))))
    assert not targets.draw([letter], width=20, height=20).any()


def test_placing_without_strength_keeps_every_line_where_it_is() -> None:
    image = PIL.Image.new("RGB", (96, 64))
    rng = np.random.default_rng(0)
    _, (line,) = augment.place((image, (a_line(),)), rng, size=(96, 64), strength=0.0)
    np.testing.assert_allclose(a_line().polygon.points, line.polygon.points, atol=1e-6)


def test_a_line_cut_off_loses_its_letters() -> None:
    image = PIL.Image.new("RGB", (96, 64))
    _, lines = augment.place(
        (image, (a_line(left=0.5, right=1.5),)), np.random.default_rng(0), size=(96, 64), strength=0.0
    )
    assert [line.text for line in lines] == ["open "]


def test_wiping_leaves_no_line_and_pasting_adds_one() -> None:
    rng = np.random.default_rng(0)
    image = PIL.Image.new("RGB", (96, 64))
    assert augment.wipe((image, (a_line(),)), rng)[1] == ()
    assert len(augment.paste((image, ()), (image, (a_line(),)), rng)[1]) == 1
    assert augment.paste((image, ()), (image, ()), rng)[1] == ()


def test_platt_finds_the_scale_of_logits_made_with_it() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, 20_000)
    truth = rng.random(20_000) < 1 / (1 + np.exp(-(0.5 * logits - 1)))
    found = platt(logits, truth)
    assert (found.slope, found.offset) == (pytest.approx(0.5, abs=0.04), pytest.approx(-1, abs=0.06))


def test_evidence_takes_the_threshold_at_the_recall(corpus: Path) -> None:
    samples = data.read_corpus(corpus)
    logits = np.linspace(-2, 2, 16) + np.array([s.lines != () for s in samples])
    found = evidence.gather(samples, which=np.arange(16), logits=logits, criterion=Criterion(), recall=0.75)
    assert found.confusion().recall == 0.75
    assert sum(c.true_positive + c.false_negative for _, c in found.by_group()) == 8
