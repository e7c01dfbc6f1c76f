"""The parts of the detector's trainer: what is kept apart, how pictures are changed, which cells answer."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'cloudvision-gate[train]'")

from cloudvision.annotations import Mark  # noqa: E402
from cloudvision.errors import ConfigError  # noqa: E402
from cloudvision.geometry import Box  # noqa: E402
from cloudvision.training.detect_augment import Changes, View, plain, view  # noqa: E402
from cloudvision.training.detect_loss import Truth, assign, loss_of  # noqa: E402
from cloudvision.training.detect_network import Detector, DetectorShape, Found, cells  # noqa: E402
from cloudvision.training.detect_scenes import BoxExample, Scene, hold_out, read_scenes  # noqa: E402
from cloudvision.training.network import Shape  # noqa: E402
from tests.boxed_pictures import boxed_examples, boxed_picture  # noqa: E402

NAMES = ("disc", "square")
STILL = Changes(mosaic=0.0, paste=0.0, turn=0.0, blot=0.0, colour=0.0, zoom=(0.7, 1.3))


def scenes(count: int) -> tuple[Scene, ...]:
    found, problems = read_scenes(boxed_examples(count), NAMES, side=96)
    assert not problems
    return found


def coloured_box(seen: View, label: int) -> tuple[float, ...]:
    """Around all pixels of a thing's colour: left, top, right, bottom."""
    pixels = seen.pixels.astype(int)
    strong = pixels[..., 0 if label == 0 else 2] - pixels[..., 2 if label == 0 else 0] > 120
    rows, columns = np.flatnonzero(strong.any(1)), np.flatnonzero(strong.any(0))
    return (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)


@pytest.mark.parametrize("any_way_up", [False, True])
def test_boxes_follow_the_things_through_every_change(any_way_up: bool) -> None:
    one = scenes(1)
    followed = 0
    for seed in range(60):
        changes = dataclasses.replace(STILL, any_way_up=any_way_up)
        seen = view(one, 0, np.random.default_rng(seed), size=(128, 96), changes=changes)
        for box, label in zip(seen.boxes, seen.labels, strict=True):
            np.testing.assert_allclose(coloured_box(seen, int(label)), box, atol=2.5)
            followed += 1
    assert followed > 50


def test_a_box_turned_by_some_degrees_still_holds_a_disc() -> None:
    disc = next(s for s in scenes(12) if s.labels.tolist() == [0])
    for seed in range(20):
        changes = dataclasses.replace(STILL, turn=1.0, zoom=(0.5, 0.7))
        seen = view([disc], 0, np.random.default_rng(seed), size=(128, 128), changes=changes)
        np.testing.assert_allclose(coloured_box(seen, 0), seen.boxes[0], atol=3)


def test_mosaic_and_pasting_bring_things_of_other_pictures() -> None:
    some = scenes(6)
    every = dataclasses.replace(STILL, mosaic=1.0)
    assert 3 <= len(view(some, 0, np.random.default_rng(0), size=(128, 128), changes=every).labels) <= 8
    empty = dataclasses.replace(some[0], boxes=some[0].boxes[:0], labels=some[0].labels[:0])
    pasted = dataclasses.replace(STILL, paste=1.0)
    assert 1 == len(view([empty, *some], 0, np.random.default_rng(0), size=(128, 128), changes=pasted).labels)


def test_the_same_seed_makes_the_same_view() -> None:
    some = scenes(6)
    views = [view(some, 0, np.random.default_rng(3), size=(64, 64), changes=Changes()) for _ in range(2)]
    np.testing.assert_array_equal(views[0].pixels, views[1].pixels)
    np.testing.assert_array_equal(views[0].boxes, views[1].boxes)


def test_a_plain_view_is_stretched_and_nothing_else() -> None:
    (one,) = scenes(1)
    seen = plain(one, size=(64, 32))
    assert (32, 64, 3) == seen.pixels.shape
    np.testing.assert_allclose(seen.boxes, one.boxes * [64, 32, 64, 32])


