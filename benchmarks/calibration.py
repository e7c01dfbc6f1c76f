"""How often a certified threshold misses its target, over many simulated calibration sets.

    python benchmarks/calibration.py [--draws 400]

Scores of positives are normal. *Exchangeable*: all of one distribution; the target must be missed in at most 1 - confidence of
the draws. *Groups*: sources with log-normal sizes (median 20 positives, sigma 1) whose mean scores differ by `spread`
standard deviations of one source; here the rule is an approximation, and this is how good it is. The true recall of a
threshold is that on the positives of 12,000 further groups. "Not certified" are the draws that were refused for too few
independent positives. A plain bootstrap over whole groups, which is what one would try first, stands beside it.
"""

from __future__ import annotations

import argparse
import math

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from cloudvision.errors import ConfigError
from cloudvision.gate import groups as grouped
from cloudvision.gate.calibrate import certify

RECALL = CONFIDENCE = 0.95


def positives(rng: Generator, *, groups: int, spread: float) -> tuple[NDArray[np.float64], NDArray[np.str_]]:
    """Scores of the positives of some sources, and the name of the source of each."""
    sizes = np.maximum(1, np.round(np.exp(rng.normal(math.log(20), 1.0, groups)))).astype(int)
    members = np.repeat(np.arange(groups), sizes)
    return rng.normal(rng.normal(0, spread, groups)[members], 1.0), members.astype(str)


def exchangeable(draws: int) -> None:
    print("| positives | target missed | recall, mean |")
    print("|---|---|---|")
    rng = np.random.default_rng(0)
    for count in (59, 100, 300, 1_000, 3_000):
        # A uniform score: the recall of a threshold t is 1 - t.
        kept = [1 - certify(rng.random(count), np.ones(count, dtype=bool)).threshold for _ in range(draws)]
        print(f"| {count} | {np.mean(np.array(kept) < RECALL):.1%} | {np.mean(kept):.3f} |")


def in_groups(draws: int) -> None:
    print("| groups | spread | target missed | by a plain bootstrap | not certified | recall, mean |")
    print("|---|---|---|---|---|---|")
    for groups in (20, 40, 80):
        for spread in (0.0, 0.5, 1.0):
            further, _ = positives(np.random.default_rng(99), groups=12_000, spread=spread)
            rng = np.random.default_rng(1)
            kept, plain, refused = [], [], 0
            for _ in range(draws):
                scores, names = positives(rng, groups=groups, spread=spread)
                plain.append((further >= bootstrapped(scores, names, rng)).mean())
                try:
                    found = certify(scores, np.ones(len(scores), dtype=bool), groups=names.tolist())
                except ConfigError:
                    refused += 1
                    continue
                kept.append((further >= found.threshold).mean())
            missed, alone = np.mean(np.array(kept) < RECALL), np.mean(np.array(plain) < RECALL)
            print(f"| {groups} | {spread} | {missed:.1%} | {alone:.1%} | {refused / draws:.1%} | {np.mean(kept):.3f} |")


def bootstrapped(scores: NDArray[np.float64], names: NDArray[np.str_], rng: Generator) -> float:
    """The 5 % quantile, over resamples of whole groups, of the threshold that has the recall in each."""
    _, members = np.unique(names, return_inverse=True)
    order = np.argsort(scores)
    return grouped.bootstrap(
        scores[order], members[order], groups=int(members.max()) + 1, recall=RECALL, confidence=CONFIDENCE, rng=rng
    )


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--draws", type=int, default=400)
    a = p.parse_args()
    print(f"\nrecall {RECALL} at confidence {CONFIDENCE}, {a.draws} draws each\n")
    exchangeable(a.draws)
    print()
    in_groups(a.draws)


if __name__ == "__main__":
    main()
