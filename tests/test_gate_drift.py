"""Scores as probabilities, and scores that move away from the calibration set."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cloudvision.gate.drift import Reference, drift, reference_of
from cloudvision.gate.reliability import Bin, calibration_error, reliability


def test_scores_that_are_probabilities_have_no_calibration_error() -> None:
    rng = np.random.default_rng(0)
    scores = rng.random(50_000)
    curve = reliability(scores, rng.random(50_000) < scores)
    assert len(curve) == 10
    assert calibration_error(curve) < 0.01
    assert sum(one.pictures for one in curve) == 50_000


def test_scores_that_boast_have_one() -> None:
    curve = reliability(np.full(100, 0.9), np.arange(100) < 60)
    assert curve == (Bin(pytest.approx(0.9), 0.6, 100, 60),)
    assert calibration_error(curve) == pytest.approx(0.3)


def test_a_score_of_one_lies_in_the_last_bin_and_nothing_has_no_error() -> None:
    assert reliability(np.array([1.0]), np.array([True])) == (Bin(1.0, 1.0, 1, 1),)
    assert math.isnan(calibration_error(()))


def test_the_same_stream_does_not_drift() -> None:
    rng = np.random.default_rng(0)
    found = drift(rng.beta(0.5, 1, 5_000), reference_of(rng.beta(0.5, 1, 5_000)))
    assert found.psi < 0.02
    assert found.ks < 0.04
    assert found.words == "none"


def test_another_stream_does() -> None:
    rng = np.random.default_rng(0)
    found = drift(rng.beta(2, 1, 2_000), reference_of(rng.beta(0.5, 1, 5_000)))
    assert found.psi > 0.25
    assert found.ks > 0.3
    assert (found.words, found.pictures) == ("large", 2_000)


def test_a_gate_that_says_the_same_of_half_the_pictures_is_compared_too() -> None:
    reference = reference_of(np.r_[np.zeros(600), np.linspace(0.1, 1, 400)])
    same = drift(np.r_[np.zeros(60), np.linspace(0.1, 1, 40)], reference)
    assert same.psi < 0.02
    assert drift(np.linspace(0.1, 1, 100), reference).psi > 0.25


def test_nothing_to_compare_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one score"):
        reference_of(np.array([]))
    with pytest.raises(ValueError, match="at least one score"):
        drift(np.array([]), reference_of(np.array([0.5])))


@pytest.mark.parametrize("kept", [((), ()), ((0.1, 0.1), (0.2, 0.3)), ((0.1,), (0.2, 0.3)), ((0.1, 0.2), (0.3, 0.2))])
def test_a_reference_that_makes_no_sense_is_refused(kept: tuple[tuple[float, ...], tuple[float, ...]]) -> None:
    with pytest.raises(ValueError, match="rising"):
        Reference(10, *kept)
