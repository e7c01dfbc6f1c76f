"""Whether the scores of today look like those of the calibration set: a certificate holds only while they do."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cloudvision.gate.metrics import Scores

STEPS = 20
MODERATE, LARGE = 0.10, 0.25
"""The customary marks of the population stability index: below, nothing to see; above, another population."""


@dataclass(frozen=True, slots=True)
class Reference:
    """What a model folder keeps of its calibration scores.

    Args:
        pictures: how many there were.
        scores: rising, without repetition: about every twentieth of them.
        shares: of all calibration scores, those up to and including each of `scores`.

    Raises:
        ValueError: the two do not fit together.
    """

    pictures: int
    scores: tuple[float, ...]
    shares: tuple[float, ...]

    def __post_init__(self) -> None:
        rising = all(a < b for some in (self.scores, self.shares) for a, b in pairwise(some))
        if not rising or len(self.scores) != len(self.shares) or not self.scores or self.pictures < 1:
            raise ValueError("calibration scores are kept as rising scores with a rising share for each")


@dataclass(frozen=True, slots=True)
class Drift:
    """How far two sets of scores are apart.

    Args:
        psi: population stability index over about ten classes of the calibration scores; 0 where they agree. With n
            pictures chance alone makes about 9 / n.
        ks: largest distance of the two distribution functions, 0 to 1 (Kolmogorov and Smirnov), at the scores kept.
        pictures: how many scores were looked at.
    """

    psi: float
    ks: float
    pictures: int

    @property
    def words(self) -> str:
        """What the index says, in a word."""
        return "none" if self.psi < MODERATE else "moderate" if self.psi < LARGE else "large"


def reference_of(scores: Scores) -> Reference:
    """What to keep of the calibration scores.

    Raises:
        ValueError: no scores.
    """
    if not len(scores):
        raise ValueError("a reference needs at least one score")
    ranked = np.sort(np.round(scores, 6))
    kept = np.unique(np.quantile(ranked, np.linspace(0, 1, STEPS + 1)[1:-1], method="lower"))
    shares = np.searchsorted(ranked, kept, side="right") / len(ranked)
    return Reference(len(ranked), tuple(float(s) for s in kept), tuple(round(float(s), 6) for s in shares))


def drift(scores: Scores, reference: Reference) -> Drift:
    """Compare the scores of pictures that the gate judged, called or not, with those of the calibration set.

    Raises:
        ValueError: no scores.
    """
    if not len(scores):
        raise ValueError("drift needs at least one score")
    ranked = np.sort(np.round(scores, 6))
    seen = np.searchsorted(ranked, reference.scores, side="right") / len(ranked)
    expected = np.asarray(reference.shares)
    return Drift(
        psi=_psi(seen, expected, pictures=len(ranked)), ks=float(np.abs(seen - expected).max()), pictures=len(ranked)
    )


def _psi(seen: NDArray[np.float64], expected: NDArray[np.float64], *, pictures: int) -> float:
    places, upto = [], 0.0
    for place, share in enumerate(expected):
        if share - upto >= 0.1 - 1e-9 and 1 - share >= 0.05 - 1e-9:  # classes of a tenth, and none that is near empty
            places.append(place)
            upto = float(share)
    wanted = np.diff(np.concatenate([[0.0], expected[places], [1.0]]))
    found = np.diff(np.concatenate([[0.0], seen[places], [1.0]]))
    found = np.maximum(found, 0.5 / pictures)  # an empty class would make it infinite
    return float(((found - wanted) * np.log(found / wanted)).sum())
