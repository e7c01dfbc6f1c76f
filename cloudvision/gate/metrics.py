"""Metrics of a yes-or-no score, each under its own name.

Positive means that the picture is worth a call. `truth` is (n,) bool, `scores` is (n,) float, higher is more likely
worth it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Truth = NDArray[np.bool_]
Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Confusion:
    """Counts at one threshold. A ratio without a denominator is NaN, never 0 or 1."""

    true_positive: int
    false_positive: int
    true_negative: int
    false_negative: int

    @property
    def recall(self) -> float:
        """Positives called / positives."""
        return _ratio(self.true_positive, self.true_positive + self.false_negative)

    @property
    def specificity(self) -> float:
        """Negatives skipped / negatives: the share of a perfect gate's savings."""
        return _ratio(self.true_negative, self.true_negative + self.false_positive)

    @property
    def precision(self) -> float:
        """Positives / called."""
        return _ratio(self.true_positive, self.true_positive + self.false_positive)

    @property
    def npv(self) -> float:
        """Negative predictive value: negatives / skipped."""
        return _ratio(self.true_negative, self.true_negative + self.false_negative)

    @property
    def accuracy(self) -> float:
        right = self.true_positive + self.true_negative
        return _ratio(right, right + self.false_positive + self.false_negative)

    @property
    def skipped(self) -> float:
        """Skipped / all."""
        skipped = self.true_negative + self.false_negative
        return _ratio(skipped, skipped + self.true_positive + self.false_positive)


def confusion(scores: Scores, truth: Truth, *, threshold: float) -> Confusion:
    called = scores >= threshold
    return Confusion(
        true_positive=int(np.sum(called & truth)),
        false_positive=int(np.sum(called & ~truth)),
        true_negative=int(np.sum(~called & ~truth)),
        false_negative=int(np.sum(~called & truth)),
    )


def auc(scores: Scores, truth: Truth) -> float:
    """Area under the ROC curve: the chance that a positive outranks a negative, ties count half. NaN with one class."""
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if not positives or not negatives:
        return float("nan")
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    rank = (last - (counts - 1) / 2)[place]
    return float((rank[truth].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def threshold_at_recall(scores: Scores, truth: Truth, *, recall: float) -> float:
    """The highest threshold that calls at least `recall` (0 to 1) of these positives. It promises nothing for others.

    Raises:
        ValueError: there is no positive.
    """
    ranked = np.sort(scores[truth])
    if not ranked.size:
        raise ValueError("a threshold at a recall needs at least one positive")
    # The tolerance keeps 0.95 * 20 from asking for 20 of 20 positives where the product is a hair above 19.
    needed = int(np.ceil(recall * ranked.size - 1e-9))
    return float(ranked[ranked.size - max(1, needed)])


def specificity_at_recall(scores: Scores, truth: Truth, *, recall: float) -> float:
    """Specificity at the threshold that `threshold_at_recall` takes on the same pictures."""
    return confusion(scores, truth, threshold=threshold_at_recall(scores, truth, recall=recall)).specificity


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


def auc_interval(value: float, *, positives: float, negatives: float, confidence: float = 0.95) -> tuple[float, float]:
    """Bounds of an AUC by inverting a score test (Newcombe 2006, method 5): an AUC of 1 has a lower bound below 1.

    (0, 1) where there is no positive, no negative, or no value.
    """
    if math.isnan(value) or positives <= 0 or negatives <= 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    more = max(0.0, (positives + negatives) / 2 - 1)

    def compatible(true: float) -> bool:
        spread = 1 + more * (1 - true) / (2 - true) + more * true / (1 + true)
        return (value - true) ** 2 <= z * z * true * (1 - true) * spread / (positives * negatives)

    def bound(inside: float, outside: float) -> float:
        for _ in range(50):
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if compatible(middle) else (inside, middle)
        return outside

    return bound(value, 0.0), bound(value, 1.0)
