"""Ctrl-C ends the process in time, whatever the ledger does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from cloudvision.cli import _interrupt
from cloudvision.errors import LedgerError
from cloudvision.ledger import Ledger
from cloudvision.stop import StopSignal
from tests.loopback import Request, serving


def broken() -> int:
    raise LedgerError("the ledger cannot be used any more")


@pytest.mark.parametrize(
    ("abandon", "left"),
    [(lambda: 3, 3), (broken, 0), (lambda: threading.Event().wait(30), 0)],
    ids=["3", "broken", "held"],
)
def test_a_second_ctrl_c_ends_at_once(abandon: Any, left: int, monkeypatch: pytest.MonkeyPatch) -> None:
    ended, said, codes = threading.Event(), [], []
    monkeypatch.setattr(_interrupt, "BOOKING_S", 0.2 if left else 0.01)
    monkeypatch.setattr(_interrupt.os, "_exit", lambda code: (codes.append(code), ended.set()))
    ledger = cast(Ledger, SimpleNamespace(abandon=abandon))
    stop = StopSignal()
    with _interrupt.interruptible(stop, ledger, last_words=said.append):
        signal.raise_signal(signal.SIGINT)
        assert stop.is_set()
        signal.raise_signal(signal.SIGINT)
        assert ended.wait(10)
    assert [left] == said
    assert [130] == codes


def test_a_command_that_only_looks_ends_while_a_download_hangs(tmp_path: Path) -> None:
    asked, over = threading.Event(), threading.Event()

    def hang(request: Request) -> None:
        asked.set()
        over.wait(20)

    with serving(hang) as server:
        arguments = ["estimate", server.url(), "--provider", "fake", "--no-gate", "--allow-private-hosts"]
        command = [sys.executable, "-c", "from cloudvision.cli import main; main()", *arguments]
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
        with subprocess.Popen(command, cwd=tmp_path, env=environment) as process:
            assert asked.wait(20)
            process.send_signal(signal.SIGINT)
            assert 130 == process.wait(5)
        over.set()
