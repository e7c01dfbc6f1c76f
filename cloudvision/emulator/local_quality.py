"""How good a model is on pictures kept back from it, at any threshold, as Custom Vision counts.

Precision is hits / guesses of at least the threshold, recall hits / what is there; overall over all tags together. Average
precision is the mean of the precision at every hit, from the surest guess down, misses counting as 0; overall that of all
pairs of picture and tag for a classifier, and the mean over tags for a detector. Without guesses, or without anything to find,
a figure is 0, as the service has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cloudvision.emulator.custom_vision_trainer import Guess, Mark, Quality
from cloudvision.geometry import Box


@dataclass(frozen=True, slots=True)
class TagsJudged:
    """What a classifier said of n pictures: scores (n, tags) 0 to 1, and truth (n, tags)."""

    tags: Sequence[str]
    scores: NDArray[np.float32]
    truth: NDArray[np.bool_]

    def quality(self, *, threshold: float, overlap: float) -> Quality:  # noqa: ARG002 - boxes have one
        """Overall and by tag; nothing overlaps here."""
        by_tag = {
            tag: _quality(self.scores[:, n], self.truth[:, n], count=int(self.truth[:, n].sum()), threshold=threshold)
            for n, tag in enumerate(self.tags)
        }
        all_ = self.scores.ravel(), self.truth.ravel()
        whole = _quality(*all_, count=int(self.truth.sum()), threshold=threshold)
        return Quality(whole.precision, whole.recall, whole.average_precision, by_tag)


@dataclass(frozen=True, slots=True)
class BoxesJudged:
    """What a detector found in pictures, and what is there."""

    tags: Sequence[str]
    pictures: Sequence[tuple[Sequence[Guess], Sequence[Mark]]]

    def quality(self, *, threshold: float, overlap: float) -> Quality:
        """Overall and by tag. A guess is a hit where it shares `overlap` of its union with a box that no surer one took."""
        scores, hits, counts = {}, {}, {}
        for tag in self.tags:
            found = [_found(guesses, marks, tag=tag, overlap=overlap) for guesses, marks in self.pictures]
            scores[tag] = np.array([score for some in found for score, _ in some])
            hits[tag] = np.array([hit for some in found for _, hit in some], dtype=bool)
            counts[tag] = sum(mark.tag == tag for _, marks in self.pictures for mark in marks)
        by_tag = {tag: _quality(scores[tag], hits[tag], count=counts[tag], threshold=threshold) for tag in self.tags}
        together = [np.concatenate(list(parts.values())) if parts else np.zeros(0) for parts in (scores, hits)]
        whole = _quality(together[0], together[1].astype(bool), count=sum(counts.values()), threshold=threshold)
        means = [one.average_precision for tag, one in by_tag.items() if counts[tag]]
        return Quality(whole.precision, whole.recall, float(np.mean(means)) if means else 0.0, by_tag)


def _quality(scores: NDArray[np.floating], hits: NDArray[np.bool_], *, count: int, threshold: float) -> Quality:
    order = np.argsort(-scores, kind="stable")
    ranked = hits[order]
    guessed = int((scores >= threshold).sum())
    right = int(ranked[:guessed].sum())
    precision_at = np.cumsum(ranked) / np.arange(1, len(ranked) + 1)
    return Quality(
        precision=right / guessed if guessed else 0.0,
        recall=right / count if count else 0.0,
        average_precision=float(precision_at[ranked].sum() / count) if count else 0.0,
    )


def _found(guesses: Sequence[Guess], marks: Sequence[Mark], *, tag: str, overlap: float) -> list[tuple[float, bool]]:
    """(probability, hit) of every guess of a tag in one picture, the surest first."""
    free = [Box(*mark.box) for mark in marks if mark.tag == tag and mark.box]
    out = []
    mine = [(guess.probability, Box(*guess.box)) for guess in guesses if guess.tag == tag and guess.box]
    for probability, box in sorted(mine, key=lambda one: -one[0]):
        best = max(free, key=lambda other: _shared(box, other), default=None)
        hit = best is not None and _shared(box, best) >= overlap and _shared(box, best) > 0
        if hit and best is not None:
            free.remove(best)
        out.append((probability, hit))
    return out


def _shared(one: Box, other: Box) -> float:
    """Intersection over union, 0 to 1."""
    wide = min(one.right, other.right) - max(one.left, other.left)
    high = min(one.bottom, other.bottom) - max(one.top, other.top)
    shared = max(0.0, wide) * max(0.0, high)
    whole = one.area + other.area - shared
    return shared / whole if whole > 0 else 0.0
