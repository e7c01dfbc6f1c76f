"""Runs of either ledger: who may go on with which, and how a process shows that it lives."""

from __future__ import annotations

import gc
import multiprocessing
import threading
import weakref

from cloudvision._heartbeat import Heartbeat
from cloudvision.errors import LedgerError
from cloudvision.ledger import Run
from cloudvision.ledger_store import LedgerStore
from cloudvision.ledger_store import open_ledger as open_by_name
from tests.ledgers import Clock, Opener

ELSEWHERE = "elsewhere/boot/1/1"


def begun(ledger: LedgerStore, *, reopen: bool = False) -> Run:
    return ledger.begin_run("same", command="run a", provider="fake", reopen=reopen)


def test_an_unfinished_run_goes_on_and_a_finished_one_begins_anew(open_ledger: Opener) -> None:
    ledger = open_ledger()
    first = begun(ledger)
    assert (Run(first.id, resumed=False), Run(first.id, resumed=True)) == (first, begun(ledger))
    ledger.finish_run(first.id)
    second = begun(ledger)
    assert (False, False) == (second.resumed, second.id == first.id)
    ledger.finish_run(second.id)
    assert Run(second.id, resumed=True) == begun(ledger, reopen=True)
    other = ledger.begin_run("other", command="run b", provider="fake")
    assert not other.resumed
    assert [first.id, second.id, other.id] == [run.id for run in ledger.runs()]


def test_the_run_of_a_living_process_is_left_to_it(open_ledger: Opener) -> None:
    clock = Clock()
    here, elsewhere = open_ledger(clock=clock), open_ledger(clock=clock, owner=ELSEWHERE)
    theirs = begun(elsewhere)
    ours = begun(here)
    assert (False, True) == (ours.resumed, ours.beside)
    assert ours.id != theirs.id
    assert Run(ours.id, resumed=True, beside=True) == begun(here)
    assert Run(theirs.id, resumed=True, beside=True) == begun(elsewhere)
    here.finish_run(ours.id)
    assert begun(here).id not in (ours.id, theirs.id)


def test_a_run_goes_on_elsewhere_once_its_process_has_left_it_or_shows_no_life(open_ledger: Opener) -> None:
    clock = Clock()
    here, elsewhere = open_ledger(clock=clock), open_ledger(clock=clock, lease_s=60, owner=ELSEWHERE)
    run = begun(elsewhere).id
    elsewhere.leave_run(run)
    assert Run(run, resumed=True) == begun(here)
    here.leave_run(run)
    assert Run(run, resumed=True) == begun(elsewhere)
    clock.now += 50
    elsewhere.renew()
    clock.now += 50
    mine = begun(here)
    assert mine.beside
    here.finish_run(mine.id)
    clock.now += 11
    here.leave_run(mine.id)
    assert not begun(here).beside


def test_a_run_that_was_cut_off_goes_on_after_another_process_has_done_the_same_list(open_ledger: Opener) -> None:
    clock = Clock()
    here, elsewhere = open_ledger(clock=clock), open_ledger(clock=clock, lease_s=60, owner=ELSEWHERE)
    cut_off, whole = begun(elsewhere).id, begun(here).id
    here.finish_run(whole)
    clock.now += 61
    assert Run(whole, resumed=True) == begun(here, reopen=True)
    here.finish_run(whole)
    assert Run(cut_off, resumed=True) == begun(here)
    here.finish_run(cut_off)
    assert begun(here).id not in (cut_off, whole)


def test_the_run_of_a_process_that_ended_goes_on_at_once(open_ledger: Opener) -> None:
    child = multiprocessing.get_context("spawn").Process(target=begin_and_die, args=(open_ledger.name,))
    child.start()
    child.join()
    ledger = open_ledger()
    (run,) = ledger.runs()
    assert Run(run.id, resumed=True) == begun(ledger)


def begin_and_die(name: str) -> None:
    begun(open_by_name(name))


class Leases:
    """Counts its renewals."""

    def __init__(self) -> None:
        self.beats = threading.Semaphore(0)

    def renew(self) -> None:
        self.beats.release()
        raise LedgerError("for once")


def test_leases_are_renewed_again_and_again_while_the_ledger_is_there() -> None:
    leases, others = Leases(), set(threading.enumerate())
    heartbeat = Heartbeat(leases, lease_s=0.01)
    heartbeat.start()
    heartbeat.start()
    assert all(leases.beats.acquire(timeout=10) for _ in range(5))
    (thread,) = (t for t in set(threading.enumerate()) - others if t.name == "cloudvision-heartbeat")
    gone = weakref.ref(leases)
    del leases
    thread.join(10)
    gc.collect()
    assert (None, False) == (gone(), thread.is_alive())
