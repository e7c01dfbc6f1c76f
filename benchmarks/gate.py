"""The gate beside its rivals: quality on sources that the scoring model had not seen, what a look costs, what it saves.

    python benchmarks/gate.py CORPUS --work DIR --fast-logits DIR --exact-logits DIR [--blog-epochs 7]

CORPUS holds manifest.csv and lines.jsonl (see cloudvision/training/data.py), and may hold full-size photos in originals/.
The two logits folders are what `train_gate` and `train_exact` leave of their five folds by source; the read-outs of the
detector are trained here on the same folds, and so is the blog's network, on one of them (`--blog-epochs 0` leaves it out).
What is done lies in `--work` and is not done again. Times are of this process's CPU on one thread: a busy machine disturbs
them least.
Needs opencv and scikit-learn (`pip install scikit-learn '.[local,train]'`).
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as Pillow
from text_detector import Detector, ReadOut, cached_statistics, statistics

from cloudvision import prices
from cloudvision._onnxruntime import one_thread
from cloudvision.errors import ConfigError
from cloudvision.gate import Criterion, Gate, calibrate, metrics
from cloudvision.images import load
from cloudvision.training.blog_network import SIDE, BlogNet, BlogRecipe, predict_blog, train_blog
from cloudvision.training.data import Sample, folds, read_corpus
from cloudvision.training.train_cascade import cascade_scores, held_out

T = TypeVar("T")
CORE_HOUR_USD = 0.04


@dataclass(frozen=True)
class Data:
    samples: tuple[Sample, ...]
    fold: NDArray[np.int64]
    truth: metrics.Truth
    clear: metrics.Truth
    groups: tuple[str, ...]

    @property
    def weights(self) -> NDArray[np.float64]:
        sizes = {group: self.groups.count(group) for group in set(self.groups)}
        return np.array([sizes[group] ** -0.5 for group in self.groups])


@dataclass(frozen=True)
class Look:
    """CPU milliseconds: with the decoding, and without."""

    whole: tuple[float, float]  # mean, 95th percentile
    bare: tuple[float, float]


@dataclass(frozen=True)
class Row:
    name: str
    scores: metrics.Scores
    which: metrics.Truth  # pictures that were scored
    look: Look | None
    megabytes: float


def read(corpus: Path) -> Data:
    samples = read_corpus(corpus)
    truth = np.array([Criterion().meets(sample.lines) for sample in samples], dtype=bool)
    clear = truth | np.array([not sample.lines for sample in samples], dtype=bool)
    return Data(samples, folds(samples, count=5, seed=0), truth, clear, tuple(sample.group for sample in samples))


def timed(work: Callable[[T], object], items: Sequence[T]) -> list[float]:
    """CPU ms of each; each is done three times and the quickest counts."""
    for item in items[:3]:
        work(item)
    taken = []
    for item in items:
        tries = []
        for _ in range(3):
            start = time.process_time()
            work(item)
            tries.append(time.process_time() - start)
        taken.append(min(tries) * 1e3)
    return taken


def summary(values: Sequence[float]) -> tuple[float, float]:
    return float(np.mean(values)), float(np.quantile(values, 0.95))


def look_of_gate(gate: Gate, data: list[bytes]) -> Look:
    """Without the decoding: the pictures come as arrays of the size that the looks take."""
    side = gate.first.side if gate.second is None else max(gate.first.side, gate.second.stage.side)
    ready = [load(load(some).pixels(max_side=side)) for some in data]
    floor = timed(lambda image: image.pixels(max_side=gate.first.side), ready)
    bare = timed(gate.judge, ready)
    return Look(
        summary(timed(lambda some: gate.judge(load(some)), data)),
        summary([max(0.0, all_ - png) for all_, png in zip(bare, floor, strict=True)]),
    )


def look_of_detector(detector: Detector, data: list[bytes], readout: ReadOut | None) -> Look:
    def score(prepared: NDArray[np.float32]) -> object:
        found = detector.text_map(prepared)
        return found.max() if readout is None else statistics(found)

    def opened(some: bytes) -> Pillow.Image:
        return Pillow.fromarray(load(some).pixels(max_side=detector.side))

    ready = [opened(some) for some in data]
    # The trees' own time is left out: one call for one row is all overhead of scikit-learn.
    return Look(
        summary(timed(lambda some: score(detector.prepare(opened(some))), data)),
        summary(timed(lambda image: score(detector.prepare(image)), ready)),
    )


def detector_rows(data: Data, *, side: int, work: Path, timings: list[bytes]) -> list[Row]:
    numbers = np.nan_to_num(cached_statistics([s.path for s in data.samples], side=side, work=work))
    scores = np.zeros(len(numbers))
    for k in range(5):
        learn = data.fold != k
        readout = ReadOut.train(numbers[learn], data.truth[learn], data.weights[learn])
        scores[~learn] = readout.score(numbers[~learn])
    every, detector, size = np.ones(len(numbers), dtype=bool), Detector.open(side), 9.9
    return [
        Row(
            f"detector at {side}, maximum",
            numbers[:, 0].astype(float),
            every,
            look_of_detector(detector, timings, None),
            size,
        ),
        Row(f"detector at {side}, read-out", scores, every, look_of_detector(detector, timings, readout), size),
    ]


def blog_row(data: Data, *, epochs: int, work: Path, timings: list[bytes]) -> Row:
    file, held = work / f"blog-fold-0-{epochs}.npy", data.fold == 0
    if not file.is_file():
        pixels = np.stack([square(sample.path.read_bytes()) for sample in data.samples])
        net = train_blog(
            pixels[~held],
            data.truth[~held],
            recipe=BlogRecipe(epochs=epochs),
            told=lambda epoch, loss: print(f"blog's network: epoch {epoch}, loss {loss:.3f}", flush=True),
        )
        np.save(file, predict_blog(net, pixels[held]))
    scores = np.zeros(len(data.truth))
    scores[held] = np.load(file, allow_pickle=False)
    torch.set_num_threads(1)
    net = BlogNet().eval()  # its time does not depend on its weights
    session = in_onnxruntime(net)

    def predict(pixels: NDArray[np.uint8]) -> object:
        planes = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2), dtype=np.float32)
        return session.run(None, {"pixels": planes})

    ready = [square(some)[None] for some in timings]
    look = Look(summary(timed(lambda some: predict(square(some)[None]), timings)), summary(timed(predict, ready)))
    in_torch = summary(timed(lambda pixels: predict_blog(net, pixels), ready))
    print(
        f"blog's network alone: {look.bare[0]:.1f} ms in ONNX Runtime, {in_torch[0]:.1f} ms in PyTorch; one thread each"
    )
    return Row(f"blog's network (fold 1 of 5, {epochs} epochs)", scores, held, look, 1.8)


def in_onnxruntime(net: BlogNet) -> Any:
    """A session of one thread: the engine that ours run in."""
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "blog.onnx"
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(net, (torch.zeros(1, 3, SIDE, SIDE),), str(file), input_names=["pixels"], dynamo=False)
        return one_thread(file.read_bytes())


def square(some: bytes) -> NDArray[np.uint8]:
    image = Pillow.fromarray(load(some).pixels(max_side=480)).resize((SIDE, SIDE), Pillow.Resampling.BILINEAR)
    return np.array(image)


def saved(row: Row, data: Data) -> tuple[float, float]:
    """Specificity at the certified threshold, and USD saved per 1,000 pictures: calls not made in vain, less the CPU.

    NaN where no threshold can be certified.
    """
    s, y = row.scores[row.which], data.truth[row.which]
    groups = [group for group, has in zip(data.groups, row.which, strict=True) if has]
    try:
        certificate = calibrate.certify(s, y, groups=groups)
    except ConfigError:
        return float("nan"), float("nan")
    c = metrics.confusion(s, y, threshold=certificate.threshold)
    cpu = 0.0 if row.look is None else row.look.whole[0] / 3.6e6 * CORE_HOUR_USD
    price = prices.price("aws-rekognition/DetectText", 1) / 1e6
    return c.specificity, 1000 * (c.true_negative / len(y) * price - cpu)


def show(rows: list[Row], data: Data) -> None:
    ours = next(row for row in rows if row.name == "ours, cascade")
    print(f"\n{len(data.truth)} pictures, {int(data.truth.sum())} meet the criterion; criterion / clear cases\n")
    print(
        "| what | AUC | specificity at recall 0.95 | at 0.98 | ms a picture, mean (p95) | without decoding "
        "| MB | specificity, certified | saved, USD per 1,000 | ms of ours / its |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for row in rows:
        cells = [row.name]
        some = [row.which, row.which & data.clear]
        cells.append(" / ".join(f"{metrics.auc(row.scores[s], data.truth[s]):.4f}" for s in some))
        for recall in (0.95, 0.98):
            at = [metrics.specificity_at_recall(row.scores[s], data.truth[s], recall=recall) for s in some]
            cells.append(" / ".join(f"{v:.3f}" for v in at))
        if row.look is None:
            cells += ["0", "0"]
        else:
            cells += [f"{mean:.1f} ({high:.1f})" for mean, high in (row.look.whole, row.look.bare)]
        certified, usd = saved(row, data)
        cells += [f"{row.megabytes:.1f}", f"{certified:.3f}", f"{usd:.4f}"]
        cells.append("-" if row.look is None or ours.look is None else f"{ours.look.whole[0] / row.look.whole[0]:.2f}")
        print(f"| {' | '.join(cells)} |")


def originals(corpus: Path, gates: dict[str, Gate]) -> None:
    data = [path.read_bytes() for path in sorted((corpus / "originals").glob("*.*"))]
    if not data:
        return
    print(
        f"\n{len(data)} photographs at full size, CPU ms on one thread, mean / median, and as a ratio to the decode alone\n"
    )
    for name, gate in gates.items():
        floor, whole = [], []
        for some in data:  # in turn, so that what else runs here disturbs both alike
            turns = [
                (
                    timed(lambda one, side=gate.first.side: load(one).pixels(max_side=side), [some])[0],
                    timed(lambda one, gate=gate: gate.judge(load(one)), [some])[0],
                )
                for _ in range(2)
            ]
            floor.append(min(turn[0] for turn in turns))
            whole.append(min(turn[1] for turn in turns))
        both = [(float(np.mean(v)), float(np.median(v))) for v in (whole, floor)]
        ratios = f"{both[0][0] / both[1][0]:.2f} / {both[0][1] / both[1][1]:.2f}"
        print(
            f"{name}: verdict {both[0][0]:.1f} / {both[0][1]:.1f}, decode {both[1][0]:.1f} / {both[1][1]:.1f}: {ratios}"
        )


def megabytes(*folders: Path) -> float:
    return sum(file.stat().st_size for folder in folders for file in folder.iterdir()) / 1e6


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("corpus", type=Path)
    p.add_argument("--work", type=Path, required=True, help="cache and results of what is done")
    p.add_argument("--fast-logits", type=Path, required=True)
    p.add_argument("--exact-logits", type=Path, required=True)
    p.add_argument("--blog-epochs", type=int, default=7)
    p.add_argument("--pictures", type=int, default=150, help="how many are timed")
    a = p.parse_args()
    a.work.mkdir(parents=True, exist_ok=True)
    data = read(a.corpus)
    order = np.random.default_rng(0).permutation(len(data.samples))[: a.pictures]
    timings = [data.samples[int(i)].path.read_bytes() for i in order]

    cascade, fast, exact = Gate.load("cascade"), Gate.load("fast"), Gate.load("exact")
    assert cascade.second is not None
    logits = held_out(a.fast_logits, data.fold), held_out(a.exact_logits, data.fold)
    scores, unsure, _ = cascade_scores(
        *logits, data.truth, sure=fast.first.folder.calibration, band=cascade.second.hand_over
    )
    every = np.ones(len(data.truth), dtype=bool)
    places = [gate.first.folder.path for gate in (fast, exact)]
    rows = [
        Row("ours, fast", logits[0], every, look_of_gate(fast, timings), megabytes(places[0])),
        Row("ours, exact alone", logits[1], every, look_of_gate(exact, timings), megabytes(places[1])),
        Row("ours, cascade", scores, every, look_of_gate(cascade, timings), megabytes(*places)),
    ]
    print(f"the cascade takes its second look at {unsure.mean():.1%} of the pictures")
    for side in (320, 640):
        rows += detector_rows(data, side=side, work=a.work, timings=timings)
    if a.blog_epochs:
        blog = blog_row(data, epochs=a.blog_epochs, work=a.work, timings=timings)
        rows.append(blog)
        assert blog.look is not None
        pixels = [load(some).pixels(max_side=fast.first.side) for some in timings]
        alone = summary(timed(fast.first.logit, pixels))[0]
        print(f"inference alone: fast look {alone:.2f} ms, {alone / blog.look.bare[0]:.3f} of the blog's network")
    rows.append(Row("always call", np.ones(len(data.truth)), every, None, 0.0))
    show(rows, data)
    originals(a.corpus, {"fast": fast, "cascade": cascade})


if __name__ == "__main__":
    main()
