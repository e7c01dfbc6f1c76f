"""Starts of calls in the ledger: processes that share the file share one rate."""

from __future__ import annotations

import multiprocessing
import time
from pathlib import Path

from cloudvision.ledger import Ledger
from cloudvision.limit import Limiter

TEN_A_SECOND = ((10, 1.0),)


class Clock:
    """A clock that tests move by hand."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def taken(ledger: Ledger, bucket: str = "calls", *, tries: int = 50) -> int:
    return sum(ledger.take_start(bucket, TEN_A_SECOND) == 0 for _ in range(tries))


def test_two_openers_of_one_file_share_a_window(tmp_path: Path) -> None:
    clock = Clock()
    with Ledger(tmp_path / "a.db", clock=clock) as one, Ledger(tmp_path / "a.db", clock=clock) as two:
        assert 10 == taken(one, tries=6) + taken(two)
        assert 0 < two.take_start("calls", TEN_A_SECOND) <= 1.0
        clock.now += 1.0
        assert 10 == taken(two)


def test_buckets_do_not_know_each_other() -> None:
    with Ledger(clock=Clock()) as ledger:
        assert (10, 10) == (taken(ledger, "calls"), taken(ledger, "polls"))


def test_a_pause_holds_for_everybody_and_is_not_cut_by_a_shorter_one(tmp_path: Path) -> None:
    clock = Clock()
    with Ledger(tmp_path / "a.db", clock=clock) as one, Ledger(tmp_path / "a.db", clock=clock) as two:
        one.pause_starts("calls", 30.0)
        two.pause_starts("calls", 1.0)
        clock.now += 20
        assert 10.0 == two.take_start("calls", TEN_A_SECOND)
        clock.now += 10
        assert 0.0 == two.take_start("calls", TEN_A_SECOND)


def test_a_clock_that_is_set_back_does_not_stop_the_run() -> None:
    clock = Clock()
    with Ledger(clock=clock) as ledger:
        taken(ledger)
        ledger.pause_starts("calls", 30.0)
        clock.now -= 3600
        assert 10 == taken(ledger)


def start_ten(path: str, sender: multiprocessing.connection.Connection) -> None:
    with Ledger(path) as ledger:
        limiter = Limiter(20, shared=ledger)
        found = []
        for _ in range(10):
            limiter.acquire()
            found.append(time.time())
    sender.send(found)


def test_two_processes_together_keep_to_the_rate(tmp_path: Path) -> None:
    path = str(tmp_path / "a.db")
    Ledger(path).close()
    context = multiprocessing.get_context("spawn")
    receivers, processes = [], []
    for _ in range(2):
        receiver, sender = context.Pipe(duplex=False)
        receivers.append(receiver)
        processes.append(context.Process(target=start_ten, args=(path, sender)))
    for process in processes:
        process.start()
    starts = sorted(at for receiver in receivers for at in receiver.recv())
    for process in processes:
        process.join()
    # Twenty a second for twenty starts, in bursts of no more than two: alone, each would be done in half the time.
    assert starts[-1] - starts[0] > 0.7
