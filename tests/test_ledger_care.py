"""Looking after a ledger of either store: uncertain calls, answers out, purging, ageing."""

from __future__ import annotations

import pytest

from cloudvision.errors import BudgetExceededError
from cloudvision.ledger import Budget, Entry, Foreseen, Reservation, Stored, Tally, Uncertain
from cloudvision.ledger_store import LedgerStore
from cloudvision.raw import Raw
from tests.ledgers import ANSWER, Clock, Opener, held, reserve, spent


def uncertain(ledger: LedgerStore, key: str, **more: object) -> int:
    claim = held(ledger, key, **more)
    ledger.leave_uncertain(claim)
    return claim.id


def test_an_uncertain_call_that_was_billed_is_settled_with_its_worst_cost(open_ledger: Opener) -> None:
    ledger = open_ledger()
    first = uncertain(ledger, "a", source="a.png")
    assert [(first, "a.png", 1000)] == [(one.id, one.source, one.worst) for one in ledger.uncertain_attempts()]
    assert 1 == ledger.resolve([first], billed=True)
    assert 0 == ledger.resolve([first], billed=True)
    assert () == ledger.uncertain_attempts()
    assert {"settled": (1, 1000)} == spent(ledger)
    assert isinstance(reserve(ledger, "a", uncertain="keep"), Reservation)


def test_an_uncertain_call_that_was_not_billed_gives_the_budget_its_room_back(open_ledger: Opener) -> None:
    ledger = open_ledger()
    tight = Budget(run=2000, ledger=2000, day=2000)
    paid, free = uncertain(ledger, "a", run=1), uncertain(ledger, "b", run=1)
    with pytest.raises(BudgetExceededError):
        reserve(ledger, "c", run=1, budget=tight)
    assert 1 == ledger.resolve([free], billed=False)
    assert [paid] == [one.id for one in ledger.uncertain_attempts()]
    assert {"uncertain": (1, 1000), "released": (1, 0)} == spent(ledger)
    held(ledger, "c", run=1, budget=tight)
    with pytest.raises(BudgetExceededError):
        reserve(ledger, "d", run=1, budget=tight)


def test_an_answer_that_comes_after_all_is_paid_for_whatever_was_said(open_ledger: Opener) -> None:
    ledger = open_ledger()
    late = held(ledger, "a")
    ledger.leave_uncertain(late)
    ledger.resolve([late.id], billed=False)
    ledger.settle(late, ANSWER, cost=700)
    assert {"settled": (1, 700)} == spent(ledger)
    with pytest.raises(BudgetExceededError, match=r"0\.0003 USD more"):
        reserve(ledger, "b", budget=Budget(ledger=1000))


def test_reservations_whose_holder_is_gone_are_listed_as_uncertain(open_ledger: Opener) -> None:
    clock = Clock()
    here, elsewhere = open_ledger(clock=clock), open_ledger(clock=clock, lease_s=60, owner="elsewhere/boot/1/1")
    held(here, "mine")
    held(elsewhere, "theirs", source="theirs.png")
    assert () == here.uncertain_attempts()
    clock.now += 61
    assert ["theirs.png"] == [one.source for one in here.uncertain_attempts()]


def test_all_answers_come_out_or_those_of_one_provider(open_ledger: Opener) -> None:
    ledger = open_ledger()
    for n in range(7):
        ledger.settle(held(ledger, f"k{n}", source=f"{n}.png", provider="odd" if n % 2 else "even"), ANSWER, cost=n)
    ledger.reject(held(ledger, "k7", provider="odd"), error_type="RejectedError", error="too large", cost=0)
    assert {f"k{n}" for n in range(8)} == {answer.key for answer in ledger.answers(chunk=3)}
    odd = {answer.key: answer for answer in ledger.answers(provider="odd", chunk=3)}
    assert {"k1", "k3", "k5", "k7"} == set(odd)
    assert ("3.png", "odd", ANSWER, 3) == (
        odd["k3"].source,
        odd["k3"].provider,
        odd["k3"].stored.raw,
        odd["k3"].stored.cost,
    )
    assert (None, "too large") == (odd["k7"].stored.raw, odd["k7"].stored.error)


def two_runs(open_ledger: Opener, clock: Clock) -> LedgerStore:
    """Run 1 on day 0: a/1.png, b/2.png. Run 2 on day 10: c/1.png, the same picture as a/1.png, and b/3.png."""
    ledger = open_ledger(clock=clock)
    for sources in ((("a/1.png", "k1"), ("b/2.png", "k2")), (("c/1.png", "k1"), ("b/3.png", "k3"))):
        run = ledger.begin_run(" ".join(name for name, _ in sources), command="run", provider="fake").id
        for position, (name, key) in enumerate(sources):
            claim = reserve(ledger, key, source=name, run=run)
            entry = Entry(position, name, "analysed", "d", key, cached=isinstance(claim, Stored), cost=1000)
            if isinstance(claim, Reservation):
                ledger.settle(claim, ANSWER, cost=1000, entry=entry)
            else:
                ledger.record(run, entry)
        ledger.finish_run(run)
        clock.now += 10 * 86_400
    return ledger


