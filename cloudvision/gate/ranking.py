"""Scores sorted once, so that a thousand weightings of the same pictures are quick to judge."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cloudvision.gate.metrics import Scores, Truth

Counts = tuple[float, float, float, float]
"""True positives, false positives, true negatives, false negatives: of pictures, or of what they stand for."""


class Ranked:
    """Pictures from the highest score to the lowest; `weights` are (n,), in the order in which the scores were given."""

    def __init__(self, scores: Scores, truth: Truth, threshold: float) -> None:
        self._order = np.argsort(-scores, kind="stable")
        ranked = scores[self._order]
        self._truth = truth[self._order].astype(np.float64)
        self._ends = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)  # the last of every tie
        self._called = int((scores >= threshold).sum())

    def counts(self, weights: NDArray[np.float64]) -> Counts:
        """At the threshold."""
        w = weights[self._order]
        yes, no = w * self._truth, w * (1 - self._truth)
        k = self._called
        return float(yes[:k].sum()), float(no[:k].sum()), float(no[k:].sum()), float(yes[k:].sum())

    def figures(self, weights: NDArray[np.float64]) -> tuple[float, ...]:
        """Recall, specificity, precision, NPV, skipped, AUC, average precision."""
        counts = self.counts(weights)
        parts = (hits / trials if trials else float("nan") for hits, trials in shares(counts))
        return (*parts, self._auc(weights), self.average_precision(weights))

    def average_precision(self, weights: NDArray[np.float64]) -> float:
        """Mean of the precision at every positive, from high scores to low; NaN without a positive."""
        yes, whole = self._sums(weights)
        # The sum of (step of recall x precision); ties share one place.
        if not yes[-1]:
            return float("nan")
        with np.errstate(invalid="ignore"):
            precision = np.where(whole > 0, yes / whole, 0.0)
        return float((np.diff(yes, prepend=0.0) * precision).sum() / yes[-1])

    def _auc(self, weights: NDArray[np.float64]) -> float:
        yes, whole = self._sums(weights)
        no = whole - yes
        if not yes[-1] or not no[-1]:
            return float("nan")
        middle = (yes + np.append(0.0, yes[:-1])) / 2  # a tie counts half
        return float((np.diff(no, prepend=0.0) * middle).sum() / (yes[-1] * no[-1]))

    def _sums(self, weights: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Weight of the positives, and of all, down to the end of every tie."""
        w = weights[self._order]
        return np.cumsum(w * self._truth)[self._ends], np.cumsum(w)[self._ends]


def shares(counts: Counts) -> tuple[tuple[float, float], ...]:
    """(part, whole) of recall, specificity, precision, NPV and skipped."""
    tp, fp, tn, fn = counts
    return (tp, tp + fn), (tn, tn + fp), (tp, tp + fp), (tn, tn + fn), (tn + fn, tp + fp + tn + fn)


def over_thresholds(
    scores: Scores, truth: Truth, weights: NDArray[np.float64], *, steps: int = 100
) -> tuple[tuple[float, float, float], ...]:
    """(threshold, precision, recall) at 0, 1 / steps, ..., 1; precision is NaN where nothing is called."""
    out = []
    for step in range(steps + 1):
        called = scores >= step / steps
        hits, whole = float((weights * (called & truth)).sum()), float((weights * called).sum())
        positives = float((weights * truth).sum())
        nothing = float("nan")
        out.append((step / steps, hits / whole if whole else nothing, hits / positives if positives else nothing))
    return tuple(out)
