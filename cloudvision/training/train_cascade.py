"""Join a trained fast and a trained exact stage to a cascade, with a certified threshold.

    python -m cloudvision.training.train_cascade CORPUS -o FOLDER
        --fast FOLDER --exact FOLDER --fast-logits DIR --exact-logits DIR

The two DIR hold `fold-K-logits.npy` of every fold, as `train_gate` and `train_exact` leave them in their work folders: logits
of pictures whose source the scoring network had not seen. For each fold a logistic combination of both logits is fitted on
the other folds, over the pictures that the fast stage is unsure of; the threshold is certified on the scores that come out.
"""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cloudvision.gate import calibrate, drift, metrics, rewrite
from cloudvision.gate.cascade import CascadeFolder, Combination, HandOver, Part, describe
from cloudvision.gate.folder import Calibration, ModelFolder, open_folder
from cloudvision.training.calibrate import logistic
from cloudvision.training.data import data_digest, folds, read_corpus
from cloudvision.training.evidence import Evidence
from cloudvision.training.exact_card import cascade_card

VERSION = "1"
Logits = NDArray[np.float64]


def held_out(folder: Path, fold: NDArray[np.int64]) -> Logits:
    """(n,) logits from `fold-K-logits.npy`, K from 0 on."""
    out = np.zeros(len(fold))
    for k in range(int(fold.max()) + 1):
        out[fold == k] = np.load(folder / f"fold-{k}-logits.npy", allow_pickle=False)
    return out


def probabilities(calibration: Calibration, logits: Logits) -> metrics.Scores:
    return np.array([calibration.probability(float(logit)) for logit in logits])


def combined(fast: Logits, exact: Logits, combination: Combination) -> metrics.Scores:
    return np.array([combination.probability(float(f), float(e)) for f, e in zip(fast, exact, strict=True)])


def fitted(fast: Logits, exact: Logits, truth: metrics.Truth) -> Combination:
    weights = logistic(np.stack([fast, exact], axis=1), truth)
    return Combination(fast=weights[0], exact=weights[1], offset=weights[2])


def cascade_scores(
    fast: Logits, exact: Logits, truth: metrics.Truth, fold: NDArray[np.int64], *, sure: Calibration, band: HandOver
) -> tuple[metrics.Scores, metrics.Truth]:
    """(n,) scores of the cascade, each from a combination that knew other folds only, and where the exact look was taken."""
    scores = probabilities(sure, fast)
    unsure = np.array([band.unsure(float(p)) for p in scores])
    for k in range(int(fold.max()) + 1):
        learn, held = unsure & (fold != k), unsure & (fold == k)
        scores[held] = combined(fast[held], exact[held], fitted(fast[learn], exact[learn], truth[learn]))
    return scores, unsure


def write(
    out: Path, *, corpus: Path, fast: ModelFolder, exact: ModelFolder, logits: tuple[Logits, Logits], band: HandOver
) -> Evidence:
    samples = read_corpus(corpus)
    fold = folds(samples, count=5, seed=0)
    truth = np.array([fast.criterion.meets(sample.lines) for sample in samples], dtype=bool)
    scores, unsure = cascade_scores(*logits, truth, fold, sure=fast.calibration, band=band)
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
    )
    combination = fitted(logits[0][unsure], logits[1][unsure], truth[unsure])
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
    config = describe(folder, **near) | rewrite.entries(certificate, drift.reference_of(scores))
    config["exact_share"] = round(float(unsure.mean()), 4)
    card = cascade_card(
        evidence,
        version=VERSION,
        hand_over=band,
        combination=combination,
        exact_share=float(unsure.mean()),
        certificate=replace(certificate, threshold=evidence.threshold),
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
    for row in evidence.rows():
        at = f"specificity at recall 0.95 {row.specificity_95:.3f} at 0.98 {row.specificity_98:.3f}"
        print(f"{row.truth:12} AUC {row.auc:.4f} {at}")


if __name__ == "__main__":
    main()
