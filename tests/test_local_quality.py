"""Figures of the emulated Custom Vision, against what is counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from cloudvision.emulator.custom_vision_trainer import Guess, Mark
from cloudvision.emulator.local_quality import BoxesJudged, TagsJudged

LEFT, RIGHT = (0.0, 0.0, 0.4, 1.0), (0.6, 0.0, 0.4, 1.0)


def test_tags_are_counted_at_the_threshold() -> None:
    scores = np.array([[0.9, 0.1], [0.6, 0.4], [0.45, 0.55]], dtype=np.float32)
    truth = np.array([[True, False], [False, True], [False, True]])
    found = TagsJudged(("apple", "pear"), scores, truth).quality(threshold=0.5, overlap=0.3)
    assert (found.precision, found.recall) == (pytest.approx(2 / 3), pytest.approx(2 / 3))
    apple, pear = found.tags["apple"], found.tags["pear"]
    assert (apple.precision, apple.recall, apple.average_precision) == (0.5, 1.0, 1.0)
    assert (pear.precision, pear.recall, pear.average_precision) == (1.0, 0.5, 1.0)
    # 0.9 hit, 0.6 not, 0.55 hit, 0.45 not, 0.4 hit, 0.1 not
    assert found.average_precision == pytest.approx((1 + 2 / 3 + 3 / 5) / 3)
    none = TagsJudged(("apple", "pear"), scores, truth).quality(threshold=0.95, overlap=0.3)
    assert (none.precision, none.recall) == (0.0, 0.0)


def test_a_box_is_found_once_and_only_where_it_is() -> None:
    seen = [
        ([Guess("cup", 0.9, LEFT), Guess("cup", 0.8, LEFT), Guess("cup", 0.7, RIGHT)], [Mark("cup", LEFT)]),
        ([Guess("pot", 0.6, LEFT)], [Mark("cup", LEFT), Mark("pot", LEFT)]),
    ]
    found = BoxesJudged(("cup", "pot", "pan"), seen).quality(threshold=0.5, overlap=0.5)
    cup, pot, pan = (found.tags[tag] for tag in ("cup", "pot", "pan"))
    assert (cup.precision, cup.recall, cup.average_precision) == (pytest.approx(1 / 3), 0.5, 0.5)
    assert (pot.precision, pot.recall, pot.average_precision) == (1.0, 1.0, 1.0)
    assert (pan.precision, pan.recall, pan.average_precision) == (0.0, 0.0, 0.0)
    assert (found.precision, found.recall) == (0.5, pytest.approx(2 / 3))
    assert found.average_precision == 0.75  # of the tags that are there


def test_how_much_a_box_must_share_is_asked_for() -> None:
    half = BoxesJudged(("cup",), [([Guess("cup", 0.9, (0.0, 0.0, 0.5, 1.0))], [Mark("cup", (0.0, 0.0, 1.0, 1.0))])])
    assert half.quality(threshold=0.1, overlap=0.5).recall == 1.0
    assert half.quality(threshold=0.1, overlap=0.51).recall == 0.0
    apart = BoxesJudged(("cup",), [([Guess("cup", 0.9, LEFT)], [Mark("cup", RIGHT)])])
    assert apart.quality(threshold=0.1, overlap=0.0).recall == 0.0
