"""Ctrl-C: in a run the first one stops cleanly within seconds, the second one at once; elsewhere it ends the process."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from cloudvision.errors import LedgerError
from cloudvision.ledger_store import LedgerStore
from cloudvision.stop import StopSignal

GRACE_S = 4.0
"""Seconds that calls on the wire get to bring their answers home."""

BOOKING_S = 0.5
"""Seconds that the ledger gets to write down which calls are left."""

EXIT_CODE = 130


@contextmanager
def interruptible(stop: StopSignal, ledger: LedgerStore, *, last_words: Callable[[int], None]) -> Iterator[None]:
    """Within this block SIGINT and SIGTERM throw `stop`; calls that outlast the grace are left as uncertain.

    `last_words` gets their number before the process ends without waiting for them. A second signal skips the grace.
    """

    abandoned: list[int] = []

    def abandon() -> None:
        with suppress(LedgerError):
            abandoned.append(ledger.abandon())

    def end_now() -> None:
        booking = threading.Thread(target=abandon, daemon=True)
        booking.start()
        # Another process may hold the file for longer. Whoever comes next finds the reservations of a process that has
        # ended, and takes them as uncertain all the same.
        booking.join(BOOKING_S)
        last_words(sum(abandoned))
        # Threads that hang in a call cannot be ended otherwise; the ledger is up to date, the files are flushed.
        os._exit(EXIT_CODE)

    def wait_and_end() -> None:
        until = time.monotonic() + GRACE_S
        while time.monotonic() < until and not finished.wait(0.05):
            pass
        if not finished.is_set():
            end_now()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            threading.Thread(target=end_now, daemon=True).start()  # not here: the main thread may hold the ledger
            return
        stop.set()
        threading.Thread(target=wait_and_end, daemon=True).start()

    finished = threading.Event()
    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        finished.set()
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def ends_at_once() -> Iterator[None]:
    """Within this block SIGINT and SIGTERM end the process: for commands that pay for nothing and only look."""

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        # A clean end would wait for the threads, and those for downloads that hang.
        with suppress(OSError, RuntimeError, ValueError):
            sys.stdout.flush()
        os._exit(EXIT_CODE)

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
