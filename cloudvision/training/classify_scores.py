"""How good a classifier is: per label and overall, each figure under its own name."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cloudvision.gate.binomial import lower_bound, upper_bound

THRESHOLD = 0.5


@dataclass(frozen=True, slots=True)
class Judged:
    """What a model said of n pictures that it was not trained on, and what is true.

    Args:
        scores: (n, labels) from 0 to 1.
        truth: (n, labels) bool; of a classifier one a row.
    """

    labels: tuple[str, ...]
    scores: NDArray[np.float32]
    truth: NDArray[np.bool_]
    multilabel: bool = False

    @property
    def right(self) -> int:
        """Pictures of which everything is right: the surest label, or each label at a threshold of 0.5."""
        if self.multilabel:
            return int(((self.scores >= THRESHOLD) == self.truth).all(axis=1).sum())
        return int((self.scores.argmax(axis=1) == self.truth.argmax(axis=1)).sum())

    @property
    def accuracy(self) -> float:
        """`right` / pictures; NaN without pictures."""
        return self.right / len(self.truth) if len(self.truth) else float("nan")

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Of the accuracy: exact, after Clopper and Pearson; independent pictures are assumed."""
        one_side = 0.5 + confidence / 2
        count = len(self.truth)
        return lower_bound(self.right, count, confidence=one_side), upper_bound(self.right, count, confidence=one_side)

    def confusion(self) -> NDArray[np.int64]:
        """(labels, labels): rows are what is true, columns what was said. Of a classifier only."""
        found = np.zeros((len(self.labels), len(self.labels)), dtype=np.int64)
        np.add.at(found, (self.truth.argmax(axis=1), self.scores.argmax(axis=1)), 1)
        return found

    def by_label(self) -> tuple[OfLabel, ...]:
        """Precision and recall of what was said (the surest label, or a score of 0.5), and average precision."""
        said = self.scores >= THRESHOLD
        if not self.multilabel:
            said = np.eye(len(self.labels), dtype=bool)[self.scores.argmax(axis=1)]
        return tuple(
            OfLabel(
                name=name,
                pictures=int(self.truth[:, n].sum()),
                precision=_ratio(int((said[:, n] & self.truth[:, n]).sum()), int(said[:, n].sum())),
                recall=_ratio(int((said[:, n] & self.truth[:, n]).sum()), int(self.truth[:, n].sum())),
                average_precision=average_precision(self.scores[:, n], self.truth[:, n]),
            )
            for n, name in enumerate(self.labels)
        )


@dataclass(frozen=True, slots=True)
class OfLabel:
    """Figures of one label, from 0 to 1; NaN where there is no picture to count."""

    name: str
    pictures: int
    precision: float
    recall: float
    average_precision: float


def average_precision(scores: NDArray[np.float32], truth: NDArray[np.bool_]) -> float:
    """Mean of the precision at each true picture, from the surest one down; equal scores count together."""
    if not truth.any():
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    sorted_scores, hits = scores[order], np.cumsum(truth[order])
    last = np.append(np.flatnonzero(np.diff(sorted_scores)), len(scores) - 1)  # of each run of equal scores
    precision, gained = hits[last] / (last + 1), np.diff(hits[last], prepend=0)
    return float((precision * gained).sum() / truth.sum())


def matrix_text(judged: Judged) -> str:
    """The confusion matrix as lines of text: a row a true label, a column what was said, by number."""
    counts = judged.confusion()
    wide = max(len(name) for name in judged.labels)
    cell = max(4, len(str(counts.max(initial=0))) + 1)
    head = " " * (wide + 5) + "".join(f"{n:>{cell}}" for n in range(1, len(judged.labels) + 1)) + "   said"
    rows = (
        f"{n:>3}  {name:<{wide}}" + "".join(f"{value or '.':>{cell}}" for value in counts[n - 1])
        for n, name in enumerate(judged.labels, start=1)
    )
    return "\n".join((head, *rows))


def _ratio(above: int, below: int) -> float:
    return above / below if below else float("nan")
