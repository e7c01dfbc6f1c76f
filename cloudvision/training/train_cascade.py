"""Join a trained fast and a trained exact stage to a cascade, with a certified threshold.

    python -m cloudvision.training.train_cascade CORPUS -o FOLDER
        --fast FOLDER --exact FOLDER --fast-logits DIR --exact-logits DIR

The two DIR hold `fold-K-logits.npy` of every fold, as `train_gate` and `train_exact` leave them in their work folders: logits
of pictures whose source the scoring network had not seen. Where the fast stage is unsure, the exact logit and a tenth of the
fast one are added and calibrated (Platt); the threshold is certified on the scores that come out.

The tenth is fixed: a weight fitted freely is three to five times larger, since the fast stage is good on most sources, and then
costs more on the few where it is blind than it brings elsewhere.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cloudvision.gate import calibrate, metrics, rewrite
from cloudvision.gate.cascade import CascadeFolder, Combination, HandOver, Part, describe
from cloudvision.gate.folder import Calibration, ModelFolder, open_folder
from cloudvision.training.calibrate import platt
from cloudvision.training.data import data_digest, folds, read_corpus
from cloudvision.training.evidence import Evidence
from cloudvision.training.exact_card import cascade_card
from cloudvision.training.model_folder import calibrated, print_rows

VERSION = "1"
FAST_SHARE = 0.1
Logits = NDArray[np.float64]


def held_out(folder: Path, fold: NDArray[np.int64]) -> Logits:
    """(n,) logits from `fold-K-logits.npy`, K from 0 on."""
    out = np.zeros(len(fold))
    for k in range(int(fold.max()) + 1):
        out[fold == k] = np.load(folder / f"fold-{k}-logits.npy", allow_pickle=False)
    return out


def probabilities(calibration: Calibration, logits: Logits) -> metrics.Scores:
    return np.array([calibration.probability(float(logit)) for logit in logits])


def fitted(fast: Logits, exact: Logits, truth: metrics.Truth) -> Combination:
    both = platt(exact + FAST_SHARE * fast, truth)
    return Combination(fast=both.slope * FAST_SHARE, exact=both.slope, offset=both.offset)


def cascade_scores(
    fast: Logits, exact: Logits, truth: metrics.Truth, *, sure: Calibration, band: HandOver
) -> tuple[metrics.Scores, metrics.Truth, Combination]:
    """(n,) probabilities of the cascade, where the exact look was taken, and the combination fitted there."""
    scores = probabilities(sure, fast)
    unsure = np.array([band.unsure(float(p)) for p in scores])
    combination = fitted(fast[unsure], exact[unsure], truth[unsure])
    both = zip(fast[unsure], exact[unsure], strict=True)
    scores[unsure] = [combination.probability(float(f), float(e)) for f, e in both]
    return scores, unsure, combination


def write(
    out: Path, *, corpus: Path, fast: ModelFolder, exact: ModelFolder, logits: tuple[Logits, Logits], band: HandOver
) -> Evidence:
    samples = read_corpus(corpus)
    truth = np.array([fast.criterion.meets(sample.lines) for sample in samples], dtype=bool)
    scores, unsure, combination = cascade_scores(*logits, truth, sure=fast.calibration, band=band)
    groups = tuple(sample.group for sample in samples)
    certificate = calibrate.certify(scores, truth, groups=groups, data_sha256=data_digest(corpus))
    evidence = Evidence(
        groups=groups,
        scores=scores,
        worth=truth,
        clear=truth | np.array([not sample.lines for sample in samples], dtype=bool),
        calibration=fast.calibration,
        threshold=rewrite.rounded(certificate.threshold),
        recall=certificate.recall,
        certificate=certificate,
    )
    folder = CascadeFolder(
        path=out,
        name="cascade",
        version=VERSION,
        fast=Part(fast.path, fast.sha256),
        exact=Part(exact.path, exact.sha256),
        hand_over=band,
        combination=combination,
        threshold=evidence.threshold,
        criterion=fast.criterion,
    )
    near = {name: os.path.relpath(part.path, out) for name, part in (("fast", fast), ("exact", exact))}
    config = describe(folder, **near) | calibrated(evidence)
    config["exact_share"] = round(float(unsure.mean()), 4)
    card = cascade_card(
        evidence,
        version=VERSION,
        hand_over=band,
        combination=combination,
        exact_share=float(unsure.mean()),
        folds=5,
        side=exact.preprocessing.side,
    )
    out.mkdir(parents=True, exist_ok=True)
    (out / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    (out / "MODEL_CARD.md").write_text(card, encoding="utf-8")
    return evidence


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("corpus", type=Path)
    for name in ("fast", "exact", "fast-logits", "exact-logits"):
        p.add_argument(f"--{name}", type=Path, required=True)
    p.add_argument("-o", "--out", type=Path, required=True)
    p.add_argument("--low", type=float, default=0.02, help="below this probability the fast look decides: skip")
    p.add_argument("--high", type=float, default=0.90, help="from this probability on the fast look decides: call")
    a = p.parse_args()
    fold = folds(read_corpus(a.corpus), count=5, seed=0)
    evidence = write(
        a.out,
        corpus=a.corpus,
        fast=open_folder(a.fast),
        exact=open_folder(a.exact),
        logits=(held_out(a.fast_logits, fold), held_out(a.exact_logits, fold)),
        band=HandOver(low=a.low, high=a.high),
    )
    c = evidence.confusion()
    print(f"wrote {a.out}: threshold {evidence.threshold:.6f}, recall {c.recall:.3f}, specificity {c.specificity:.3f}")
    print_rows(evidence)


if __name__ == "__main__":
    main()
