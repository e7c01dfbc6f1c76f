"""Metrics are what their names say."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudvision.gate import metrics

SCORES = st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=1, max_size=60)


def arrays(rows: list[tuple[int, bool]]) -> tuple[metrics.Scores, metrics.Truth]:
    return np.array([s / 20 for s, _ in rows]), np.array([t for _, t in rows], dtype=bool)


def test_a_published_confusion_matrix_gets_its_right_names() -> None:
    c = metrics.Confusion(true_positive=35_581, false_positive=2_718, true_negative=29_812, false_negative=1_568)
    found = [round(v, 3) for v in (c.recall, c.precision, c.specificity, c.npv, c.accuracy, c.skipped)]
    assert found == [0.958, 0.929, 0.916, 0.950, 0.938, 0.450]


def test_a_ratio_of_nothing_is_not_a_number() -> None:
    c = metrics.Confusion(true_positive=3, false_positive=0, true_negative=0, false_negative=1)
    assert math.isnan(c.specificity)
    assert c.recall == 0.75


@given(SCORES)
def test_auc_is_the_chance_that_a_positive_outranks_a_negative(rows: list[tuple[int, bool]]) -> None:
    scores, truth = arrays(rows)
    pairs = [(p > n) + (p == n) / 2 for p in scores[truth] for n in scores[~truth]]
    if not pairs:
        assert math.isnan(metrics.auc(scores, truth))
    else:
        assert metrics.auc(scores, truth) == pytest.approx(sum(pairs) / len(pairs))


@given(SCORES, st.sampled_from([0.5, 0.9, 0.95, 0.98, 1.0]))
def test_the_threshold_is_the_highest_that_reaches_the_recall(rows: list[tuple[int, bool]], recall: float) -> None:
    scores, truth = arrays(rows)
    if not truth.any():
        with pytest.raises(ValueError, match="positive"):
            metrics.threshold_at_recall(scores, truth, recall=recall)
        return
    threshold = metrics.threshold_at_recall(scores, truth, recall=recall)
    assert metrics.confusion(scores, truth, threshold=threshold).recall >= recall
    higher = np.nextafter(threshold, 2)
    assert metrics.confusion(scores, truth, threshold=higher).recall < recall


def test_specificity_at_recall_counts_the_negatives_below_that_threshold() -> None:
    scores = np.array([0.9, 0.8, 0.7, 0.2, 0.1, 0.3])
    truth = np.array([True, True, False, False, False, True])
    assert metrics.specificity_at_recall(scores, truth, recall=1.0) == pytest.approx(2 / 3)
    assert metrics.specificity_at_recall(scores, truth, recall=0.6) == 1.0
