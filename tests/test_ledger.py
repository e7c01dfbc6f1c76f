"""The ledger: every attempt ends in one of four ways, and the money adds up."""

from __future__ import annotations

import multiprocessing
import sqlite3
import stat
import threading
from pathlib import Path

import pytest

from cloudvision.errors import BudgetExceededError, LedgerError
from cloudvision.ledger import Budget, Busy, Entry, Ledger, Reservation, Stored, Uncertain
from cloudvision.raw import Raw

ANSWER = Raw(body='{"lines": []}', latency_s=0.2, received_at=5.0)


class Clock:
    """A clock that tests move by hand."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def reserve(ledger: Ledger, key: str = "fake/f/one", *, worst: int = 1000, **more: object) -> object:
    return ledger.reserve(key, source="one.png", provider="fake", worst=worst, **more)  # type: ignore[arg-type]


def held(ledger: Ledger, key: str = "fake/f/one", *, worst: int = 1000, **more: object) -> Reservation:
    claim = reserve(ledger, key, worst=worst, **more)
    assert isinstance(claim, Reservation)
    return claim


def spent(ledger: Ledger) -> dict[str, tuple[int, int]]:
    return {state: (number, micros) for state, number, micros in ledger.attempts()}


def test_a_settled_answer_is_found_again_and_not_reserved_twice(tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    with Ledger(path) as ledger:
        ledger.settle(held(ledger), ANSWER, cost=1000)
    with Ledger(path) as ledger:
        found = ledger.answer("fake/f/one")
        assert found is not None
        assert (ANSWER, 1000) == (found.raw, found.cost)
        assert isinstance(reserve(ledger), Stored)


def test_a_second_claim_on_the_same_picture_waits() -> None:
    with Ledger() as ledger:
        first = held(ledger)
        assert Busy() == reserve(ledger)
        ledger.release(first)
        assert isinstance(reserve(ledger), Reservation)


def test_a_refusal_is_a_settled_outcome_until_it_is_asked_for_again() -> None:
    clock = Clock()
    with Ledger(clock=clock) as ledger:
        ledger.reject(held(ledger), error_type="RejectedError", error="too large", cost=0)
        again = reserve(ledger)
        assert isinstance(again, Stored)
        assert (None, "RejectedError", "too large") == (again.raw, again.error_type, again.error)
        assert isinstance(reserve(ledger, newer_than=clock.now + 1), Reservation)


def test_the_budget_counts_what_is_reserved_settled_and_uncertain_but_not_what_was_released() -> None:
    with Ledger() as ledger:
        ledger.release(held(ledger, "released"))
        ledger.leave_uncertain(held(ledger, "uncertain"))
        ledger.settle(held(ledger, "cheaper", worst=5000), ANSWER, cost=1000)
        held(ledger, "open")
        assert {"released": (1, 0), "uncertain": (1, 1000), "settled": (1, 1000), "reserved": (1, 1000)} == spent(
            ledger
        )
        held(ledger, "fits", budget=Budget(ledger=4000))
        with pytest.raises(BudgetExceededError, match=r"0\.0040 USD for this ledger holds 0\.0000 USD"):
            reserve(ledger, "too much", budget=Budget(ledger=4000))


def test_budgets_of_a_run_and_of_a_day_are_counted_apart() -> None:
    clock = Clock()
    with Ledger(clock=clock) as ledger:
        held(ledger, "a", run=1, budget=Budget(run=1000, day=2000))
        with pytest.raises(BudgetExceededError, match="this run"):
            reserve(ledger, "b", run=1, budget=Budget(run=1000))
        held(ledger, "b", run=2, budget=Budget(run=1000, day=2000))
        with pytest.raises(BudgetExceededError, match="2027-01-15"):
            reserve(ledger, "c", run=3, budget=Budget(day=2000))
        clock.now += 86_400
        held(ledger, "c", run=3, budget=Budget(day=2000))


def test_a_lease_of_another_machine_that_ran_out_is_uncertain_and_called_once_more(tmp_path: Path) -> None:
    clock, path = Clock(), tmp_path / "run.db"
    with Ledger(path, clock=clock, lease_s=60) as ledger:
        late = held(ledger)
        rename_owner(path, "elsewhere/boot/1/1")
        assert Busy() == reserve(ledger)
        clock.now += 61
        second = held(ledger)
        assert {"uncertain": (1, 1000), "reserved": (1, 1000)} == spent(ledger)
        ledger.settle(second, ANSWER, cost=1000)
        # The first answer was only late: it settles its own attempt after all.
        ledger.settle(late, ANSWER, cost=1000)
        assert {"settled": (2, 2000)} == spent(ledger)


def test_a_reservation_of_a_dead_process_need_not_wait_for_its_lease(tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    context = multiprocessing.get_context("spawn")
    child = context.Process(target=reserve_and_die, args=(str(path),))
    child.start()
    child.join()
    with Ledger(path) as ledger:
        assert {"reserved": (1, 1000)} == spent(ledger)
        assert isinstance(reserve(ledger), Reservation)
        assert (1, 1000) == spent(ledger)["uncertain"]


def reserve_and_die(path: str) -> None:
    held(Ledger(path))


def test_an_uncertain_call_is_not_repeated_when_it_is_to_be_kept() -> None:
    with Ledger() as ledger:
        ledger.leave_uncertain(held(ledger))
        assert Uncertain() == reserve(ledger, uncertain="keep")
        assert isinstance(reserve(ledger, uncertain="retry"), Reservation)


def test_abandoning_leaves_what_is_on_the_wire_uncertain() -> None:
    with Ledger() as ledger:
        held(ledger, "a")
        held(ledger, "b")
        assert 2 == ledger.open_attempts()
        assert 2 == ledger.abandon()
        assert 0 == ledger.open_attempts()
        assert {"uncertain": (2, 2000)} == spent(ledger)


def test_four_processes_with_sixteen_threads_never_overspend(tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    Ledger(path).close()
    context = multiprocessing.get_context("spawn")
    children = [context.Process(target=spend_in_threads, args=(str(path), n)) for n in range(4)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [0, 0, 0, 0] == [child.exitcode for child in children]
    with Ledger(path) as ledger:
        assert {"settled"} == set(spent(ledger))
        assert 190_000 <= spent(ledger)["settled"][1] <= 200_000


def spend_in_threads(path: str, process: int) -> None:
    """Try to make more calls of 1,000 micros than the 200,000 of the budget allow, with dearer worst cases."""

    def spend(thread: int) -> None:
        for call in range(10):
            while True:
                try:
                    claim = held(ledger, f"{process}/{thread}/{call}", worst=3000, budget=Budget(ledger=200_000))
                except BudgetExceededError:
                    # What others set aside may come back; only their open calls can still make room.
                    if sum(number for state, number, _ in ledger.attempts() if state == "reserved") == 0:
                        break
                    continue
                ledger.settle(claim, ANSWER, cost=1000)
                break

    with Ledger(path) as ledger:
        threads = [threading.Thread(target=spend, args=(n,)) for n in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def test_an_unfinished_run_goes_on_and_a_finished_one_begins_anew() -> None:
    with Ledger() as ledger:
        first = ledger.begin_run("same", command="run a", provider="fake")
        assert (False, first.id, True) == (first.resumed, *resumed(ledger))
        ledger.finish_run(first.id)
        second = ledger.begin_run("same", command="run a", provider="fake")
        assert not second.resumed
        ledger.finish_run(second.id)
        assert (second.id, True) == resumed(ledger, reopen=True)


def resumed(ledger: Ledger, *, reopen: bool = False) -> tuple[int, bool]:
    run = ledger.begin_run("same", command="run a", provider="fake", reopen=reopen)
    return run.id, run.resumed


def test_progress_comes_back_in_list_order_and_the_last_outcome_wins() -> None:
    with Ledger() as ledger:
        for position in (3, 1, 2, 0):
            ledger.record(7, Entry(position, f"{position}.png", "failed", error_type="FetchError", error="gone"))
        better = Entry(2, "2.png", "skipped", "d" * 64, score=0.1, threshold=0.4, stage="fast", model="m", avoided=1000)
        ledger.record(7, better)
        entries = list(ledger.progress(7, chunk=3))
        assert [0, 1, 2, 3] == [entry.position for entry in entries]
        assert better == entries[2]


def test_settling_writes_answer_and_progress_in_one_step() -> None:
    with Ledger() as ledger:
        run = ledger.begin_run("x", command="x", provider="fake")
        claim = held(ledger, run=run.id)
        entry = Entry(0, "one.png", "analysed", "d", claim.key, cost=1000)
        ledger.settle(claim, ANSWER, cost=1000, entry=entry)
        assert [entry] == list(ledger.progress(run.id))


def test_only_the_owner_of_the_file_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    with Ledger(path) as ledger:
        held(ledger)
        modes = {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    assert {0o600} == modes


@pytest.mark.parametrize("bytes_", [b"not a database at all, but long enough to be looked at" * 40, None])
def test_a_file_of_another_kind_is_named_and_left_alone(tmp_path: Path, bytes_: bytes | None) -> None:
    path = tmp_path / "photo.db"
    if bytes_ is None:
        with sqlite3.connect(path) as db:
            db.execute("CREATE TABLE other (x)")
        db.close()
    else:
        path.write_bytes(bytes_)
    before = path.read_bytes()
    with pytest.raises(LedgerError, match=r"photo\.db"):
        Ledger(path)
    assert before == path.read_bytes()


def test_a_ledger_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    Ledger(path).close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(LedgerError, match="newer cloudvision"):
        Ledger(path)


def rename_owner(path: Path, owner: str) -> None:
    with sqlite3.connect(path) as db:
        db.execute("UPDATE attempts SET owner = ?", (owner,))
    db.close()
