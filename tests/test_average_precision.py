"""Average precision: cases counted by hand, and pycocotools where it is installed."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cloudvision.training.average_precision import OVERLAPS, Boxes, overlap, score

NOTHING = Boxes(np.zeros((0, 4)), np.zeros(0, dtype=np.int64), np.zeros(0))


def boxes(*rows: tuple[float, ...], labels: list[int] | None = None, scores: list[float] | None = None) -> Boxes:
    found = None if scores is None else np.array(scores)
    return Boxes(np.array(rows, dtype=float), np.array(labels or [0] * len(rows)), found)


def test_overlap_of_boxes_that_share_a_third() -> None:
    found = overlap(np.array([[0, 0, 2, 2.0]]), np.array([[1, 0, 3, 2.0], [5, 5, 6, 6.0], [0, 0, 2, 2.0]]))
    np.testing.assert_allclose(found, [[1 / 3, 0, 1]])


def test_all_found_is_one() -> None:
    truth = [boxes((0, 0, 1, 1), (2, 2, 3, 3))]
    scores = score(truth, [boxes((0, 0, 1, 1), (2, 2, 3, 3), scores=[0.9, 0.8])], labels=["a"])
    assert (1.0, 1.0) == (scores.map_50, scores.map_50_95)
    assert (1.0, 1.0) == (scores.labels[0].precision, scores.labels[0].recall)


def test_a_wrong_box_that_is_surer_than_the_right_one_halves_it() -> None:
    found = [boxes((5, 5, 6, 6), (0, 0, 1, 1), scores=[0.9, 0.8])]
    assert 0.5 == pytest.approx(score([boxes((0, 0, 1, 1))], found, labels=["a"]).map_50)


def test_half_found_counts_the_recalls_up_to_a_half() -> None:
    """Recalls 0.00 to 0.50 are reached, with precision 1: 51 of 101."""
    scores = score([boxes((0, 0, 1, 1), (2, 2, 3, 3))], [boxes((0, 0, 1, 1), scores=[0.9])], labels=["a"])
    assert 51 / 101 == pytest.approx(scores.map_50)


def test_a_second_box_on_the_same_thing_is_a_miss() -> None:
    found = [boxes((0, 0, 1, 1), (0, 0, 1, 1), (2, 2, 3, 3), scores=[0.9, 0.8, 0.7])]
    scores = score([boxes((0, 0, 1, 1), (2, 2, 3, 3))], found, labels=["a"])
    assert pytest.approx((51 + 50 * 2 / 3) / 101) == scores.map_50


def test_an_overlap_of_seventy_hundredths_counts_for_half_of_the_limits() -> None:
    """IoU 0.72: right at 0.50, 0.55, 0.60, 0.65 and 0.70, wrong at the other five."""
    scores = score([boxes((0, 0, 1, 1))], [boxes((0, 0, 0.72, 1), scores=[0.9])], labels=["a"])
    assert (1.0, pytest.approx(0.5)) == (scores.map_50, scores.map_50_95)


def test_a_label_without_true_boxes_does_not_count() -> None:
    found = [boxes((0, 0, 1, 1), (0, 0, 1, 1), labels=[0, 1], scores=[0.9, 0.9])]
    scores = score([boxes((0, 0, 1, 1))], found, labels=["a", "b"])
    assert 1.0 == scores.map_50
    assert math.isnan(scores.labels[1].ap_50)
    assert math.isnan(score([NOTHING], [NOTHING], labels=["a"]).map_50)


def test_precision_and_recall_are_those_at_the_threshold() -> None:
    found = [boxes((0, 0, 1, 1), (5, 5, 6, 6), (2, 2, 3, 3), scores=[0.9, 0.6, 0.3])]
    (one,) = score([boxes((0, 0, 1, 1), (2, 2, 3, 3))], found, labels=["a"], threshold=0.5).labels
    assert (0.5, 0.5) == (one.precision, one.recall)


def made_up(seed: int) -> tuple[list[Boxes], list[Boxes]]:
    """Thirty pictures of three labels: jittered, doubled, missed and invented boxes."""
    rng = np.random.default_rng(seed)
    truth, found = [], []
    for _ in range(30):
        count = int(rng.integers(0, 5))
        corner, size = rng.uniform(0, 60, (count, 2)), rng.uniform(5, 40, (count, 2))
        real, labels = np.hstack([corner, corner + size]), rng.integers(0, 3, count)
        again = rng.integers(0, count, int(rng.integers(0, 8))) if count else np.zeros(0, dtype=np.int64)
        told = real[again] + rng.normal(0, 3, (len(again), 4))
        told[:, 2:] = np.maximum(told[:, 2:], told[:, :2] + 1)
        which = np.where(rng.random(len(again)) < 0.8, labels[again], rng.integers(0, 3, len(again)))
        truth.append(Boxes(real, labels))
        found.append(Boxes(told, which, rng.random(len(again))))
    return truth, found


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_it_counts_as_pycocotools_does(seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pycocotools", reason="pycocotools is not installed: pip install pycocotools")
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    truth, found = made_up(seed)
    as_coco = [
        [
            {
                "id": 0,
                "image_id": image,
                "category_id": int(label),
                "bbox": [left, top, right - left, bottom - top],
                "area": (right - left) * (bottom - top),
                "iscrowd": 0,
                "score": float(sure),
            }
            for image, one in enumerate(side)
            for (left, top, right, bottom), label, sure in zip(
                one.corners.tolist(),
                one.labels,
                np.ones(len(one.labels)) if one.scores is None else one.scores,
                strict=True,
            )
        ]
        for side in (truth, found)
    ]
    for number, row in enumerate(as_coco[0], start=1):
        row["id"] = number
    theirs = COCO()
    theirs.dataset = {
        "images": [{"id": n} for n in range(len(truth))],
        "categories": [{"id": n} for n in range(3)],
        "annotations": as_coco[0],
    }
    theirs.createIndex()
    judge = COCOeval(theirs, theirs.loadRes(as_coco[1]), "bbox")
    judge.evaluate()
    judge.accumulate()
    precision = judge.eval["precision"][:, :, :, 0, 2]  # overlap, recall, label; all areas, 100 boxes a picture
    ours = score(truth, found, labels=["a", "b", "c"])
    capsys.readouterr()
    assert len(OVERLAPS) == len(precision)
    for label, one in enumerate(ours.labels):
        assert precision[0, :, label].mean() == pytest.approx(one.ap_50, abs=1e-9)
        assert precision[:, :, label].mean() == pytest.approx(one.ap_50_95, abs=1e-9)
