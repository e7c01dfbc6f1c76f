"""The line in front of a model: when a batch sets off, who gets what, what is refused. No threads, no time but a number."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudvision import images
from cloudvision.errors import ImageError
from cloudvision.images import Image
from cloudvision.serve.answer import Answer
from cloudvision.serve.cost import Cost, best, gain, measure
from cloudvision.serve.job import Group, Job
from cloudvision.serve.lane import Lane, Prepare, Run
from tests.pictures import png
from tests.serving import HeldBack


def lane(
    *, most: int = 64, batch: int = 4, delay_s: float = 0.01, hands: int = 2, at_once: int = 2, patient: bool = True
) -> Lane:
    return Lane(most=most, batch=batch, delay_s=delay_s, patient=patient, hands=hands, at_once=at_once, seconds=0.1)


def jobs(count: int) -> list[Job]:
    return [Job(lambda: images.load(png()), Group(1, done=lambda: None), 0, 0.0) for _ in range(count)]


def prepare(line: Lane, now: float = 0.0, *, free: int = 1) -> Job:
    step = line.next(now, free=free)
    assert isinstance(step, Prepare)
    return step.job


def ready(line: Lane, *, count: int, now: float = 0.0) -> None:
    """Let that many pictures be decoded."""
    for job in [prepare(line) for _ in range(count)]:
        line.prepared(job, "pixels", now=now, seconds=0.005)


def run(line: Lane, now: float = 0.0, *, free: int = 1) -> int:
    step = line.next(now, free=free)
    assert isinstance(step, Run), step
    return len(step.jobs)


def test_a_lonely_picture_waits_for_nobody() -> None:
    line = lane()
    assert line.admit(jobs(1))
    ready(line, count=1)
    assert 1 == run(line)


def test_a_picture_waits_for_those_on_their_way_and_no_longer_than_the_delay() -> None:
    line = lane(delay_s=0.01)
    assert line.admit(jobs(2))
    ready(line, count=1, now=1.0)
    late = prepare(line)
    assert line.next(1.0, free=1) is None
    assert 1.01 == line.due_at()
    assert 1 == run(line, 1.01)
    line.prepared(late, "pixels", now=1.02, seconds=0.02)
    assert 1 == run(line, 1.02)


def test_no_core_stands_idle_where_batches_bring_little() -> None:
    line = lane(patient=False)
    assert line.admit(jobs(3))
    ready(line, count=1)
    assert [prepare(line), prepare(line)]
    assert 1 == run(line), "the two others are still being decoded"


def test_a_full_batch_sets_off_at_once() -> None:
    line = lane(batch=4)
    assert line.admit(jobs(6))
    ready(line, count=4)
    assert 4 == run(line)


def test_free_workers_share_what_is_there() -> None:
    line = lane(batch=8)
    assert line.admit(jobs(5))
    ready(line, count=5)
    assert [3, 2] == [run(line, free=2), run(line, free=1)]


def test_no_more_inferences_run_at_once_than_may() -> None:
    line = lane(batch=1, hands=4, at_once=1)
    assert line.admit(jobs(3))
    ready(line, count=1)
    assert 1 == run(line)
    ready(line, count=2)
    assert line.next(0.0, free=3) is None
    line.ran(1, seconds=0.1)
    assert 1 == run(line)


def test_prepared_pictures_do_not_pile_up() -> None:
    line = lane(batch=2, hands=2, at_once=1)
    assert line.admit(jobs(50))
    ready(line, count=2)
    assert 2 == run(line)
    ready(line, count=6)
    assert line.next(0.0, free=1) is None
    assert 48 == len(line)


def test_a_full_line_refuses_all_of_a_request_and_says_when_to_come_again() -> None:
    line = lane(most=10)
    assert line.admit(jobs(8))
    assert not line.admit(jobs(3))
    assert 8 == len(line)
    assert line.admit(jobs(2))
    assert 1 == line.retry_after
    for _ in range(300):
        step = line.next(0.0, free=1)
        line.spoilt(seconds=30.0) if isinstance(step, Prepare) else None
    assert 0 == len(line)
    assert line.admit(jobs(10))
    assert 60 >= line.retry_after > 10


def test_the_abandoned_make_room_and_are_never_worked_on() -> None:
    line = lane(most=4)
    first, others = jobs(3), jobs(1)
    assert line.admit([*others, *first])
    for job in first:
        job.group.abandoned = True
    newcomers = jobs(3)
    assert line.admit(newcomers)
    assert [*others, *newcomers] == [prepare(line) for _ in range(4)]
    assert line.next(0.0, free=1) is None


ACTIONS = st.lists(st.tuples(st.sampled_from(["admit", "step", "settle", "wait"]), st.integers(1, 5)), max_size=40)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 20), st.integers(1, 6), st.integers(1, 4), st.booleans(), ACTIONS)
def test_everything_admitted_is_run_once_and_in_order(
    most: int, batch: int, hands: int, patient: bool, actions: list[tuple[str, int]]
) -> None:
    line = lane(most=most, batch=batch, hands=hands, at_once=hands, patient=patient)
    admitted: list[Job] = []
    done: list[Job] = []
    preparing: list[Job] = []
    running: list[int] = []
    now = 0.0

    def step(free: int) -> None:
        found = line.next(now, free=free)
        if isinstance(found, Prepare):
            preparing.append(found.job)
        elif isinstance(found, Run):
            assert 1 <= len(found.jobs) <= batch
            done.extend(found.jobs)
            running.append(len(found.jobs))

    def settle() -> None:
        if preparing:
            line.prepared(preparing.pop(0), "pixels", now=now, seconds=0.01)
        if running:
            line.ran(running.pop(0), seconds=0.1)

    for action, number in actions:
        match action:
            case "admit":
                new = jobs(number)
                fits = len(line) + number <= most
                assert fits == line.admit(new)
                admitted += new if fits else []
            case "step":
                step(number)
            case "settle":
                settle()
            case "wait":
                now += 0.02
        assert len(line) <= most
    while len(line):
        settle()
        step(1)
    assert admitted == done


class Timed(HeldBack):
    """Takes so many seconds of a clock of its own: some for the inference, and some for each picture."""

    def __init__(self, fixed: float, each: float) -> None:
        super().__init__()
        self._fixed, self._each, self._now = fixed, each, 0.0

    def run(self, batch: Sequence[Image], *, alone: bool) -> Sequence[Answer | ImageError]:
        self.batches.append(len(batch))
        self._now += (self._fixed + self._each * len(batch)) / (2 if alone else 1)
        return []

    def clock(self) -> float:
        return self._now


def test_what_batches_cost_is_measured_as_far_as_it_falls() -> None:
    weights = Timed(fixed=0.020, each=0.002)
    costs = measure(weights, most=16, clock=weights.clock)
    assert [1, 2, 4, 8, 16] == [cost.count for cost in costs]
    assert [0.022, 0.052] == pytest.approx([costs[0].seconds, costs[-1].seconds])
    assert (16, True) == (best(costs), gain(costs) > 6)
    pictures = Timed(fixed=0.0, each=0.020)
    costs = measure(pictures, most=64, clock=pictures.clock)
    assert ([1, 2, 4], 1) == ([cost.count for cost in costs], best(costs))
    (alone,) = measure(pictures, most=1, alone=True, clock=pictures.clock)
    assert 0.010 == pytest.approx(alone.seconds)


def test_batches_are_made_only_where_they_help() -> None:
    assert 1 == best([Cost(1, 0.010), Cost(2, 0.0198), Cost(4, 0.040)])
    assert 4 == best([Cost(1, 0.010), Cost(2, 0.012), Cost(4, 0.020), Cost(8, 0.0399)])
    assert 8 == best([Cost(1, 0.010), Cost(2, 0.012), Cost(4, 0.020), Cost(8, 0.030)])
    assert 1 == best([Cost(1, 0.010)])
