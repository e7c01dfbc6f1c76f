"""What an audit says of live recall, and when a gate backs off by itself."""

from __future__ import annotations

import math
import threading

import numpy as np
import pytest

from cloudvision.gate.audit import Audited, hidden, live
from cloudvision.gate.backoff import BackedOff, Backoff
from cloudvision.gate.verdict import Verdict


def verdict(score: float, threshold: float = 0.5) -> Verdict:
    return Verdict(score >= threshold, score, threshold, "fast", "told 1")


def test_what_was_found_bounds_what_is_hidden() -> None:
    low, high = hidden(0, 0.02, confidence=0.95)
    assert low == 0.0
    assert 0.98**high == pytest.approx(0.05)  # 148 could hide, and none be found
    assert hidden(7, 1.0, confidence=0.95) == (7.0, 7.0)
    low, high = hidden(40, 0.1, confidence=0.95)
    assert 300 < low < 400 < high < 530


def test_the_bounds_hold_as_often_as_they_say() -> None:
    rng = np.random.default_rng(11)
    found = rng.binomial(200, 0.05, size=1000)
    bounds = {int(n): hidden(int(n), 0.05, confidence=0.95) for n in np.unique(found)}
    assert sum(bounds[int(n)][0] > 200 for n in found) <= 70
    assert sum(bounds[int(n)][1] < 200 for n in found) <= 70


def test_live_recall_has_the_called_and_what_the_audit_found() -> None:
    told = live(950, 400, [Audited(0.1, 500, 5)], skipped=5_000)
    assert (told.audited, told.found, told.missed.value) == (500, 5, 50)
    assert told.recall.value == 0.95
    assert 0.88 < told.recall.low < 0.95 < told.recall.high < 0.99
    assert told.savings.value == pytest.approx(4950 / 5350)
    assert told.savings.low < told.savings.value < told.savings.high


def test_an_audit_of_everything_leaves_nothing_open() -> None:
    told = live(90, 20, [Audited(1.0, 400, 10)], skipped=400)
    assert (told.recall.low, told.recall.value, told.recall.high) == (0.9, 0.9, 0.9)
    assert told.savings.value == pytest.approx(390 / 410)


def test_no_more_can_be_missed_than_was_skipped() -> None:
    told = live(10, 0, [Audited(0.02, 1, 0)], skipped=30)
    assert told.missed.high == 29
    assert told.recall.low == pytest.approx(10 / 39)


def test_audits_of_two_chances_come_together() -> None:
    told = live(900, 100, [Audited(0.1, 100, 2), Audited(0.5, 200, 10)], skipped=1_400)
    assert told.missed.value == 40
    assert told.missed.low < 40 < told.missed.high


def test_without_positives_there_is_no_recall() -> None:
    assert math.isnan(live(0, 5, [Audited(1.0, 5, 0)], skipped=5).recall.value)
    with pytest.raises(ValueError, match="needs an audit"):
        live(1, 1, [], skipped=5)
    with pytest.raises(ValueError, match="above 0"):
        live(1, 1, [Audited(0.0, 0, 0)], skipped=5)


def stream(backoff: Backoff, *, pictures: int, chance: float, seed: int, missed: float) -> list[BackedOff]:
    """Positives of which a share `missed` scores below the threshold of 0.5, among as many negatives."""
    rng = np.random.default_rng(seed)
    events = []
    for _ in range(pictures):
        truth = rng.random() < 0.5
        low = rng.random() < (missed if truth else 0.9)
        seen = backoff.adjusted(verdict(float(rng.uniform(0, 0.5) if low else rng.uniform(0.5, 1))))
        called = seen.worth or rng.random() < chance
        event = backoff.saw(seen, truth=bool(truth) if called else None, chance=1.0 if seen.worth else chance)
        events += [event] if event else []
    return events


def test_a_gate_that_misses_a_fifth_backs_off_and_misses_less() -> None:
    backoff = Backoff(recall=0.95)
    events = stream(backoff, pictures=20_000, chance=0.05, seed=1, missed=0.2)
    assert events
    assert events == backoff.events
    assert all(event.recall_at_most < 0.95 and event.after < event.before for event in events)
    assert events[0].before == 0.5
    assert events[0].found >= 5
    # Positives below 0.5 are spread evenly: a threshold of t misses a share of 0.2 * t / 0.5.
    assert 0.2 * backoff.adjusted(verdict(0.4)).threshold / 0.5 < 0.07


def test_a_gate_that_keeps_its_target_is_left_alone() -> None:
    alarms = sum(bool(stream(Backoff(), pictures=3_000, chance=0.1, seed=seed, missed=0.05)) for seed in range(40))
    assert alarms <= 4  # 5 % of 40, and two standard errors


def test_nothing_is_decided_before_five_audited_positives() -> None:
    backoff = Backoff()
    assert [backoff.saw(verdict(0.2), truth=True, chance=0.5) for _ in range(4)] == [None] * 4
    event = backoff.saw(verdict(0.2), truth=True, chance=0.5)
    assert event is not None
    assert (event.after, event.found, event.recall_at_most) == (0.2, 5, 0.0)
    assert backoff.adjusted(verdict(0.3)) == Verdict(True, 0.3, 0.2, "fast", "told 1")
    assert not backoff.adjusted(verdict(0.1)).worth


def test_the_third_time_everything_is_called() -> None:
    backoff = Backoff()
    for score in (0.3, 0.2, 0.1):
        for _ in range(5):
            backoff.saw(backoff.adjusted(verdict(score)), truth=True, chance=0.5)
    assert [event.after for event in backoff.events] == [0.3, 0.2, 0.0]
    assert backoff.adjusted(verdict(0.0)).worth


def test_a_verdict_from_before_the_change_counts_no_more() -> None:
    backoff = Backoff()
    for _ in range(5):
        backoff.saw(verdict(0.2), truth=True, chance=0.5)
    for _ in range(20):
        assert backoff.saw(verdict(0.1), truth=True, chance=0.5) is None


def test_a_run_that_goes_on_finds_its_lowered_threshold() -> None:
    backoff = Backoff()
    backoff.saw(verdict(0.9), truth=True, chance=1.0)
    backoff.saw(verdict(0.9, threshold=0.2), truth=True, chance=1.0)
    assert backoff.adjusted(verdict(0.3)).worth


def test_skips_that_nobody_called_and_answers_that_nobody_knows_change_nothing() -> None:
    backoff = Backoff()
    for _ in range(50):
        backoff.saw(verdict(0.1), truth=None, chance=0.02)
        backoff.saw(verdict(0.1), truth=False, chance=0.02)
    assert backoff.adjusted(verdict(0.3)) == verdict(0.3)


def test_many_threads_may_tell_at_once() -> None:
    backoff = Backoff()
    threads = [
        threading.Thread(target=lambda: [backoff.saw(verdict(0.2), truth=True, chance=0.5) for _ in range(50)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(backoff.events) == 1
