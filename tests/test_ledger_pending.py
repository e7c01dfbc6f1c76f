"""Operations that a service has accepted: either ledger gives the same attempt again instead of a second one."""

from __future__ import annotations

import pytest

from cloudvision.errors import BudgetExceededError
from cloudvision.ledger import Budget, Reservation, Stored, Uncertain
from cloudvision.pending import Pending
from cloudvision.redis_ledger import RedisLedger
from tests.ledgers import ANSWER, Clock, Opener, held, reserve, spent

DAY = 24 * 3600.0


def pending(clock: Clock, *, hours: float = 24) -> Pending:
    return Pending("https://a.example/op/1", clock.now, clock.now + hours * 3600, "id", 320, 240, 3)


def test_a_cut_off_attempt_is_taken_up_with_what_the_service_accepted(open_ledger: Opener) -> None:
    clock = Clock()
    ledger = open_ledger(clock=clock)
    first = held(ledger, "a")
    ledger.keep_pending(first, pending(clock))
    ledger.leave_uncertain(first)
    again = held(ledger, "a")
    assert (first.id, pending(clock)) == (again.id, again.pending)
    assert {"reserved": (1, 1000)} == spent(ledger)
    ledger.settle(again, ANSWER, cost=700)
    assert {"settled": (1, 700)} == spent(ledger)
    assert isinstance(reserve(ledger, "a"), Stored)


def test_an_attempt_of_a_process_that_is_gone_is_taken_up_too(open_ledger: Opener) -> None:
    clock = Clock()
    here, elsewhere = open_ledger(clock=clock), open_ledger(clock=clock, lease_s=60, owner="elsewhere/boot/1/1")
    theirs = held(elsewhere, "a")
    elsewhere.keep_pending(theirs, pending(clock))
    clock.now += 61
    taken = held(here, "a")
    assert theirs.id == taken.id
    assert taken.pending is not None
    assert taken.pending.operation == "https://a.example/op/1"


def test_taking_up_costs_nothing_more_and_needs_no_room_in_the_budget(open_ledger: Opener) -> None:
    clock, tight = Clock(), Budget(ledger=1000, day=1000)
    ledger = open_ledger(clock=clock)
    first = held(ledger, "a", budget=tight)
    ledger.keep_pending(first, pending(clock))
    ledger.leave_uncertain(first)
    assert held(ledger, "a", budget=tight, uncertain="keep").pending is not None
    with pytest.raises(BudgetExceededError):
        reserve(ledger, "b", budget=tight)


def test_the_money_moves_to_the_run_that_gets_the_answer(open_ledger: Opener) -> None:
    clock = Clock()
    ledger = open_ledger(clock=clock)
    first = held(ledger, "a", run=1)
    ledger.keep_pending(first, pending(clock))
    ledger.leave_uncertain(first)
    again = held(ledger, "a", run=2)
    ledger.settle(again, ANSWER, cost=700)
    assert () == ledger.attempts(1)
    assert (("settled", 1, 700),) == ledger.attempts(2)
    held(ledger, "b", run=1, budget=Budget(run=1000))
    with pytest.raises(BudgetExceededError):
        reserve(ledger, "c", run=2, budget=Budget(run=1600))


def test_what_the_service_no_longer_keeps_is_uncertain_like_any_other(open_ledger: Opener) -> None:
    clock = Clock()
    ledger = open_ledger(clock=clock)
    first = held(ledger, "a")
    ledger.keep_pending(first, pending(clock))
    ledger.leave_uncertain(first)
    clock.now += DAY
    assert isinstance(reserve(ledger, "a", uncertain="keep"), Uncertain)
    again = held(ledger, "a")
    assert again.id != first.id
    assert again.pending is None


def test_an_operation_that_is_over_is_forgotten(open_ledger: Opener) -> None:
    clock = Clock()
    ledger = open_ledger(clock=clock)
    first = held(ledger, "a")
    ledger.keep_pending(first, pending(clock))
    ledger.keep_pending(first, None)
    ledger.leave_uncertain(first)
    again = held(ledger, "a")
    assert again.id != first.id
    assert isinstance(again, Reservation)


def test_a_request_whose_reply_was_lost_takes_up_the_same_attempt(
    redis_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    with RedisLedger(f"{redis_address}#lost-reply", clock=clock) as ledger:
        first = held(ledger, "a")
        ledger.keep_pending(first, pending(clock))
        ledger.leave_uncertain(first)
        monkeypatch.setattr("cloudvision.redis_ledger.secrets.randbits", lambda bits: 41)
        assert [first.id, first.id] == [held(ledger, "a").id for _ in range(2)]
        assert {"reserved": (1, 1000)} == spent(ledger)


def test_the_list_of_uncertain_calls_tells_which_answers_can_still_be_had(open_ledger: Opener) -> None:
    clock = Clock()
    ledger = open_ledger(clock=clock)
    waiting, cut_off = held(ledger, "a"), held(ledger, "b")
    ledger.keep_pending(waiting, pending(clock))
    ledger.leave_uncertain(waiting)
    ledger.leave_uncertain(cut_off)
    assert {waiting.id: clock.now + DAY, cut_off.id: None} == {
        attempt.id: attempt.kept_until for attempt in ledger.uncertain_attempts()
    }


def test_a_pending_operation_survives_json() -> None:
    kept = pending(Clock())
    assert kept == Pending.from_json(kept.to_json())