def left(ledger: LedgerStore) -> tuple[set[str], list[str]]:
    names = [entry.source for run in ledger.runs() for entry in ledger.progress(run.id)]
    return {answer.key for answer in ledger.answers()}, names


def test_a_purge_by_source_finds_an_answer_under_each_of_its_names_and_keeps_the_money(open_ledger: Opener) -> None:
    ledger = two_runs(open_ledger, Clock())
    counted = ledger.purge(source="c/*", dry_run=True)
    assert ({"k1", "k2", "k3"}, ["a/1.png", "b/2.png", "c/1.png", "b/3.png"]) == left(ledger)
    assert counted == ledger.purge(source="c/*")
    assert (1, 1) == (counted.answers, counted.entries)
    assert ({"k2", "k3"}, ["a/1.png", "b/2.png", "b/3.png"]) == left(ledger)
    assert {"settled": (3, 3000)} == spent(ledger)
    with pytest.raises(BudgetExceededError):
        reserve(ledger, "k1", budget=Budget(ledger=3999))
    assert 2 == sum(tally.entries for tally in ledger.tallies(1))
    assert (Tally("analysed", False, False, 1, 1000, 0),) == ledger.tallies(2)


def test_a_purge_by_age_leaves_what_is_younger(open_ledger: Opener) -> None:
    clock = Clock()
    ledger = two_runs(open_ledger, clock)
    purged = ledger.purge(before=clock.now - 15 * 86_400)
    assert (2, 2) == (purged.answers, purged.entries)
    assert ({"k3"}, ["c/1.png", "b/3.png"]) == left(ledger)
    assert ["", "run"] == [run.command for run in ledger.runs()]
    assert 1 == ledger.purge(source="b/*", before=clock.now).answers
    assert (set(), ["c/1.png"]) == left(ledger)


def test_a_purge_blanks_the_source_of_an_uncertain_call_that_stays_uncertain(open_ledger: Opener) -> None:
    ledger = open_ledger()
    uncertain(ledger, "a", source="letters/a.png")
    ledger.purge(source="letters/*")
    assert [("", 1000)] == [(one.source, one.worst) for one in ledger.uncertain_attempts()]
    assert Uncertain() == reserve(ledger, "a", uncertain="keep")


def test_an_answer_older_than_its_time_to_live_counts_as_absent(open_ledger: Opener) -> None:
    clock = Clock()
    ledger = open_ledger(clock=clock, ttl_s=60)
    ledger.settle(held(ledger), ANSWER, cost=1000)
    clock.now += 60
    assert ledger.answer("fake/f/one") is not None
    clock.now += 1
    assert ledger.answer("fake/f/one") is None
    newer = Raw(body="[]")
    ledger.settle(held(ledger), newer, cost=1000)
    found = ledger.answer("fake/f/one")
    assert found is not None
    assert newer == found.raw


def test_an_estimate_belongs_to_the_runs_that_began_after_it(open_ledger: Opener) -> None:
    clock = Clock()
    ledger = open_ledger(clock=clock)
    before = ledger.begin_run("x", command="x", provider="fake").id
    ledger.finish_run(before)
    clock.now += 1
    foreseen = Foreseen(10, 5, 4, 2, 6, 4000, 2000, 6000)
    ledger.add_estimate("x", foreseen)
    clock.now += 1
    after = ledger.begin_run("x", command="x", provider="fake").id
    assert (None, foreseen) == (ledger.estimated(before), ledger.estimated(after))


def test_openers_of_one_ledger_share_the_starts_of_calls(open_ledger: Opener) -> None:
    clock = Clock()
    one, two = open_ledger(clock=clock), open_ledger(clock=clock)
    windows = ((3, 1.0), (5, 60.0))
    assert [0, 0, 0] == [ledger.take_start("calls", windows) for ledger in (one, two, one)]
    assert 0 < two.take_start("calls", windows) <= 1.0
    assert 0 == two.take_start("polls", windows)
    clock.now += 1
    assert [0, 0] == [ledger.take_start("calls", windows) for ledger in (one, two)]
    assert 58 < one.take_start("calls", windows) <= 60
    one.pause_starts("polls", 30)
    two.pause_starts("polls", 10)
    clock.now += 29
    assert 0.9 < two.take_start("polls", windows) <= 1.0
    clock.now += 1
    assert 0 == two.take_start("polls", windows)


def test_the_oldest_answers_make_room_but_not_those_of_an_unfinished_run(open_ledger: Opener) -> None:
    clock = Clock()
    ledger = open_ledger(clock=clock, max_answers=3)
    run = ledger.begin_run("x", command="x", provider="fake")
    for n in range(5):
        clock.now += 1
        claim = held(ledger, f"k{n}", run=run.id)
        ledger.settle(claim, ANSWER, cost=1000, entry=Entry(n, f"{n}.png", "analysed", "d", f"k{n}"))
    assert 5 == len(list(ledger.answers()))
    ledger.finish_run(run.id)
    assert {"k2", "k3", "k4"} == {answer.key for answer in ledger.answers()}
    clock.now += 1
    ledger.settle(held(ledger, "k5"), ANSWER, cost=1000)
    assert {"k3", "k4", "k5"} == {answer.key for answer in ledger.answers()}
