"""Many sources: order, bounds, interruption, and nothing lost."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from itertools import count, islice

import pytest

from cloudvision.batch import WINDOW_PER_WORKER, run_many
from cloudvision.case import Unusable
from cloudvision.errors import BudgetExceededError
from cloudvision.images import Image, Remote
from cloudvision.ledger import Budget, Ledger
from cloudvision.outcome import Analysed, Failed, Outcome
from cloudvision.pipeline import Pipeline
from cloudvision.policy import Policy
from cloudvision.providers.fake import Fake
from cloudvision.raw import Raw
from tests.pictures import png


def digests(outcomes: list[Outcome]) -> list[str | None]:
    return [outcome.digest for outcome in outcomes]


def in_turn(numbers: range) -> list[str | None]:
    pipeline = Pipeline(Fake())
    return [pipeline.run(png(n)).digest for n in numbers]


class Gated(Fake):
    """Calls for the first picture wait until the gate opens."""

    def __init__(self, first: str | None) -> None:
        super().__init__()
        self.first, self.open = first, threading.Event()

    def call(self, image: Image | Remote, /) -> Raw:
        if image.digest == self.first:
            assert self.open.wait(10)
        return super().call(image)


@pytest.mark.parametrize("workers", [1, 2, 16])
def test_results_come_in_the_order_of_the_list(workers: int) -> None:
    outcomes = list(run_many(Pipeline(Fake()), (png(n) for n in range(60)), workers=workers))
    assert in_turn(range(60)) == digests(outcomes)


def test_results_come_as_they_are_done_when_asked_for() -> None:
    first = in_turn(range(1))[0]
    provider = Gated(first)
    found = run_many(Pipeline(provider), [png(n) for n in range(6)], workers=2, order="done")
    early = list(islice(found, 5))
    provider.open.set()
    assert first not in digests(early)
    assert [first] == digests(list(found))


def test_a_slow_source_holds_back_no_more_than_the_window() -> None:
    provider = Gated(in_turn(range(1))[0])
    read = []

    def sources() -> Iterator[bytes]:
        for n in range(500):
            read.append(n)
            if len(read) == 4 * WINDOW_PER_WORKER:
                provider.open.set()  # the window is full: had it no bound, all 500 would be read by now
            yield png(n)

    found = run_many(Pipeline(provider), sources(), workers=4)
    next(found)
    assert len(read) <= 4 * WINDOW_PER_WORKER + 4
    found.close()  # type: ignore[attr-defined]


def test_an_endless_list_can_be_left_at_any_time() -> None:
    fake = Fake()
    found = run_many(Pipeline(fake), (png(n) for n in count()), workers=2)
    assert 10 == len(list(islice(found, 10)))
    found.close()  # type: ignore[attr-defined]
    assert fake.calls <= 10 + 2 * WINDOW_PER_WORKER


def test_the_same_picture_in_many_threads_is_called_once() -> None:
    fake = Fake(price=1000)
    outcomes = list(run_many(Pipeline(fake), [png(1)] * 40, workers=16))
    assert 1 == fake.calls
    assert 40 == len(outcomes)
    assert 0.001 == sum(o.analysis.provenance.cost_usd for o in outcomes)  # type: ignore[union-attr, misc]


def test_one_bad_source_is_one_failure_and_the_run_goes_on() -> None:
    outcomes = list(run_many(Pipeline(Fake()), [png(1), b"", png(2)], workers=2))
    assert [Analysed, Failed, Analysed] == [type(outcome) for outcome in outcomes]


def test_the_budget_ends_the_batch_and_the_same_list_goes_on_with_more() -> None:
    pictures = [png(n) for n in range(30)]
    fake = Fake(price=1000)
    with Ledger() as ledger:
        run = ledger.begin_run("list", command="list", provider="fake")
        poor = Pipeline(fake, ledger=ledger, run_id=run.id, policy=Policy(budget=Budget(run=10_000)))
        found: list[Outcome] = []
        with pytest.raises(BudgetExceededError):
            found.extend(run_many(poor, pictures, workers=4))
        assert 10 == fake.calls
        rich = Pipeline(fake, ledger=ledger, run_id=run.id, policy=Policy(budget=Budget(run=30_000)))
        assert in_turn(range(30)) == digests(list(run_many(rich, pictures, workers=4)))
        assert 30 == fake.calls


def test_a_bug_in_a_worker_is_raised_where_the_results_are_read() -> None:
    class Buggy(Fake):
        def call(self, image: Image | Remote, /) -> Raw:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(run_many(Pipeline(Buggy()), [png(n) for n in range(20)], workers=4))


def test_an_interrupted_run_is_replayed_without_loading_a_source_again() -> None:
    pictures = {f"{n}.png": png(n) for n in range(20)}
    loads: list[str] = []

    def load(source: object) -> Image:
        from cloudvision.images import load as real

        loads.append(str(source))
        return real(pictures[str(source)], name=str(source))

    fake = Fake(price=1000)
    with Ledger() as ledger:
        run = ledger.begin_run("list", command="list", provider="fake")
        pipeline = Pipeline(fake, ledger=ledger, run_id=run.id, load=load)
        found = run_many(pipeline, list(pictures), workers=1)
        first = list(islice(found, 8))
        found.close()  # type: ignore[attr-defined]
        assert len(loads) < 20
        again = list(run_many(pipeline, list(pictures), workers=3))
    assert first == again[:8]
    assert list(pictures) == [outcome.source for outcome in again]
    assert {1} == {loads.count(outcome.source) for outcome in first}
    assert 20 == fake.calls


def test_an_edited_list_is_not_mistaken_for_the_old_one() -> None:
    with Ledger() as ledger:
        run = ledger.begin_run("list", command="list", provider="fake")
        pipeline = Pipeline(Fake(), ledger=ledger, run_id=run.id, load=lambda source: _named(str(source)))
        list(run_many(pipeline, ["1", "2"]))
        outcomes = list(run_many(pipeline, ["0", "1", "2"]))
    assert ["0", "1", "2"] == [outcome.source for outcome in outcomes]
    assert 3 == len(set(digests(outcomes)))


def _named(name: str) -> Image:
    from cloudvision.images import load

    return load(png(int(name)), name=name)


def test_leaving_early_closes_no_ledger_under_a_call_on_the_wire() -> None:
    class Slow(Fake):
        def call(self, image: Image | Remote, /) -> Raw:
            started.set()
            assert go_on.wait(10)
            return super().call(image)

    started, go_on = threading.Event(), threading.Event()
    with Ledger() as ledger:
        found = run_many(Pipeline(Slow(price=1000), ledger=ledger), iter([b"", png(1)]), workers=2)
        next(found)
        assert started.wait(10)
        threading.Timer(0.05, go_on.set).start()
        found.close()  # type: ignore[attr-defined]
        assert (("settled", 1, 1000),) == ledger.attempts()


def test_an_entry_that_names_no_picture_is_a_failure_of_its_own() -> None:
    (outcome,) = run_many(Pipeline(Fake()), [Unusable("rows.csv, row 2", "nothing in column 'photo'")])
    assert isinstance(outcome, Failed)
    assert "rows.csv, row 2: nothing in column 'photo'" == str(outcome.error)


def test_no_workers_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="workers"):
        run_many(Pipeline(Fake()), [], workers=0)
