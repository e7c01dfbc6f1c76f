"""Two iterations on the same pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudvision.customvision import Project, compare, compared, create_project, delete_project, train, wait_for
from cloudvision.customvision import check as look
from cloudvision.customvision import upload as send
from cloudvision.emulator import running
from cloudvision.emulator.custom_vision_trainer import Guess, Job, Quality
from cloudvision.errors import ConfigError
from cloudvision.geometry import Box
from tests.customvision_rig import annotated, annotations, resource
from tests.emulation import MadeUpReader
from tests.pictures import png

pytest.importorskip("azure.cognitiveservices.vision.customvision", reason="needs the extra azure")

BOX = Box(0.1, 0.1, 0.5, 0.5)


def judged(*rights: tuple[bool, bool]) -> list[tuple[str, bool, bool]]:
    return [(str(number), a, b) for number, (a, b) in enumerate(rights)]


def test_a_clear_winner_is_told_and_a_small_difference_is_not() -> None:
    clear = compared(judged(*[(False, True)] * 9, (True, True)))
    assert ("b is better", 1, 10, 0, 9) == (clear.verdict, clear.a.right, clear.b.right, clear.only_a, clear.only_b)
    assert pytest.approx(2 / 2**9) == clear.p_value
    assert clear.difference[1] > 0
    close = compared(judged(*[(False, True)] * 5, *[(True, True)] * 40))
    assert "no difference can be told from 45 pictures" == close.verdict
    assert ("0", "1", "2", "3", "4") == close.disagreements


def test_intervals_are_those_of_clopper_and_pearson() -> None:
    # 44 of 45: R's binom.test gives 0.8823 to 0.9994
    share = compared(judged(*[(True, True)] * 44, (False, False))).a
    assert pytest.approx((0.8823, 0.9994), abs=1e-4) == (share.low, share.high)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_the_figures_fit_together(rights: list[tuple[bool, bool]]) -> None:
    found = compared(judged(*rights))
    difference, low, high = found.difference
    assert low <= difference <= high
    assert pytest.approx((found.b.right - found.a.right) / len(rights)) == difference
    assert 0 < found.p_value <= 1
    turned = compared(judged(*[(b, a) for a, b in rights]))
    assert pytest.approx((-high, -low)) == turned.difference[1:]
    assert (found.a, found.p_value) == (turned.b, turned.p_value)


class Told:
    """A model that gives the same answer for every picture."""

    def __init__(self, guesses: Sequence[Guess]) -> None:
        self._guesses = guesses

    def predict(self, data: bytes, /) -> Sequence[Guess]:
        return self._guesses

    def quality(self, *, threshold: float, overlap: float) -> Quality:
        return Quality(1, 1, 1)

    def export(self, platform: str, flavor: str | None, /) -> bytes | None:
        return None


class Telling:
    """A trainer whose models answer as they are told, one after the other."""

    def __init__(self, *answers: Sequence[Guess]) -> None:
        self._answers = list(answers)

    def train(self, job: Job, /) -> Told:
        return Told(self._answers.pop(0))


def side_by_side(kind: str, place: Path, marks: Sequence[object], *answers: Sequence[Guess]) -> tuple[int, int, int]:
    """How many of three pictures two models get right, and how many could not be compared."""
    items = []
    for number in range(15):
        (place / f"{number}.png").write_bytes(png(number))
        extra = ("knife",) if kind != "detection" and number % 2 else marks
        items.append(annotated(place / f"{number}.png", *extra))  # type: ignore[arg-type]
    with running(reader=MadeUpReader(), trainer=Telling(*answers)) as emulator:
        asking = resource(emulator)
        project: Project = create_project(asking, "pairs", kind=kind)  # type: ignore[arg-type]
        send(asking, project, look(annotations(*items), kind=project.kind).ready)
        a, b = [wait_for(asking, project, train(asking, project, force=True).iteration) for _ in range(2)]
        test = [annotated(place / f"{number}.png", *marks) for number in range(3)] + [
            annotated(place / "gone.png", "x")
        ]  # type: ignore[arg-type]
        found = compare(asking, project, a, b, test)
        with pytest.raises(ConfigError, match=r"no picture to compare on; .*gone.png"):
            compare(asking, project, a, b, test[3:])
        delete_project(asking, project, confirm="pairs")
    return found.a.right, found.b.right, len(found.unusable)


def test_the_surest_tag_counts_where_there_is_one(tmp_path: Path) -> None:
    right, wrong = [Guess("fork", 0.4), Guess("knife", 0.3)], [Guess("fork", 0.4), Guess("knife", 0.6)]
    assert (3, 0, 1) == side_by_side("multiclass", tmp_path, ["fork"], right, wrong)


def test_all_tags_count_where_there_are_several(tmp_path: Path) -> None:
    both, one = [Guess("fork", 0.6), Guess("knife", 0.5)], [Guess("fork", 0.9), Guess("knife", 0.4)]
    assert (3, 0, 1) == side_by_side("multilabel", tmp_path, ["fork", "knife"], both, one)


def test_every_box_must_be_found_and_no_other(tmp_path: Path) -> None:
    near = Guess("fork", 0.9, (0.15, 0.1, 0.5, 0.5))
    found, twice = [near, Guess("fork", 0.3, (0.9, 0.9, 0.1, 0.1))], [near, Guess("fork", 0.8, (0.1, 0.1, 0.5, 0.5))]
    assert (3, 0, 1) == side_by_side("detection", tmp_path, [("fork", BOX)], found, twice)
