"""Fitting a picture into an input, and leaving out boxes around the same thing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cloudvision.geometry import Box
from cloudvision.models.fitting import GREY, RESIZES, Fitted, Resize, enough, fit
from cloudvision.models.suppression import overlaps, suppress

sides = st.integers(1, 60)


@given(sides, sides, sides, sides, st.sampled_from(RESIZES))
@example(13, 1, 15, 1, "crop")
def test_every_picture_fits_and_every_place_has_its_way_back(
    width: int, height: int, wanted_width: int, wanted_height: int, resize: Resize
) -> None:
    fitted, place = fit(
        np.full((height, width, 3), 9, np.uint8), width=wanted_width, height=wanted_height, resize=resize
    )
    assert (wanted_height, wanted_width, 3) == fitted.shape
    whole = Fitted(np.zeros((3, 1, 1), np.float32), place).in_picture(place)
    assert pytest.approx((0, 0, 1, 1), abs=1e-6) == (whole.left, whole.top, whole.width, whole.height)
    assert enough(width=wanted_width, height=wanted_height, of=(width, height)) >= 1


def test_a_letterbox_keeps_the_shape_and_fills_with_grey() -> None:
    fitted, place = fit(np.full((10, 20, 3), 200, np.uint8), width=8, height=8, resize="letterbox")
    assert {200} == set(fitted[:4].ravel().tolist())
    assert {GREY} == set(fitted[4:].ravel().tolist())
    assert Box(0, 0, 1, 0.5) == place


def test_a_crop_shows_the_middle() -> None:
    pixels = np.zeros((10, 20, 3), np.uint8)
    pixels[:, 5:15] = 200
    fitted, place = fit(pixels, width=10, height=10, resize="crop")
    assert {200} == set(fitted.ravel().tolist())
    assert Box(-0.5, 0, 2, 1) == place


def test_a_large_picture_is_decoded_no_larger_than_needed() -> None:
    assert 299 == enough(width=224, height=224, of=(4000, 3000))
    assert 3000 == enough(width=300, height=10, of=(100, 1000))


def test_of_boxes_around_one_thing_the_surest_stays() -> None:
    boxes = np.array([[0, 0, 1, 1], [0.05, 0, 1, 1], [0, 0, 0.2, 0.2], [0.3, 0.3, 0.3, 0.9]], np.float32)
    scores = np.array([[0.6, 0.1], [0.9, 0.7], [0.8, 0.1], [1.0, 1.0]], np.float32)
    kept = suppress(boxes, scores, threshold=0.5, overlap=0.5, most=10)
    # The last one has no inside; labels do not suppress each other.
    assert [(1, 0), (2, 0), (1, 1)] == [(cell, label) for cell, label, _ in kept]
    assert [(1, 0)] == [(cell, label) for cell, label, _ in suppress(boxes, scores, threshold=0.5, overlap=0.5, most=1)]


def test_overlap_is_intersection_over_union() -> None:
    box = np.array([0, 0, 2, 1], np.float32)
    others = np.array([[1, 0, 3, 1], [0, 0, 2, 1], [5, 5, 6, 6], [0, 0, 1, 1]], np.float32)
    assert pytest.approx([1 / 3, 1, 0, 0.5]) == overlaps(box, others).tolist()


@given(st.lists(st.tuples(*[st.floats(0, 1, width=32)] * 5), max_size=30), st.floats(0, 1), st.floats(0, 1))
def test_what_is_kept_overlaps_no_more_than_allowed(
    rows: list[tuple[float, ...]], threshold: float, overlap: float
) -> None:
    table = np.array(rows, np.float32).reshape(-1, 5)
    kept = suppress(table[:, :4], table[:, 4:], threshold=threshold, overlap=overlap, most=20)
    assert [score for *_, score in kept] == sorted((score for *_, score in kept), reverse=True)
    for at, (cell, _, score) in enumerate(kept):
        assert score >= np.float32(threshold) or score >= threshold
        others = table[[other for other, *_ in kept[at + 1 :]], :4]
        assert (overlaps(table[cell, :4], others) <= overlap).all()
