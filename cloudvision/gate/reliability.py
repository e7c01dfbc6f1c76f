"""Whether scores are probabilities: of the pictures with a score near 0.3, about three in ten should be worth a call."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cloudvision.gate.metrics import Scores, Truth


@dataclass(frozen=True, slots=True)
class Bin:
    """Pictures whose scores lie in one tenth of the scale: their mean score, and the share that is worth a call."""

    score: float
    share: float
    pictures: int
    positives: int


def reliability(scores: Scores, truth: Truth, *, bins: int = 10) -> tuple[Bin, ...]:
    """The bins of equal width that hold a picture, from low scores to high ones. `scores` are 0 to 1."""
    place = np.minimum((scores * bins).astype(int), bins - 1)
    return tuple(
        Bin(float(scores[some].mean()), float(truth[some].mean()), int(some.sum()), int(truth[some].sum()))
        for some in (place == number for number in range(bins))
        if some.any()
    )


def calibration_error(curve: tuple[Bin, ...]) -> float:
    """Expected calibration error: mean distance of score and share over the bins, weighted by their pictures.

    After Naeini, Cooper, Hauskrecht 2015. NaN without pictures.
    """
    pictures = sum(one.pictures for one in curve)
    if not pictures:
        return float("nan")
    return sum(one.pictures * abs(one.score - one.share) for one in curve) / pictures
