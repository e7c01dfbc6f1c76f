"""The threshold with a promise: recall at least a target, with a confidence, on data exchangeable with the calibration set.

A threshold that calls all but k of the n positives of the calibration set has a recall below the target R with probability at
most P(Binomial(n, 1 - R) <= k), whatever the scores look like. The highest threshold for which that is at most
1 - confidence is taken. It is the one that Learn-then-Test finds (Angelopoulos, Bates, Candes, Jordan, Lei 2021: fixed-sequence
testing with the exact binomial p-value) on its way up from 0, and the old order-statistic bound of a quantile. Ties make it
safer. Groups have a rule of their own, see `groups.py`.

A picture that stands for w others is kept with probability w / max(w) (rejection sampling, as in Park, Dobriban, Lee,
Bastani 2022, "PAC prediction sets under covariate shift"): what is left is exchangeable with the stream, so the promise holds,
at the price of positives.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from cloudvision.errors import ConfigError
from cloudvision.gate import groups as grouped
from cloudvision.gate.binomial import at_most
from cloudvision.gate.metrics import Scores, Truth

EXACT, GROUPED = "exact binomial", "whole groups: effective number of positives, and bootstrap"


@dataclass(frozen=True, slots=True)
class Certificate:
    """What is promised of a threshold, and what it stands on.

    Args:
        recall: the target, 0 to 1.
        confidence: chance, 0 to 1, that a calibration set like this one gives a threshold that keeps the target.
        threshold: the highest that keeps it.
        positives: positives of the calibration set that counted.
        missed: those of them with a score below the threshold.
        independent: as many independent positives would vary as much; equals `positives` without groups.
        groups: whole groups with a positive; None where pictures are taken as exchangeable.
        left_out: positives that the draw by weight left out.
        method: EXACT or GROUPED.
        data_sha256: digest of the calibration set, "" where the caller gave none.
    """

    recall: float
    confidence: float
    threshold: float
    positives: int
    missed: int
    independent: float
    groups: int | None
    left_out: int
    method: str
    data_sha256: str = ""


def certify(
    scores: Scores,
    truth: Truth,
    *,
    recall: float = 0.95,
    confidence: float = 0.95,
    groups: Sequence[str] | None = None,
    weights: NDArray[np.float64] | None = None,
    seed: int = 0,
    data_sha256: str = "",
) -> Certificate:
    """The highest threshold whose recall is certified.

    Args:
        scores: (n,) higher is more likely worth a call; any monotone scale.
        truth: (n,) worth a call.
        recall: the target, above 0 and below 1.
        confidence: above 0.5 and below 1.
        groups: (n,) the source of each; None where the pictures are a random draw of the stream itself.
        weights: (n,) how many pictures of the stream each stands for, above 0; None for one each.
        seed: of the resampling and of the draw by weight.
        data_sha256: goes into the certificate.

    Raises:
        ConfigError: not enough positives, or not enough groups; the message says how many more are needed.
        ValueError: a score is not finite, or an argument is out of its range.
    """
    if not (0 < recall < 1 and 0.5 < confidence < 1):
        raise ValueError(f"recall lies between 0 and 1, confidence between 0.5 and 1: got {recall} and {confidence}")
    if not np.isfinite(scores).all():
        raise ValueError("a score is not a finite number")
    rng = np.random.default_rng(seed)
    kept = truth if weights is None else truth & _drawn(weights, rng)
    positive, left_out = np.asarray(scores, dtype=np.float64)[kept], int(truth.sum() - kept.sum())
    _check_enough(len(positive), recall=recall, confidence=confidence, left_out=left_out)
    if groups is None:
        independent, whole = float(len(positive)), None
        threshold = float(np.sort(positive)[misses_allowed(len(positive), recall=recall, confidence=confidence)])
    else:
        names = np.asarray(groups, dtype=object)[kept]
        whole = len(set(names))
        threshold, independent = grouped.threshold(positive, names, recall=recall, confidence=confidence, rng=rng)
    return Certificate(
        recall=recall,
        confidence=confidence,
        threshold=threshold,
        positives=len(positive),
        missed=int((positive < threshold).sum()),
        independent=independent,
        groups=whole,
        left_out=left_out,
        method=EXACT if groups is None else GROUPED,
        data_sha256=data_sha256,
    )


def positives_needed(*, recall: float, confidence: float) -> int:
    """The least number of positives that can certify anything: with none missed, recall ** n <= 1 - confidence.

    59 for 0.95 and 0.95, 299 for 0.99 and 0.95.
    """
    return math.ceil(math.log(1 - confidence) / math.log(recall) - 1e-9)


def misses_allowed(positives: int, *, recall: float, confidence: float) -> int:
    """How many of so many exchangeable positives a certified threshold may miss; -1 where not even none is enough."""
    low, high = -1, math.ceil(positives * (1 - recall))
    while low < high:
        middle = (low + high + 1) // 2
        if at_most(middle, positives, 1 - recall) <= 1 - confidence:
            low = middle
        else:
            high = middle - 1
    return low


def _check_enough(positives: int, *, recall: float, confidence: float, left_out: int) -> None:
    needed = positives_needed(recall=recall, confidence=confidence)
    if positives < needed:
        drawn = f" ({left_out} more were left out by their weights)" if left_out else ""
        raise ConfigError(
            f"not enough positives: {needed - positives} more needed. To certify recall {recall} with confidence"
            f" {confidence} takes {needed} with none missed, and there are {positives}{drawn}"
        )


def _drawn(weights: NDArray[np.float64], rng: Generator) -> Truth:
    if not (np.isfinite(weights).all() and (weights > 0).all()):
        raise ValueError("a weight is not a number above 0")
    return np.asarray(rng.random(len(weights)) < weights / weights.max())
