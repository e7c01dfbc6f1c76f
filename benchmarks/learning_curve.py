"""What more sources would bring the exact stage: its read-out trained on a quarter, a half and all of the sources.

    python benchmarks/learning_curve.py CORPUS --work DIR

DIR is the work folder of `train_exact`, whose features are used again. Every fold is scored by read-outs that have not seen its
sources; which sources make up a quarter is drawn with a fixed seed, three times.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from cloudvision.gate import Criterion, metrics
from cloudvision.gate.preprocess import Preprocessing
from cloudvision.training.data import folds, read_corpus
from cloudvision.training.detector import Trunk, detector_file, trunk
from cloudvision.training.exact_graph import OPSET
from cloudvision.training.features import cache_features
from cloudvision.training.fit_readout import ReadOutRecipe, draw_cells, logits, train_readout
from cloudvision.training.readout import ReadOutShape


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("corpus", type=Path)
    p.add_argument("--work", type=Path, required=True)
    p.add_argument("--folds", type=int, default=5, help="how many of the five are scored")
    p.add_argument("--draws", type=int, default=3)
    a = p.parse_args()
    recipe, shape, criterion = ReadOutRecipe(), ReadOutShape(members=1), Criterion()
    samples = read_corpus(a.corpus)
    eyes = Trunk(trunk(detector_file(), opset=OPSET))
    features = cache_features(samples, eyes, preprocessing=Preprocessing(side=recipe.side, multiple=32), folder=a.work)
    cells = draw_cells(samples, features, np.random.default_rng(0))
    fold = folds(samples, count=5, seed=0)
    truth = np.array([criterion.meets(sample.lines) for sample in samples], dtype=bool)
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
                members = np.flatnonzero(np.isin(groups, some))
                net = train_readout(
                    samples, features, cells, members=members, criterion=criterion, recipe=recipe, shape=shape
                )
                which = np.flatnonzero(fold == k)
                scores[which] = logits(net, features, which)
            s, y = scores[held], truth[held]
            found.append(
                [metrics.auc(s, y), *(metrics.specificity_at_recall(s, y, recall=recall) for recall in (0.95, 0.98))]
            )
        cells_of = [f"{np.mean(v):.3f} ({np.min(v):.3f} to {np.max(v):.3f})" for v in zip(*found, strict=True)]
        print(f"| {share:.0%} | {' | '.join(cells_of)} |", flush=True)


if __name__ == "__main__":
    main()
