"""A certified threshold where whole groups (sources, hosts, customers) are exchangeable, and the pictures of one are alike.

Recall is then a ratio of two sums over groups. Its variance at the target is taken over whole groups (the linearised
ratio), and turned into the number of independent positives that would vary as much; that number is corrected for the few
degrees of freedom and put into the exact binomial rule (Korn and Graubard 1998, "Confidence intervals for proportions with
small expected number of positive counts estimated from survey data"). Beside it whole groups are resampled (Field and Welsh
2007, "Bootstrapping clustered data"), and the lower of the two thresholds counts: resampling alone promises too much.

Unlike the rule for exchangeable pictures this is an approximation. In simulations with 20 to 80 groups of very unequal sizes
(log-normal) the target was missed in 3 to 9 % of the draws at a confidence of 95 %, most where groups differed most; resampling
alone missed it in 7 to 19 % (benchmarks/calibration.py).
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from cloudvision.errors import ConfigError
from cloudvision.gate.binomial import at_most, student
from cloudvision.gate.metrics import Scores

MIN_GROUPS = 10
RESAMPLES = 1_000
_CELLS = 4_000_000  # of the table that is held at once while resampling


def threshold(
    scores: Scores, names: NDArray[np.object_], *, recall: float, confidence: float, rng: Generator
) -> tuple[float, float]:
    """The threshold, and the number of independent positives that these vary like.

    Args:
        scores: (n,) of the positives.
        names: (n,) their groups.

    Raises:
        ConfigError: fewer than MIN_GROUPS groups, or too few independent positives in them.
    """
    found, members = np.unique(names.astype(str), return_inverse=True)
    if len(found) < MIN_GROUPS:
        raise ConfigError(
            f"not enough groups: {MIN_GROUPS - len(found)} more needed. Positives come from {len(found)};"
            f" what new groups will do is not told by fewer than {MIN_GROUPS}"
        )
    order = np.argsort(scores, kind="stable")
    ranked, members = scores[order], members[order]
    sizes = np.bincount(members).astype(np.float64)
    independent = _independent(members, sizes, recall=recall, confidence=confidence)
    share = _share_allowed(independent, recall=recall, confidence=confidence)
    if share is None:
        least = math.log(1 - confidence) / math.log(recall)
        more = math.ceil(len(found) * (least / independent - 1))
        raise ConfigError(
            f"not enough groups: about {more} more needed. The {len(scores)} positives of {len(found)} groups vary like"
            f" {independent:.0f} independent ones, and {math.ceil(least)} are needed"
        )
    exact = float(ranked[math.floor(share * len(ranked))])
    resampled = bootstrap(ranked, members, groups=len(found), recall=recall, confidence=confidence, rng=rng)
    return min(exact, resampled), independent


def _independent(members: NDArray[np.int64], sizes: NDArray[np.float64], *, recall: float, confidence: float) -> float:
    """Positives that vary as much, at the threshold where recall is the target; never more than there are."""
    positives, count = sizes.sum(), len(sizes)
    missed = math.floor((1 - recall) * positives + 1e-9)
    by_group = np.bincount(members[:missed], minlength=count)
    share = max(missed, 1) / positives
    variance = count / (count - 1) * ((by_group - share * sizes) ** 2).sum() / positives**2
    alike = min(positives, share * (1 - share) / variance) if variance > 0 else float(count)
    # A few large groups tell as little as a few groups: Kish's effective number counts them.
    freedom = max(1.0, positives**2 / (sizes**2).sum() - 1)
    return float(alike * (NormalDist().inv_cdf(confidence) / student(confidence, freedom)) ** 2)


def _share_allowed(independent: float, *, recall: float, confidence: float) -> float | None:
    """The largest share of missed positives that still certifies the target; None where not even none does."""
    if at_most(0, independent, 1 - recall) > 1 - confidence:
        return None
    low, high = 0.0, independent * (1 - recall)
    for _ in range(50):
        middle = (low + high) / 2
        if at_most(middle, independent, 1 - recall) <= 1 - confidence:
            low = middle
        else:
            high = middle
    return low / independent


def bootstrap(
    ranked: Scores, members: NDArray[np.int64], *, groups: int, recall: float, confidence: float, rng: Generator
) -> float:
    """The lower quantile, over resamples of whole groups, of the highest threshold that keeps the target in each.

    Args:
        ranked: (n,) scores of the positives, rising.
        members: (n,) number of the group of each, 0 to `groups` - 1.
    """
    places: list[NDArray[np.int64]] = []
    at_once = max(1, _CELLS // len(ranked))
    for start in range(0, RESAMPLES, at_once):
        times = rng.multinomial(groups, np.full(groups, 1 / groups), size=min(at_once, RESAMPLES - start))
        below = np.cumsum(times[:, members], axis=1)
        places.append((below <= (1 - recall) * below[:, -1:] + 1e-9).sum(axis=1))
    ordered = np.sort(np.concatenate(places))
    return float(ranked[ordered[math.floor((1 - confidence) * RESAMPLES)]])
