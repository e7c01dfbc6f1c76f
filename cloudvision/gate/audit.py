"""Live recall: what a random share of the skips, called all the same, tells of all of them.

The positives among the called are known, every one of them. Those among the skipped are not, but each of them was called with
the chance p of the audit, whatever it looks like: the number found is Binomial(M, p), with M the positives that were skipped.
The bounds of M are those of that distribution, exact (Clopper and Pearson's argument, for the number of trials instead of the
share). Recall is called positives / (called positives + M), so its bounds follow without any further assumption; so do those
of specificity. Where audits of different p come together, each gets its bounds with a part of the error allowed (Bonferroni).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cloudvision.gate.binomial import at_most


@dataclass(frozen=True, slots=True)
class Audited:
    """Skips that were audited with the same chance.

    Args:
        chance: of each to be called, above 0, 1 at most.
        pictures: audited skips whose truth is known.
        positives: those of them that were worth a call.
    """

    chance: float
    pictures: int
    positives: int


@dataclass(frozen=True, slots=True)
class Bounded:
    """A figure with a lower and an upper bound, each of them one-sided at the confidence that its owner tells."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Live:
    """What an audit says of the pictures that a gate judged. Bounds are one-sided.

    Args:
        confidence: of every bound.
        called_positives, called_negatives: pictures that the gate called, by what the answer was.
        audited: audited skips whose truth is known; `found` of them were worth a call.
        missed: pictures worth a call that were skipped (the audited ones included: the gate said no).
        recall: of the gate; NaN without any positive.
        savings: specificity: the share of a perfect gate's savings; NaN without any negative.
    """

    confidence: float
    called_positives: int
    called_negatives: int
    audited: int
    found: int
    missed: Bounded
    recall: Bounded
    savings: Bounded


def live(
    called_positives: int, called_negatives: int, audits: Sequence[Audited], *, skipped: int, confidence: float = 0.95
) -> Live:
    """Add up an audit.

    Args:
        called_positives, called_negatives: called pictures whose truth is known.
        audits: one for each chance.
        skipped: different pictures that the gate said no to, the audited ones included.
        confidence: of each bound, 0 to 1.

    Raises:
        ValueError: there is no audit, or a chance is not above 0 and at most 1.
    """
    if not audits or not all(0 < one.chance <= 1 for one in audits):
        raise ValueError("live recall needs an audit with a chance above 0")
    each = 1 - (1 - confidence) / len(audits)
    bounds = [hidden(one.positives, one.chance, confidence=each) for one in audits]
    found, audited = sum(one.positives for one in audits), sum(one.pictures for one in audits)
    # What the audit has seen is certain: so many are worth it at least, and so many are not.
    most = max(found, skipped - (audited - found))
    missed = Bounded(
        value=min(most, sum(one.positives / one.chance for one in audits)),
        low=min(most, max(found, sum(low for low, _ in bounds))),
        high=min(most, sum(high for _, high in bounds)),
    )
    return Live(
        confidence=confidence,
        called_positives=called_positives,
        called_negatives=called_negatives,
        audited=audited,
        found=found,
        missed=missed,
        recall=Bounded(
            *(_ratio(called_positives, called_positives + m) for m in (missed.value, missed.high, missed.low))
        ),
        savings=Bounded(
            *(_ratio(skipped - m, skipped - m + called_negatives) for m in (missed.value, missed.high, missed.low))
        ),
    )


def hidden(found: int, chance: float, *, confidence: float) -> tuple[float, float]:
    """How many there are when `found` of them were found, each with this chance: one-sided lower and upper bound.

    Args:
        chance: above 0, 1 at most.
    """
    if chance >= 1:
        return float(found), float(found)
    error = 1 - confidence
    low = _first(lambda count: 1 - at_most(found - 1, count, chance) > error, above=found) if found else 0.0
    return low, _first(lambda count: at_most(found, count, chance) <= error, above=found)


def _first(holds: Callable[[float], bool], *, above: float) -> float:
    """The least number, not below `above`, for which a condition holds that holds for all larger ones too."""
    if holds(above):
        return float(above)
    step = 1.0
    while not holds(above + step):
        step *= 2
    low, high = above + step / 2 if step > 1 else float(above), above + step
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else float("nan")
