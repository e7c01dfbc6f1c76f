"""Every figure of an evaluation under its own name, with an interval that says how it came about."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cloudvision.gate import metrics
from cloudvision.gate.binomial import wilson
from cloudvision.gate.evaluate import BY_GROUP, BY_PICTURE, Evaluation, evaluate
from cloudvision.gate.ranking import Ranked, over_thresholds
from cloudvision.pages.of_evaluation import Judged, Missed, evaluation_page


def made(count: int, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.random(count) < 0.4
    return np.round(rng.beta(2, 2, count) * 0.6 + truth * 0.4, 2), truth


def judged(count: int = 400, *, groups: int = 1, **more: object) -> Evaluation:
    scores, truth = made(count)
    names = [f"g{n % groups}" for n in range(count)]
    return evaluate(scores, truth, threshold=0.5, groups=names, **more)  # type: ignore[arg-type]


def test_figures_are_those_of_the_metrics() -> None:
    scores, truth = made(400)
    found, counts = judged(), metrics.confusion(scores, truth, threshold=0.5)
    for name in ("recall", "specificity", "precision", "npv", "skipped"):
        assert getattr(found, name).value == pytest.approx(getattr(counts, name))
    assert found.auc.value == pytest.approx(metrics.auc(scores, truth))
    assert found.counts == (counts.true_positive, counts.false_positive, counts.true_negative, counts.false_negative)
    assert (found.pictures, found.positives, found.groups) == (400, truth.sum(), 1)


def test_average_precision_is_the_mean_precision_at_the_positives() -> None:
    scores, truth = np.array([0.9, 0.8, 0.7, 0.6]), np.array([True, False, True, False])
    assert Ranked(scores, truth, 0.5).average_precision(np.ones(4)) == pytest.approx((1 + 2 / 3) / 2)
    assert Ranked(np.full(4, 0.5), truth, 0.5).average_precision(np.ones(4)) == pytest.approx(0.5)


def test_figures_of_the_blog_carry_their_own_names() -> None:
    tn, fp, fn, tp = 2981, 272, 157, 3558  # the published confusion matrix, a tenth of it
    scores = np.repeat([0.1, 0.9, 0.1, 0.9], [tn, fp, fn, tp])
    truth = np.repeat([False, False, True, True], [tn, fp, fn, tp])
    found = evaluate(scores, truth, threshold=0.4325, groups=[""] * len(truth), call_usd=0.001)
    figures = [found.recall, found.precision, found.specificity, found.npv, found.skipped]
    assert [round(one.value, 3) for one in figures] == [0.958, 0.929, 0.916, 0.95, 0.45]
    assert found.saved_usd.value == pytest.approx(0.450, abs=0.001)
    assert found.saved_usd.low < found.saved_usd.value < found.saved_usd.high


def test_intervals_say_how_they_came_about_and_hold_the_figure() -> None:
    for found, method in (
        (judged(), BY_PICTURE),
        (judged(groups=20), BY_GROUP),
        (judged(weights=np.full(400, 2.0)), BY_PICTURE),
    ):
        assert found.method == method
        for one in (found.recall, found.specificity, found.auc, found.average_precision):
            assert one.low < one.value < one.high


def test_groups_that_differ_make_intervals_wider() -> None:
    rng = np.random.default_rng(0)
    shift = np.repeat(rng.normal(0, 0.2, 20), 40)
    truth = np.tile([True, False], 400)
    scores = np.clip(0.4 + 0.2 * truth + shift + rng.normal(0, 0.05, 800), 0, 1)
    names = [str(n // 40) for n in range(800)]
    alone = evaluate(scores, truth, threshold=0.5, groups=[""] * 800)
    whole = evaluate(scores, truth, threshold=0.5, groups=names)
    assert whole.recall.value == alone.recall.value
    assert whole.recall.high - whole.recall.low > 1.5 * (alone.recall.high - alone.recall.low)


def test_five_pictures_of_which_none_was_missed_prove_little() -> None:
    scores, truth = np.array([0.9] * 5 + [0.1] * 6), np.array([True] * 5 + [False] * 6)
    found = evaluate(scores, truth, threshold=0.5, groups=[f"g{n}" for n in range(11)])
    assert found.method == BY_GROUP
    assert found.recall.value == found.recall.high == 1.0
    assert found.recall.low == pytest.approx(0.566, abs=0.001)  # Wilson, 5 of 5
    assert found.specificity.low == pytest.approx(0.610, abs=0.001)  # 6 of 6
    assert found.auc.value == found.auc.high == 1.0
    assert 0.5 < found.auc.low < 0.9


def test_weights_prove_less_than_as_many_pictures() -> None:
    scores, truth = np.array([0.9] * 20 + [0.1] * 20), np.array([True] * 20 + [False] * 20)
    groups = [f"g{n % 12}" for n in range(40)]
    alike = evaluate(scores, truth, threshold=0.5, groups=groups, weights=np.full(40, 7.0))
    assert alike.recall.low == pytest.approx(evaluate(scores, truth, threshold=0.5, groups=groups).recall.low)
    one_heavy = np.where(np.arange(40) == 0, 100.0, 1.0)  # 119^2 / (100^2 + 19): they count as 1.4 pictures
    heavy = evaluate(scores, truth, threshold=0.5, groups=groups, weights=one_heavy)
    assert heavy.recall.low == pytest.approx(wilson(1.413, 1.413)[0], abs=0.001)
    assert heavy.recall.low < alike.recall.low / 2


def test_the_interval_of_an_auc_holds_the_true_one_as_often_as_it_says() -> None:
    rng, true, held = np.random.default_rng(0), 0.921350, 0  # the AUC of two normal distributions two deviations apart
    for _ in range(400):
        scores = np.concatenate([rng.normal(2, 1, 20), rng.normal(0, 1, 30)])
        value = metrics.auc(scores, np.arange(50) < 20)
        low, high = metrics.auc_interval(value, positives=20, negatives=30)
        held += low <= true <= high
    assert 0.93 <= held / 400 <= 0.99
    assert metrics.auc_interval(float("nan"), positives=0, negatives=9) == (0.0, 1.0)


def test_weights_count_what_a_picture_stands_for() -> None:
    scores, truth = np.array([0.9, 0.1, 0.1, 0.9]), np.array([True, True, False, False])
    found = evaluate(scores, truth, threshold=0.5, groups=list("abcd"), weights=np.array([1.0, 3.0, 50.0, 50.0]))
    assert found.counts == (1.0, 50.0, 50.0, 3.0)
    assert (found.recall.value, found.specificity.value) == (0.25, 0.5)


def test_a_figure_without_a_denominator_is_nan() -> None:
    found = evaluate(np.array([0.2, 0.3]), np.array([False, False]), threshold=0.5, groups=["a", "a"])
    assert math.isnan(found.recall.value)
    assert math.isnan(found.auc.value)
    assert found.specificity.value == 1.0
    with pytest.raises(ValueError, match="at least one picture"):
        evaluate(np.array([]), np.array([], dtype=bool), threshold=0.5, groups=[])


def test_precision_and_recall_over_thresholds() -> None:
    scores, truth = np.array([0.2, 0.8]), np.array([False, True])
    points = over_thresholds(scores, truth, np.ones(2), steps=10)
    assert points[0] == (0.0, 0.5, 1.0)
    assert points[5] == (0.5, 1.0, 1.0)
    assert points[9][2] == 0.0
    assert math.isnan(points[9][1])


def test_the_page_stands_alone_and_shows_the_worst() -> None:
    scores, truth = made(400)
    names = [f"<g{n % 12}>" for n in range(400)]
    found = evaluate(scores, truth, threshold=0.5, groups=names, call_usd=0.001)
    text = evaluation_page(
        found,
        Judged(scores, truth, names, np.ones(400)),
        model="fast 1",
        data="labels.csv",
        price="aws-rekognition/DetectText",
        worst=[Missed("a/<b>.jpg", 0.0123, b"\xff\xd8jpeg")],
    )
    assert "data:image/jpeg;base64,/9hqcGVn" in text
    assert "a/&lt;b&gt;.jpg" in text
    assert "<g1>" not in text
    assert text.count("<svg") == 3
    assert "http" not in text
    assert BY_GROUP in text
