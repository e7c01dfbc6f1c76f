"""What more sources would bring: a stage trained on a quarter, a half and all of the sources.

    python benchmarks/learning_curve.py CORPUS --work DIR [--stage exact|fast] [--folds 5] [--draws 3]

DIR is the work folder of `train_exact` or `train_gate`, whose features or pixels are used again. Every fold is scored by
networks that have not seen its sources; which sources make up a quarter is drawn with a fixed seed, `--draws` times. A fast
stage takes minutes to train: it is kept in DIR, and `--folds 1 --draws 1` is a start.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cloudvision.gate import Criterion, metrics
from cloudvision.gate.preprocess import Preprocessing
from cloudvision.training import augment
from cloudvision.training.batches import Pictures
from cloudvision.training.data import Sample, cache_pixels, folds, read_corpus
from cloudvision.training.detector import Trunk, detector_file, trunk
from cloudvision.training.exact_graph import OPSET
from cloudvision.training.features import cache_features
from cloudvision.training.fit import Recipe, predict, train
from cloudvision.training.fit_readout import ReadOutRecipe, draw_cells, logits, train_readout
from cloudvision.training.network import Shape, TextNet
from cloudvision.training.readout import ReadOutShape

Members = NDArray[np.int64]
Score = Callable[[Members, Members, str], NDArray[np.float64]]
"""(trained on, scored, name of the run) -> logits of the scored."""


def exact_look(samples: tuple[Sample, ...], work: Path) -> Score:
    recipe, shape = ReadOutRecipe(), ReadOutShape(members=1)
    eyes = Trunk(trunk(detector_file(), opset=OPSET))
    features = cache_features(samples, eyes, preprocessing=Preprocessing(side=recipe.side, multiple=32), folder=work)
    cells = draw_cells(samples, features, np.random.default_rng(0))

    def score(members: Members, which: Members, _: str) -> NDArray[np.float64]:
        net = train_readout(
            samples, features, cells, members=members, criterion=Criterion(), recipe=recipe, shape=shape
        )
        return logits(net, features, which)

    return score


def fast_look(samples: tuple[Sample, ...], work: Path) -> Score:
    recipe = Recipe()
    pixels = cache_pixels(samples, side=recipe.side, folder=work)
    pictures = Pictures(samples, pixels, Criterion(), augment.fonts(), strength=recipe.strength)
    place = work / "learning-curve"
    place.mkdir(exist_ok=True)

    def score(members: Members, which: Members, name: str) -> NDArray[np.float64]:
        done = place / f"{name}.npy"
        if not done.is_file():
            standing = place / f"{name}-standing.npz"
            net = train(pictures, recipe=recipe, members=members, held=which, net=TextNet(Shape()), checkpoint=standing)
            np.save(done, predict(net, pixels, which, side=recipe.side))
        return np.asarray(np.load(done, allow_pickle=False), dtype=np.float64)

    return score


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("corpus", type=Path)
    p.add_argument("--work", type=Path, required=True)
    p.add_argument("--stage", choices=("exact", "fast"), default="exact")
    p.add_argument("--folds", type=int, default=5, help="how many of the five are scored")
    p.add_argument("--draws", type=int, default=3)
    a = p.parse_args()
    samples = read_corpus(a.corpus)
    score = (exact_look if a.stage == "exact" else fast_look)(samples, a.work)
    fold = folds(samples, count=5, seed=0)
    truth = np.array([Criterion().meets(sample.lines) for sample in samples], dtype=bool)
    groups = np.array([sample.group for sample in samples])
    print("| sources | AUC | specificity at recall 0.95 | at 0.98 |")
    print("|---|---|---|---|")
    held = fold < a.folds
    for share in (0.25, 0.5, 1.0):
        found = []
        for draw in range(a.draws if share < 1 else 1):
            rng, scores = np.random.default_rng(draw), np.zeros(len(samples))
            for k in range(a.folds):
                known = np.unique(groups[fold != k])
                some = rng.permutation(known)[: max(2, round(share * len(known)))]
                members, which = np.flatnonzero(np.isin(groups, some)), np.flatnonzero(fold == k)
                scores[which] = score(members, which, f"fold-{k}-{share:.2f}-{draw}")
            s, y = scores[held], truth[held]
            found.append(
                [metrics.auc(s, y), *(metrics.specificity_at_recall(s, y, recall=recall) for recall in (0.95, 0.98))]
            )
        cells_of = [f"{np.mean(v):.3f} ({np.min(v):.3f} to {np.max(v):.3f})" for v in zip(*found, strict=True)]
        print(f"| {share:.0%} | {' | '.join(cells_of)} |", flush=True)


if __name__ == "__main__":
    main()
