"""How good a gate is on labelled pictures, every figure with an interval at 95 %.

Where the pictures come from `groups.MIN_GROUPS` sources or more, all intervals are those of a bootstrap over whole sources
(1,000 resamples, percentiles): pictures of one source are alike, and tell less than as many pictures of many. They never tell
more either, and resampling what was never missed knows no doubt: the interval of a share is at least that of Wilson (1927), and
the AUC's that of Newcombe (2006, method 5), both with Kish's effective number of pictures where pictures have weights. Where
there are fewer sources the bootstrap is over pictures. The average precision has the bootstrap alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cloudvision.gate.binomial import wilson
from cloudvision.gate.groups import MIN_GROUPS
from cloudvision.gate.metrics import Scores, Truth, auc_interval
from cloudvision.gate.ranking import Ranked, shares
from cloudvision.gate.reliability import Bin, calibration_error, reliability

RESAMPLES = 1_000
BY_GROUP, BY_PICTURE = (
    "bootstrap over whole groups, at least Wilson and Newcombe",
    "bootstrap over pictures, at least Wilson and Newcombe",
)


@dataclass(frozen=True, slots=True)
class Estimated:
    """A figure with the bounds of its interval at 95 %. The figure is NaN where there is nothing to divide by."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Figures at one threshold, each under its own name.

    Args:
        pictures, positives, groups: what was judged.
        counts: pictures, or with weights what they stand for: true positives, false positives, true negatives, false
            negatives.
        skipped: share of all calls that are not made.
        saved_usd: of 1,000 pictures' calls, at the price given.
        method: how the intervals came about.
        curve: how scores and shares agree, and `calibration_error` how far they are apart.
    """

    threshold: float
    pictures: int
    positives: int
    groups: int
    counts: tuple[float, float, float, float]
    recall: Estimated
    specificity: Estimated
    precision: Estimated
    npv: Estimated
    skipped: Estimated
    auc: Estimated
    average_precision: Estimated
    saved_usd: Estimated
    method: str
    curve: tuple[Bin, ...]
    calibration_error: float


def evaluate(
    scores: Scores,
    truth: Truth,
    *,
    threshold: float,
    groups: Sequence[str],
    weights: NDArray[np.float64] | None = None,
    call_usd: float = 0.0,
    seed: int = 0,
) -> Evaluation:
    """Judge a gate by its scores.

    Args:
        scores: (n,) probabilities, 0 to 1.
        truth: (n,) worth a call.
        threshold: from which a picture is called.
        groups: (n,) source of each picture.
        weights: (n,) how many pictures of the stream each stands for; None for one each.
        call_usd: price of one call.
        seed: of the resampling.

    Raises:
        ValueError: there is no picture.
    """
    if not len(scores):
        raise ValueError("an evaluation needs at least one picture")
    names, members = np.unique(np.asarray(groups, dtype=object).astype(str), return_inverse=True)
    weight = np.ones(len(scores)) if weights is None else weights
    whole = len(names) >= MIN_GROUPS
    units = members if whole else np.arange(len(scores))
    ranked = Ranked(scores, truth, threshold)
    value = ranked.figures(weight)
    rng = np.random.default_rng(seed)
    count = int(units.max()) + 1
    times = (np.bincount(rng.integers(count, size=count), minlength=count) for _ in range(RESAMPLES))
    drawn = np.array([ranked.figures(weight * often[units]) for often in times])
    low, high = _percentiles(drawn)
    found = [Estimated(float(v), float(lo), float(hi)) for v, lo, hi in zip(value, low, high, strict=True)]
    counts = ranked.counts(weight)
    independent = [_kish(*both) for both in zip(shares(counts), shares(ranked.counts(weight**2)), strict=True)]
    plain = [wilson(estimated.value * n if n else 0.0, n) for estimated, n in zip(found, independent, strict=False)]
    plain.append(auc_interval(found[5].value, positives=independent[0], negatives=independent[1]))
    found[:6] = [_wider(estimated, *bounds) for estimated, bounds in zip(found, plain, strict=False)]
    per_thousand = 1000 * call_usd
    saved = Estimated(*(per_thousand * share for share in (found[4].value, found[4].low, found[4].high)))
    curve = reliability(scores, truth)
    return Evaluation(
        threshold=threshold,
        pictures=len(scores),
        positives=int(truth.sum()),
        groups=len(names),
        counts=counts,
        recall=found[0],
        specificity=found[1],
        precision=found[2],
        npv=found[3],
        skipped=found[4],
        auc=found[5],
        average_precision=found[6],
        saved_usd=saved,
        method=BY_GROUP if whole else BY_PICTURE,
        curve=curve,
        calibration_error=calibration_error(curve),
    )


def _kish(share: tuple[float, float], of_squares: tuple[float, float]) -> float:
    """As how many pictures of one weight those under the share count (Kish 1965)."""
    return share[1] ** 2 / of_squares[1] if of_squares[1] else 0.0


def _wider(estimated: Estimated, low: float, high: float) -> Estimated:
    return Estimated(estimated.value, float(np.fmin(estimated.low, low)), float(np.fmax(estimated.high, high)))


def _percentiles(drawn: NDArray[np.float64]) -> tuple[list[float], list[float]]:
    low, high = [], []
    for column in drawn.T:
        known = column[~np.isnan(column)]
        low.append(float(np.quantile(known, 0.025)) if len(known) else float("nan"))
        high.append(float(np.quantile(known, 0.975)) if len(known) else float("nan"))
    return low, high
