"""Four processes with 64 threads each on one ledger with a small budget: not a cent too much."""

from __future__ import annotations

import multiprocessing
import threading

from cloudvision.errors import BudgetExceededError
from cloudvision.ledger import Budget, Busy, Reservation
from cloudvision.ledger_store import open_ledger as open_by_name
from tests.ledgers import ANSWER, Opener, reserve

PROCESSES, THREADS, CALLS = 4, 64, 4
BUDGET = Budget(ledger=300_000, day=10**9, run=10**9)


def test_four_processes_with_64_threads_never_overspend_and_call_each_picture_once(open_ledger: Opener) -> None:
    ledger = open_ledger()
    run = ledger.begin_run("hammer", command="hammer", provider="fake").id
    context = multiprocessing.get_context("spawn")
    paid = context.SimpleQueue()
    children = [
        context.Process(target=spend_in_threads, args=(open_ledger.name, run, n, paid)) for n in range(PROCESSES)
    ]
    for child in children:
        child.start()
    bills = [paid.get() for _ in children]
    for child in children:
        child.join()
    assert [0] * PROCESSES == [child.exitcode for child in children]
    called = [key for bill in bills for key in bill]
    assert len(called) == len(set(called)), "a picture was called twice"
    # The budget of 300 calls at 1,000 is smaller than the 512 pictures; a call that is over gives back 2,000 of 3,000.
    assert (("settled", len(called), len(called) * 1000),) == ledger.attempts()
    assert 298 <= len(called) <= 300
    assert ((len(called), len(called) * 1000),) == tuple(row[1:] for row in ledger.attempts(run))


def spend_in_threads(name: str, run: int, process: int, paid: multiprocessing.queues.SimpleQueue[list[str]]) -> None:
    """Call for the pictures 0 to 511, half of which the next process wants too, until the budget is used up."""
    called: list[str] = []

    def spend(thread: int) -> None:
        for call in range(CALLS):
            number = (process * THREADS * CALLS // 2 + thread * CALLS + call) % (PROCESSES * THREADS * CALLS // 2)
            while (claim := claimed(f"k{number}")) is None:
                ledger.wait_for_change(0.01)
            if isinstance(claim, Reservation):
                called.append(claim.key)
                ledger.settle(claim, ANSWER, cost=1000)

    def claimed(key: str) -> object | None:
        """None where it is worth asking again: others hold the picture, or may give back what they set aside."""
        try:
            claim = reserve(ledger, key, worst=3000, run=run, budget=BUDGET)
        except BudgetExceededError:
            reserved = any(state == "reserved" for state, _, _ in ledger.attempts())
            return None if reserved else "used up"
        return None if isinstance(claim, Busy) else claim

    with open_by_name(name) as ledger:
        threads = [threading.Thread(target=spend, args=(n,)) for n in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    paid.put(called)
