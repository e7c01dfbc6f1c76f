"""What is known of a trained gate on pictures of sources that it was not trained on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cloudvision.errors import ConfigError
from cloudvision.gate import metrics
from cloudvision.gate.calibrate import Certificate, certify
from cloudvision.gate.criterion import Criterion
from cloudvision.gate.folder import Calibration
from cloudvision.gate.rewrite import rounded
from cloudvision.training.calibrate import platt
from cloudvision.training.data import Sample


@dataclass(frozen=True, slots=True)
class Row:
    """One truth: AUC, and specificity at the threshold whose recall on these very pictures is 0.95, or 0.98."""

    truth: str
    pictures: int
    positives: int
    auc: float
    specificity_95: float
    specificity_98: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """Scores of pictures that the scoring network had not seen, neither them nor their source."""

    groups: tuple[str, ...]
    scores: metrics.Scores  # (n,) probabilities
    worth: metrics.Truth  # (n,) meets the criterion
    clear: metrics.Truth  # (n,) meets it, or has no line at all
    calibration: Calibration
    threshold: float  # the certified one, else the highest that has `recall` on these pictures
    recall: float
    certificate: Certificate | None = None

    def rows(self) -> tuple[Row, Row]:
        return self._row("criterion", np.ones_like(self.clear)), self._row("clear cases", self.clear)

    def _row(self, truth: str, some: metrics.Truth) -> Row:
        scores, worth = self.scores[some], self.worth[some]
        return Row(
            truth=truth,
            pictures=len(worth),
            positives=int(worth.sum()),
            auc=metrics.auc(scores, worth),
            specificity_95=metrics.specificity_at_recall(scores, worth, recall=0.95),
            specificity_98=metrics.specificity_at_recall(scores, worth, recall=0.98),
        )

    def confusion(self) -> metrics.Confusion:
        return metrics.confusion(self.scores, self.worth, threshold=self.threshold)

    def by_group(self) -> tuple[tuple[str, metrics.Confusion], ...]:
        """Every source with its counts at the threshold, by name."""
        names = np.array(self.groups)
        return tuple(
            (name, metrics.confusion(self.scores[names == name], self.worth[names == name], threshold=self.threshold))
            for name in sorted(set(self.groups))
        )

    def reliability(self, bins: int = 10) -> tuple[tuple[float, float, int], ...]:
        """(mean score, share of positives, pictures) a bin of equal width; empty bins are left out."""
        place = np.minimum((self.scores * bins).astype(int), bins - 1)
        return tuple(
            (float(self.scores[place == b].mean()), float(self.worth[place == b].mean()), int((place == b).sum()))
            for b in range(bins)
            if (place == b).any()
        )


def gather(
    samples: tuple[Sample, ...],
    *,
    which: NDArray[np.int64],
    logits: metrics.Scores,
    criterion: Criterion,
    recall: float,
    data_sha256: str = "",
) -> Evidence:
    """Calibrate on `which`, and certify a threshold there by whole sources, where there are enough of them."""
    some = [samples[int(i)] for i in which]
    worth = np.array([criterion.meets(sample.lines) for sample in some], dtype=bool)
    calibration = platt(logits, worth)
    scores = np.array([calibration.probability(float(logit)) for logit in logits])
    groups = tuple(sample.group for sample in some)
    certificate = certified(scores, worth, recall=recall, groups=groups, data_sha256=data_sha256)
    unsure = metrics.threshold_at_recall(scores, worth, recall=recall)
    return Evidence(
        groups=groups,
        scores=scores,
        worth=worth,
        clear=worth | np.array([not sample.lines for sample in some], dtype=bool),
        calibration=calibration,
        threshold=rounded(unsure if certificate is None else certificate.threshold),
        recall=recall,
        certificate=certificate,
    )


def certified(
    scores: metrics.Scores, worth: metrics.Truth, *, recall: float, groups: tuple[str, ...], data_sha256: str
) -> Certificate | None:
    """None where there are too few positives or sources."""
    try:
        return certify(scores, worth, recall=recall, groups=groups, data_sha256=data_sha256)
    except ConfigError:
        return None
