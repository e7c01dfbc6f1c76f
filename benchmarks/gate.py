"""The gate on a labelled corpus: quality on sources it was not trained on, and what a look costs.

    python benchmarks/gate.py CORPUS [--model FOLDER] [--pictures 400]

CORPUS holds manifest.csv and lines.jsonl (see cloudvision/training/data.py), and may hold full-size photos in originals/.
Quality is measured on the sources that the model's config.json lists as held out. A model trained on all sources has none:
then the row says "seen", and is no test. `train_gate --ship-fold` writes a folder with held-out sources, of the same recipe.
Times are of one thread of this machine; the decoding alone is the floor of what any gate can cost.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from cloudvision.gate import Criterion, Gate, metrics
from cloudvision.images import Image, load
from cloudvision.training.data import Sample, read_corpus

T = TypeVar("T")


def quality(gate: Gate, samples: Sequence[Sample], *, seen: bool) -> None:
    worth = np.array([Criterion().meets(sample.lines) for sample in samples], dtype=bool)
    clear = worth | np.array([not sample.lines for sample in samples], dtype=bool)
    scores = np.array([gate.score(opened(sample.path)) for sample in samples])
    what = "SEEN in training: no test" if seen else "held out"
    print(f"\n{len(samples)} pictures of {len({s.group for s in samples})} sources, {what}; {gate.model}\n")
    print("| truth | AUC | specificity at recall 0.95 | at recall 0.98 | at the threshold: recall | specificity |")
    print("|---|---|---|---|---|---|")
    for name, some in (("criterion", np.ones_like(worth)), ("clear cases", clear)):
        s, y = scores[some], worth[some]
        at = [metrics.specificity_at_recall(s, y, recall=recall) for recall in (0.95, 0.98)]
        c = metrics.confusion(s, y, threshold=gate.threshold)
        print(
            f"| {name} | {metrics.auc(s, y):.3f} | {at[0]:.3f} | {at[1]:.3f} | {c.recall:.3f} | {c.specificity:.3f} |"
        )


def opened(path: Path) -> Image:
    return load(path.read_bytes(), name=path.name)


def timed(work: Callable[[T], object], items: Sequence[T]) -> tuple[float, float, float]:
    """(mean, median, 95th percentile) in ms over items; each is done twice and the quicker try counts (a noisy machine)."""
    for item in items[:5]:
        work(item)
    taken = []
    for item in items:
        tries = []
        for _ in range(2):
            start = time.perf_counter()
            work(item)
            tries.append(time.perf_counter() - start)
        taken.append(min(tries) * 1e3)
    return float(np.mean(taken)), float(np.median(taken)), float(np.quantile(taken, 0.95))


def times(gate: Gate, paths: Sequence[Path], *, title: str) -> None:
    side = gate.first.folder.preprocessing.side
    data = [path.read_bytes() for path in paths]
    inputs = [gate.first.folder.preprocessing.apply(load(some).pixels(max_side=side)) for some in data]
    rows = (
        ("bytes to verdict", timed(lambda some: gate.judge(load(some)), data)),
        ("decoding alone", timed(lambda some: load(some).pixels(max_side=side), data)),
        ("inference alone", timed(lambda x: gate.first.session.run(None, {gate.first.folder.input_name: x}), inputs)),
    )
    print(f"\n{title}: {len(paths)} pictures, one thread\n")
    print("| what | ms mean | median | p95 |")
    print("|---|---|---|---|")
    for name, (mean, median, high) in rows:
        print(f"| {name} | {mean:.2f} | {median:.2f} | {high:.2f} |")
    (whole, middle, _), (floor, floor_middle, _) = rows[0][1], rows[1][1]
    print(f"\nverdict / decoding: {whole / floor:.2f} in the mean, {middle / floor_middle:.2f} in the median")


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("corpus", type=Path)
    p.add_argument("--model", default="fast", help="a shipped gate's name, or a model folder")
    p.add_argument("--pictures", type=int, default=400, help="how many of the corpus are timed")
    a = p.parse_args()
    gate = Gate.load(a.model)
    size = sum(file.stat().st_size for file in gate.first.folder.path.iterdir())
    print(f"{gate.model}: threshold {gate.threshold:.4f}, folder {size / 1e6:.2f} MB")

    samples = read_corpus(a.corpus)
    held = set(json.loads((gate.first.folder.path / "config.json").read_text("utf-8"))["training"]["held_out"])
    quality(gate, [s for s in samples if s.group in held] if held else samples, seen=not held)
    order = np.random.default_rng(0).permutation(len(samples))[: a.pictures]
    times(gate, [samples[int(i)].path for i in order], title="corpus")
    originals = sorted((a.corpus / "originals").glob("*.*"))
    if originals:
        times(gate, originals, title="originals, full size")


if __name__ == "__main__":
    main()
