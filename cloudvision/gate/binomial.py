"""Bounds of a share: exact ones after Clopper and Pearson (1934), with what they stand on, and those of Wilson (1927)."""

from __future__ import annotations

import math
from statistics import NormalDist

_STEPS, _TINY = 20_000, 1e-300  # some thousands are needed for ten million draws


def at_most(hits: float, trials: float, share: float) -> float:
    """The chance of `hits` or fewer in `trials` draws that each hit with chance `share`.

    By the identity with the incomplete beta function (DLMF 8.17.5) it costs the same for ten draws and for ten million,
    and is also defined between whole numbers, which effective sample sizes need.
    """
    if hits >= trials or share <= 0:
        return 1.0
    if hits < 0 or share >= 1:
        return 0.0
    return _incomplete_beta(1 - share, trials - hits, hits + 1)


def lower_bound(hits: float, trials: float, *, confidence: float = 0.95) -> float:
    """The share that is, with this confidence, not above the true one; one-sided. 0 without trials."""
    if hits <= 0 or trials <= 0:
        return 0.0
    return 1 - upper_bound(trials - hits, trials, confidence=confidence)


def upper_bound(hits: float, trials: float, *, confidence: float = 0.95) -> float:
    """The share that is, with this confidence, not below the true one; one-sided. 1 without trials."""
    if trials <= 0 or hits >= trials:
        return 1.0
    low, high = max(0.0, hits / trials), 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if at_most(hits, trials, middle) > 1 - confidence:
            low = middle
        else:
            high = middle
    return high


def wilson(hits: float, trials: float, *, confidence: float = 0.95) -> tuple[float, float]:
    """Both bounds of the score interval of Wilson (1927), which is shorter and not exact; (0, 1) without trials."""
    if not trials:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share, scale = hits / trials, 1 + z * z / trials
    middle = (share + z * z / (2 * trials)) / scale
    half = z / scale * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    return max(0.0, middle - half), min(1.0, middle + half)


def student(confidence: float, freedom: float) -> float:
    """The quantile of Student's t, by the expansion of Cornish and Fisher (Abramowitz and Stegun 26.7.5).

    From four degrees of freedom on it is right to 1 % for confidences of 0.9 to 0.99.
    """
    z = NormalDist().inv_cdf(confidence)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3


def _incomplete_beta(x: float, a: float, b: float) -> float:
    """The regularised one, by its continued fraction (DLMF 8.17.22), which is quick below the mean."""
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(1 - x, b, a)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    # Lentz's way of taking a continued fraction from the front.
    c, d = 1.0, 1 / _away_from_0(1 - (a + b) * x / (a + 1))
    total = d
    for m in range(1, _STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for step in (even, odd):
            d = 1 / _away_from_0(1 + step * d)
            c = _away_from_0(1 + step / c)
            total *= d * c
        if abs(d * c - 1) < 1e-14:
            break
    return math.exp(log_front) * total / a


def _away_from_0(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
