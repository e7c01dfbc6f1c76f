"""Every ledger, wherever it keeps things: each attempt ends in one of four ways, and the money adds up."""

from __future__ import annotations

import multiprocessing

import pytest

from cloudvision.errors import BudgetExceededError
from cloudvision.ledger import Budget, Busy, Entry, Reservation, Stored, Uncertain
from cloudvision.ledger_store import open_ledger as open_by_name
from tests.ledgers import ANSWER, Clock, Opener, held, reserve, spent


def test_a_settled_answer_is_found_again_and_not_reserved_twice(open_ledger: Opener) -> None:
    ledger = open_ledger()
    ledger.settle(held(ledger), ANSWER, cost=1000)
    ledger.close()
    again = open_ledger()
    found = again.answer("fake/f/one")
    assert found is not None
    assert (ANSWER, 1000) == (found.raw, found.cost)
    assert isinstance(reserve(again), Stored)


def test_a_second_claim_on_the_same_picture_waits(open_ledger: Opener) -> None:
    ledger = open_ledger()
    first = held(ledger)
    assert Busy() == reserve(ledger)
    ledger.release(first)
    assert isinstance(reserve(ledger), Reservation)


def test_a_refusal_is_a_settled_outcome_until_it_is_asked_for_again(open_ledger: Opener) -> None:
    clock = Clock()
    ledger = open_ledger(clock=clock)
    ledger.reject(held(ledger), error_type="RejectedError", error="too large", cost=0)
    again = reserve(ledger)
    assert isinstance(again, Stored)
    assert (None, "RejectedError", "too large") == (again.raw, again.error_type, again.error)
    assert isinstance(reserve(ledger, newer_than=clock.now + 1), Reservation)


def test_the_budget_counts_what_is_reserved_settled_and_uncertain_but_not_what_was_released(
    open_ledger: Opener,
) -> None:
    ledger = open_ledger()
    ledger.release(held(ledger, "released"))
    ledger.leave_uncertain(held(ledger, "uncertain"))
    ledger.settle(held(ledger, "cheaper", worst=5000), ANSWER, cost=1000)
    held(ledger, "open")
    assert {"released": (1, 0), "uncertain": (1, 1000), "settled": (1, 1000), "reserved": (1, 1000)} == spent(ledger)
    assert 0 == held(ledger, "fits", budget=Budget(ledger=4000, day=9000)).left
    with pytest.raises(BudgetExceededError, match=r"0\.0040 USD for this ledger holds 0\.0000 USD"):
        reserve(ledger, "too much", budget=Budget(ledger=4000))


def test_budgets_of_a_run_and_of_a_day_are_counted_apart(open_ledger: Opener) -> None:
    clock = Clock()
    ledger = open_ledger(clock=clock)
    held(ledger, "a", run=1, budget=Budget(run=1000, day=2000))
    with pytest.raises(BudgetExceededError, match="this run"):
        reserve(ledger, "b", run=1, budget=Budget(run=1000))
    held(ledger, "b", run=2, budget=Budget(run=1000, day=2000))
    with pytest.raises(BudgetExceededError, match="2027-01-15"):
        reserve(ledger, "c", run=3, budget=Budget(day=2000))
    clock.now += 86_400
    held(ledger, "c", run=3, budget=Budget(day=2000))


def test_a_lease_of_another_machine_that_ran_out_is_uncertain_and_called_once_more(open_ledger: Opener) -> None:
    clock = Clock()
    here, elsewhere = open_ledger(clock=clock), open_ledger(clock=clock, lease_s=60, owner="elsewhere/boot/1/1")
    late = held(elsewhere)
    assert Busy() == reserve(here)
    clock.now += 50
    elsewhere.renew()  # a sign of life
    clock.now += 59
    assert Busy() == reserve(here)
    clock.now += 2
    second = held(here)
    assert {"uncertain": (1, 1000), "reserved": (1, 1000)} == spent(here)
    here.settle(second, ANSWER, cost=1000)
    # The first answer was only late: it settles its own attempt after all.
    elsewhere.settle(late, ANSWER, cost=1000)
    assert {"settled": (2, 2000)} == spent(here)


def test_a_reservation_of_a_dead_process_need_not_wait_for_its_lease(open_ledger: Opener) -> None:
    child = multiprocessing.get_context("spawn").Process(target=reserve_and_die, args=(open_ledger.name,))
    child.start()
    child.join()
    ledger = open_ledger()
    assert {"reserved": (1, 1000)} == spent(ledger)
    assert isinstance(reserve(ledger), Reservation)
    assert (1, 1000) == spent(ledger)["uncertain"]


def reserve_and_die(name: str) -> None:
    held(open_by_name(name))


def test_an_uncertain_call_is_not_repeated_when_it_is_to_be_kept(open_ledger: Opener) -> None:
    ledger = open_ledger()
    ledger.leave_uncertain(held(ledger))
    assert Uncertain() == reserve(ledger, uncertain="keep")
    assert isinstance(reserve(ledger, uncertain="retry"), Reservation)


def test_abandoning_leaves_what_is_on_the_wire_uncertain(open_ledger: Opener) -> None:
    ledger = open_ledger()
    held(ledger, "a")
    held(ledger, "b")
    assert 2 == ledger.open_attempts()
    assert 2 == ledger.abandon()
    assert 0 == ledger.open_attempts()
    assert {"uncertain": (2, 2000)} == spent(ledger)


def test_progress_comes_back_in_list_order_and_the_last_outcome_wins(open_ledger: Opener) -> None:
    ledger = open_ledger()
    for position in (3, 1, 2, 0):
        ledger.record(7, Entry(position, f"{position}.png", "failed", error_type="FetchError", error="gone"))
    better = Entry(2, "2.png", "skipped", "d" * 64, score=0.1, threshold=0.4, stage="fast", model="m", avoided=1000)
    ledger.record(7, better)
    entries = list(ledger.progress(7, chunk=3))
    assert [0, 1, 2, 3] == [entry.position for entry in entries]
    assert better == entries[2]


def test_settling_writes_answer_and_progress_in_one_step(open_ledger: Opener) -> None:
    ledger = open_ledger()
    run = ledger.begin_run("x", command="x", provider="fake")
    claim = held(ledger, run=run.id)
    entry = Entry(0, "one.png", "analysed", "d", claim.key, cost=1000)
    ledger.settle(claim, ANSWER, cost=1000, entry=entry)
    assert [entry] == list(ledger.progress(run.id))