def test_pictures_that_look_alike_or_share_a_group_are_not_parted() -> None:
    pixels, marks = boxed_picture(5)
    lighter = np.clip(pixels.astype(int) + 25, 0, 255).astype(np.uint8)
    examples = [*boxed_examples(20), BoxExample(pixels, marks), BoxExample(lighter, marks)]
    grouped = [dataclasses.replace(one, group=f"of {n // 2}") for n, one in enumerate(examples)]
    for given, pairs in ((examples, [(5, 20), (5, 21)]), (grouped, [(n, n + 1) for n in range(0, 22, 2)])):
        found, _ = read_scenes(given, NAMES, side=96)
        for seed in range(4):
            _, held = hold_out(found, share=0.3, seed=seed)
            assert all((a in held) == (b in held) for a, b in pairs)


def test_both_sides_have_all_labels_and_each_picture_is_on_one() -> None:
    some = scenes(32)
    rest, held = hold_out(some, share=0.25, seed=0)
    assert list(range(32)) == sorted([*rest, *held])
    for side in (rest, held):
        assert {0, 1} == {int(label) for index in side for label in some[index].labels}
    with pytest.raises(ConfigError, match="would be held out"):
        hold_out(some[:1], share=0.3, seed=0)


def test_boxes_are_cut_at_the_edge_and_unknown_labels_refused() -> None:
    picture = np.zeros((20, 20, 3), dtype=np.uint8)
    (one,), _ = read_scenes([BoxExample(picture, (Mark("disc", Box(-0.5, 0.5, 1.0, 1.0)),))], NAMES, side=20)
    np.testing.assert_allclose(one.boxes, [[0, 0.5, 0.5, 1]])
    with pytest.raises(ConfigError, match="'cat', which is not among disc, square"):
        read_scenes([BoxExample(picture, (Mark("cat", Box(0, 0, 1, 1)),))], NAMES, side=20)


def found_everywhere(box: list[float], *, labels: int = 2) -> Found:
    """A network that says the same box everywhere, and nothing sure of labels."""
    count = len(cells(64, 64)[0])
    return Found(torch.tensor([[box] * count]), torch.zeros(1, count, labels, requires_grad=True))


def one_box(box: list[float], label: int) -> Truth:
    return Truth(torch.tensor([[box]]), torch.tensor([[label]]), torch.tensor([[True]]))


def test_cells_inside_a_box_answer_for_it_and_no_others() -> None:
    task = assign(found_everywhere([16.0, 16, 48, 48]), one_box([16.0, 16, 48, 48], 1), size=(64, 64))
    centres, _ = cells(64, 64)
    inside = ((centres > 16) & (centres < 48)).all(1)
    answering = task.scores[0].sum(1) > 0
    assert 10 == int(answering.sum())
    assert bool(inside[answering].all())
    assert 1.0 == pytest.approx(float(task.scores[0, :, 1].max()), abs=1e-3), "as sure as the overlap is good"
    assert 0.0 == float(task.scores[0, :, 0].sum())


def test_a_thing_smaller_than_a_cell_still_has_one() -> None:
    task = assign(found_everywhere([30.0, 30, 34, 34]), one_box([30.5, 30.5, 33, 33], 0), size=(64, 64))
    assert int((task.scores > 0).sum()) >= 1


def test_a_picture_without_boxes_only_asks_for_silence() -> None:
    found = found_everywhere([0.0, 0, 8, 8])
    nothing = Truth(torch.zeros(1, 1, 4), torch.zeros(1, 1, dtype=torch.int64), torch.tensor([[False]]))
    loss = loss_of(found, nothing, size=(64, 64))
    assert float(loss.detach()) > 0
    loss.backward()
    assert found.logits.grad is not None
    assert bool((found.logits.grad > 0).all()), "every score is to fall"


def test_the_network_answers_for_every_cell_and_begins_silent() -> None:
    shape = DetectorShape(trunk=Shape(widths=(8, 8, 8, 8, 8), depths=(1, 1, 1, 1)), width=8)
    with torch.inference_mode():
        found = Detector(3, shape).eval()(torch.zeros(2, 3, 96, 64))
    assert (2, 12 * 8 + 6 * 4 + 3 * 2, 4) == found.boxes.shape
    assert (2, 126, 3) == found.logits.shape
    assert float(torch.sigmoid(found.logits).max()) < 0.05
    assert bool((found.boxes[..., 2:] > found.boxes[..., :2]).all())
