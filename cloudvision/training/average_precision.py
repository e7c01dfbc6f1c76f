"""How good a detector is: average precision as COCO counts it.

For each label all boxes of all pictures are gone through from the surest to the least sure. A box is a hit where it overlaps
a true box of its label that no surer one has taken; of several, it takes the one that it overlaps most. Average precision
is the mean, over the 101 recalls 0.00, 0.01, ... 1.00, of the highest precision at that recall or a higher one (0 where
it is never reached). `map_50` wants an overlap (intersection over union) of 0.5, `map_50_95` is the mean over 0.50, 0.55, ...
0.95. Labels without a true box do not count. Of a picture the 100 surest boxes of a label count.
Source: the COCO detection evaluation, https://cocodataset.org/#detection-eval; no area ranges, no crowds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

OVERLAPS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
MOST = 100
_RECALLS = np.linspace(0.0, 1.0, 101)


@dataclass(frozen=True, slots=True)
class Boxes:
    """Boxes of one picture.

    Args:
        corners: (n, 4) left, top, right, bottom, in any unit that is the same for truth and findings.
        labels: (n,) indices of labels.
        scores: (n,) any order of certainty; None for true boxes.
    """

    corners: NDArray[np.float64]
    labels: NDArray[np.int64]
    scores: NDArray[np.float64] | None = None


@dataclass(frozen=True, slots=True)
class LabelScore:
    """Of one label: average precision (NaN without true boxes), and precision and recall at the threshold asked for."""

    name: str
    boxes: int
    ap_50: float
    ap_50_95: float
    precision: float
    recall: float


@dataclass(frozen=True, slots=True)
class DetectionScores:
    """Over all labels; the means are over labels that have true boxes, NaN where there is none."""

    map_50: float
    map_50_95: float
    labels: tuple[LabelScore, ...]


def overlap(ones: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intersection over union: (n, 4) and (m, 4) corners -> (n, m), 0 to 1."""
    low = np.maximum(ones[:, None, :2], others[None, :, :2])
    high = np.minimum(ones[:, None, 2:], others[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(2)
    areas = [np.clip(side[:, 2:] - side[:, :2], 0, None).prod(1) for side in (ones, others)]
    union = areas[0][:, None] + areas[1][None, :] - shared
    return np.asarray(shared / np.maximum(union, 1e-12), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Matched:
    """What was found of one label in one picture, the surest first.

    Args:
        scores: (n,)
        hits: (n, overlaps) whether each is one, at each of OVERLAPS.
        boxes: how many true ones there are.
    """

    scores: NDArray[np.float64]
    hits: NDArray[np.bool_]
    boxes: int


def score(
    truth: Sequence[Boxes], found: Sequence[Boxes], *, labels: Sequence[str], threshold: float = 0.5
) -> DetectionScores:
    """Judge what was `found` in each picture against the `truth`, in the same order.

    Args:
        threshold: precision and recall of a label count findings of at least this score, at an overlap of 0.5.

    Raises:
        ValueError: the two are not of the same length.
    """
    pictures = [match(true, mine, labels=len(labels)) for true, mine in zip(truth, found, strict=True)]
    return summed(pictures, labels=labels, threshold=threshold)


def match(truth: Boxes, found: Boxes, *, labels: int) -> tuple[Matched, ...]:
    """Hits and misses of one picture, for each label."""
    assert found.scores is not None, "findings have scores"
    matched = []
    for label in range(labels):
        wanted = truth.corners[truth.labels == label]
        mine = np.flatnonzero(found.labels == label)
        mine = mine[np.argsort(-found.scores[mine], kind="stable")][:MOST]
        matched.append(Matched(found.scores[mine], _hits(wanted, found.corners[mine]), len(wanted)))
    return tuple(matched)


def summed(
    pictures: Sequence[tuple[Matched, ...]], *, labels: Sequence[str], threshold: float = 0.5
) -> DetectionScores:
    """The figures over pictures that were matched one by one: what `score` gives, and of draws of the pictures too."""
    rows = [
        _label([picture[index] for picture in pictures], name=name, threshold=threshold)
        for index, name in enumerate(labels)
    ]
    counted = [row for row in rows if row.boxes]
    if not counted:
        return DetectionScores(math.nan, math.nan, tuple(rows))
    means = [float(np.mean(values)) for values in zip(*((row.ap_50, row.ap_50_95) for row in counted), strict=True)]
    return DetectionScores(means[0], means[1], tuple(rows))


def _label(pictures: Sequence[Matched], *, name: str, threshold: float) -> LabelScore:
    scores = np.concatenate([*(one.scores for one in pictures), np.zeros(0)])
    order = np.argsort(-scores, kind="stable")
    hits = np.concatenate([*(one.hits for one in pictures), np.zeros((0, len(OVERLAPS)), dtype=bool)])[order]
    count = sum(one.boxes for one in pictures)
    sure = int((scores >= threshold).sum())
    right = int(hits[:sure, 0].sum())
    each = [_average_precision(hits[:, at], count) for at in range(len(OVERLAPS))]
    return LabelScore(
        name=name,
        boxes=count,
        ap_50=each[0],
        ap_50_95=float(np.mean(each)),
        precision=right / sure if sure else np.nan,
        recall=right / count if count else np.nan,
    )


def _hits(wanted: NDArray[np.float64], found: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(found, overlaps): which findings, the surest first, are hits at each overlap."""
    hits = np.zeros((len(found), len(OVERLAPS)), dtype=bool)
    if not len(wanted):
        return hits
    overlaps = overlap(found, wanted)
    for at, least in enumerate(OVERLAPS):
        free = np.ones(len(wanted), dtype=bool)
        for row, values in enumerate(overlaps):
            best = int(np.argmax(np.where(free, values, -1.0)))
            if free[best] and values[best] >= least:
                free[best], hits[row, at] = False, True
    return hits


def _average_precision(hit: NDArray[np.bool_], count: int) -> float:
    """From hits, the surest first, and the number of true boxes."""
    if not count:
        return float("nan")
    right = np.cumsum(hit)
    precision = right / np.arange(1, len(hit) + 1)
    highest = np.maximum.accumulate(precision[::-1])[::-1]  # at this recall or a higher one
    place = np.searchsorted(right / count, _RECALLS, side="left")
    return float(np.concatenate([highest, np.zeros(1)])[np.minimum(place, len(hit))].mean())
