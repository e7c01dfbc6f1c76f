"""The threshold with a promise: recall at least a target, with a confidence, on data exchangeable with the calibration set.

**Pictures that are exchangeable.** A threshold that calls all but k of the n positives of the calibration set has a recall
below the target R with probability at most P(Binomial(n, 1 - R) <= k), whatever the scores look like: the recall of the
(k + 1)-th lowest score is Beta distributed. The highest threshold for which that is at most 1 - confidence is taken. It is
the one that Learn-then-Test finds (Angelopoulos, Bates, Candes, Jordan, Lei 2021, fixed-sequence testing with the exact
binomial p-value) when it goes up from 0, and the order-statistic bound for a quantile of old. Ties make it safer.

**Groups.** Pictures of one source are not exchangeable with those of another: whole groups are. Recall is then a ratio of two
sums over groups. Its variance is taken over whole groups (the linearised ratio, which equals leaving one group out at a
time), turned into the number of independent positives that would vary as much, corrected for the few degrees of freedom, and
put into the same exact rule (Korn and Graubard 1998, "Confidence intervals for proportions with small expected number of
positive counts estimated from survey data"). Beside it whole groups are resampled 1,000 times (Field and Welsh 2007,
"Bootstrapping clustered data"), and the lower of the two thresholds counts, since resampling alone promises too much with
few groups. Unlike the rule for exchangeable pictures this is an approximation: with 20 to 80 groups of very unequal size the
target was missed in 1 to 9 % of simulated draws at a confidence of 95 %, most often where the groups differed most.

**Weights.** A picture that stands for w others is kept with probability w / max(w), the others are left out (rejection
sampling, as in Park, Dobriban, Lee, Bastani 2022, "PAC prediction sets under covariate shift"): what is left is exchangeable
with the stream, so the promise is kept, at the price of positives.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from cloudvision.errors import ConfigError
from cloudvision.gate.binomial import at_most, student, upper_bound
from cloudvision.gate.metrics import Scores, Truth

EXACT, GROUPED = "exact binomial", "whole groups: effective number of positives, and bootstrap"
MIN_GROUPS = 10
RESAMPLES = 1_000


@dataclass(frozen=True, slots=True)
class Certificate:
    """What is promised of a threshold, and what it stands on.

    Args:
        recall: the target, 0 to 1.
        confidence: chance, 0 to 1, that a calibration set gives a threshold that keeps the target.
        threshold: the highest that keeps it.
        positives: positives of the calibration set that counted.
        missed: those of them with a score below the threshold.
        independent: as many independent positives would vary as much; equals `positives` without groups.
        groups: whole groups with a positive; None where pictures are taken as exchangeable.
        left_out: positives that the weights left out.
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
        groups: (n,) name of the source of each; None where the pictures are a random draw of the stream itself.
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
    kept = truth.copy() if weights is None else truth & _drawn(weights, rng)
    positive = np.asarray(scores, dtype=np.float64)[kept]
    shared: dict[str, float | str | int] = {}
    needed = positives_needed(recall=recall, confidence=confidence)
    if len(positive) < needed:
        raise ConfigError(_too_few(len(positive), needed, left_out=int(truth.sum()) - len(positive), shared=shared))
    ranked = np.sort(positive)
    if groups is None:
        independent, found = float(len(positive)), None
        threshold = float(ranked[_misses_allowed(independent, recall=recall, confidence=confidence)])
    else:
        names = np.asarray(groups, dtype=object)[kept]
        found = len(set(names))
        threshold, independent = _over_groups(positive, names, recall=recall, confidence=confidence, rng=rng)
    return Certificate(
        recall=recall,
        confidence=confidence,
        threshold=threshold,
        positives=len(positive),
        missed=int((positive < threshold).sum()),
        independent=independent,
        groups=found,
        left_out=int(truth.sum()) - len(positive),
        method=EXACT if groups is None else GROUPED,
        data_sha256=data_sha256,
    )
