"""Of many boxes around one thing, the surest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CONSIDERED = 1000
"""The surest candidates of a class that are looked at: overlaps are counted between all pairs of them."""


def suppress(
    boxes: NDArray[np.float32], scores: NDArray[np.float32], *, threshold: float, overlap: float, most: int
) -> list[tuple[int, int, float]]:
    """Class-wise non-maximum suppression: (cell, label, score) of what is kept, surest first.

    Args:
        boxes: (cells, 4), left, top, right, bottom; a box without an inside is never kept.
        scores: (cells, labels).
        threshold: candidates of a lower score are left out, and those of none.
        overlap: intersection over union, 0 to 1, above which the less sure of two boxes of one label is left out.
        most: how many are kept, over all labels.
    """
    least = max(threshold, float(np.finfo(np.float32).tiny))
    solid = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    kept = [
        (int(cell), label, float(scores[cell, label]))
        for label in range(scores.shape[1])
        for cell in _of_one_label(boxes, scores[:, label], solid & (scores[:, label] >= least), overlap, most)
    ]
    return sorted(kept, key=lambda each: (-each[2], each[1], each[0]))[:most]


def overlaps(box: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    """Intersection over union of (4,) with each of (n, 4), all left, top, right, bottom with an inside."""
    shared = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    inside = np.prod(np.clip(shared, 0, None), axis=1)
    union = _area(box[np.newaxis]) + _area(others) - inside
    return np.asarray(inside / union, dtype=np.float32)


def _of_one_label(
    boxes: NDArray[np.float32], scores: NDArray[np.float32], candidates: NDArray[np.bool_], overlap: float, most: int
) -> list[int]:
    cells = np.flatnonzero(candidates)
    cells = cells[np.argsort(-scores[cells], kind="stable")][:CONSIDERED]
    kept: list[int] = []
    while len(cells) and len(kept) < most:
        first, cells = cells[0], cells[1:]
        kept.append(int(first))
        cells = cells[overlaps(boxes[first], boxes[cells]) <= overlap]
    return kept


def _area(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]), dtype=np.float32)
