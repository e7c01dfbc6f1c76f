"""A certified threshold keeps its promise, and what cannot be certified says what is missing."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cloudvision.errors import ConfigError
from cloudvision.gate.binomial import at_most, lower_bound, student, upper_bound
from cloudvision.gate.calibrate import EXACT, GROUPED, Certificate, certify, misses_allowed, positives_needed


def certified(scores: np.ndarray, **more: object) -> Certificate:
    """Of positives alone."""
    return certify(scores, np.ones(len(scores), dtype=bool), **more)  # type: ignore[arg-type]


def by_hand(hits: int, trials: int, share: float) -> float:
    return math.fsum(math.comb(trials, k) * share**k * (1 - share) ** (trials - k) for k in range(hits + 1))


@pytest.mark.parametrize(("hits", "trials", "share"), [(0, 59, 0.05), (3, 12, 0.5), (40, 400, 0.1), (99, 100, 0.97)])
def test_the_binomial_tail_is_that_of_the_sum(hits: int, trials: int, share: float) -> None:
    assert at_most(hits, trials, share) == pytest.approx(by_hand(hits, trials, share), rel=1e-9)


def test_the_ends_of_the_binomial_tail() -> None:
    assert (at_most(5, 5, 0.3), at_most(-1, 5, 0.3), at_most(0, 5, 0.0), at_most(0, 5, 1.0)) == (1.0, 0.0, 1.0, 0.0)
    assert at_most(500_000, 10_000_000, 0.05) == pytest.approx(0.5, abs=0.001)


def test_bounds_are_those_of_clopper_and_pearson() -> None:
    assert upper_bound(0, 59) == pytest.approx(1 - 0.05 ** (1 / 59))
    assert lower_bound(59, 59) == pytest.approx(0.05 ** (1 / 59))
    assert (lower_bound(0, 10), upper_bound(10, 10), lower_bound(0, 0), upper_bound(0, 0)) == (0.0, 1.0, 0.0, 1.0)
    assert by_hand(7, 50, upper_bound(7, 50)) == pytest.approx(0.05)


def test_student_is_that_of_the_tables() -> None:
    assert student(0.95, 10) == pytest.approx(1.8125, abs=0.001)
    assert student(0.99, 30) == pytest.approx(2.4573, abs=0.001)


def test_over_a_thousand_draws_the_target_is_missed_in_seven_of_a_hundred_at_most() -> None:
    rng = np.random.default_rng(2024)
    # The score of a positive is uniform, so the recall of a threshold t is 1 - t.
    missed = sum(1 - certified(rng.random(300)).threshold < 0.95 for _ in range(1000))
    assert missed <= 70
    assert missed >= 15, "and it does not buy that with needless calls"


def test_of_whole_groups_the_target_is_missed_about_as_seldom() -> None:
    rng = np.random.default_rng(7)
    spread, missed, draws = 0.6, 0, 60
    truth = -1.6449 * math.sqrt(1 + spread**2)  # the score that 95 % of all positives of all groups reach
    for _ in range(draws):
        sizes = np.maximum(1, np.exp(rng.normal(2.7, 0.8, 60))).astype(int)
        names = np.repeat(np.arange(60), sizes)
        scores = rng.normal(rng.normal(0, spread, 60)[names], 1.0)
        missed += certified(scores, groups=[str(n) for n in names]).threshold > truth
    assert missed <= 0.12 * draws
    # The same draws taken for exchangeable pictures miss far more often: that is why groups have a rule of their own.


def test_fewer_than_59_positives_certify_nothing_and_say_how_many_more() -> None:
    assert positives_needed(recall=0.95, confidence=0.95) == 59
    assert positives_needed(recall=0.99, confidence=0.95) == 299
    with pytest.raises(ConfigError, match="not enough positives: 19 more needed"):
        certified(np.linspace(0, 1, 40))
    assert certified(np.linspace(0, 1, 59)).threshold == 0.0


def test_as_many_misses_as_the_exact_rule_allows_and_not_one_more() -> None:
    found = certified(np.arange(200) / 200)
    assert found.missed == misses_allowed(200, recall=0.95, confidence=0.95) == 4
    assert by_hand(4, 200, 0.05) <= 0.05 < by_hand(5, 200, 0.05)
    assert (found.method, found.positives, found.groups, found.independent) == (EXACT, 200, None, 200.0)


def test_ties_never_cost_recall() -> None:
    found = certified(np.repeat([0.2, 0.8], [50, 150]))
    assert found.threshold == 0.2
    assert found.missed == 0


def test_negatives_do_not_move_the_threshold() -> None:
    rng = np.random.default_rng(0)
    positives = rng.random(100)
    scores = np.concatenate([positives, rng.random(500)])
    assert certify(scores, np.arange(600) < 100).threshold == certified(positives).threshold


def test_copies_of_a_picture_count_once_where_groups_are_told() -> None:
    rng = np.random.default_rng(3)
    alone = np.sort(rng.random(120))
    copied, names = np.repeat(alone, 20), [str(n) for n in np.repeat(np.arange(120), 20)]
    one = certified(copied, groups=names)
    assert one.method == GROUPED
    assert one.groups == 120
    assert one.independent < 150
    assert one.threshold <= certified(alone).threshold < certified(copied).threshold


def test_few_groups_certify_nothing() -> None:
    scores = np.random.default_rng(0).random(900)
    with pytest.raises(ConfigError, match="not enough groups: 7 more needed"):
        certified(scores, groups=[str(n % 3) for n in range(900)])
    whole = np.repeat(np.random.default_rng(0).random(20), 45)
    with pytest.raises(ConfigError, match=r"not enough groups: about \d+ more needed"):
        certified(whole, groups=[str(n // 45) for n in range(900)])


def test_a_weight_takes_what_it_stands_for_into_the_promise() -> None:
    rng = np.random.default_rng(5)
    # Low scores were seen one time in ten, and stand for ten each.
    stream = rng.random(20_000)
    weights = np.where(stream < 0.5, 10.0, 1.0)
    seen = rng.random(20_000) < 1 / weights
    blind = certified(stream[seen]).threshold
    honest = certified(stream[seen], weights=weights[seen])
    assert blind > 0.05 >= honest.threshold
    assert honest.left_out + honest.positives == seen.sum()
    equal = certified(stream[:300], weights=np.full(300, 50.0))
    assert (equal.left_out, equal.threshold) == (0, certified(stream[:300]).threshold)


def test_what_the_weights_leave_out_is_told_where_it_is_missing() -> None:
    weights = np.r_[np.full(70, 1.0), np.full(5, 50.0)]
    with pytest.raises(ConfigError, match="left out by their weights"):
        certified(np.linspace(0, 1, 75), weights=weights)


@pytest.mark.parametrize("more", [{"recall": 1.0}, {"recall": 0.0}, {"confidence": 1.0}, {"confidence": 0.4}])
def test_targets_that_mean_nothing_are_refused(more: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="recall lies between"):
        certified(np.linspace(0, 1, 400), **more)


def test_scores_and_weights_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="not a finite number"):
        certified(np.full(100, np.nan))
    with pytest.raises(ValueError, match="above 0"):
        certified(np.linspace(0, 1, 100), weights=np.zeros(100))


def test_the_seed_decides_the_resampling() -> None:
    rng = np.random.default_rng(1)
    scores, names = rng.random(2000), [str(n // 20) for n in range(2000)]
    assert certified(scores, groups=names, seed=4) == certified(scores, groups=names, seed=4)
