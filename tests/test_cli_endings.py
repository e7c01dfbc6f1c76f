"""How a run ends before its list does: an outage, a budget, another process, a ledger that is locked."""

from __future__ import annotations

import signal
import socket
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudvision.cli._identity import identity
from cloudvision.ledger import Ledger
from cloudvision.provider import open_provider
from tests import rekognition_double as double
from tests.command import FAKE, Run, lines

REKOGNITION = ("--provider", "aws-rekognition", "--no-gate", "-o", "out.jsonl")


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Rekognition's address is one at which nobody answers."""
    pytest.importorskip("boto3", reason="needs the extra aws")
    with socket.socket() as taken:  # bound, and not listening: connections are refused
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL_REKOGNITION", f"http://127.0.0.1:{taken.getsockname()[1]}")
        for name, value in (("REGION", double.REGION), ("ACCESS_KEY_ID", "a"), ("SECRET_ACCESS_KEY", "b")):
            monkeypatch.setenv(f"AWS_{name}", value)
        yield


@pytest.mark.usefixtures("nobody")
def test_an_outage_ends_with_a_summary_and_a_code_of_its_own(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    Path("list.txt").write_text("in/0.png\nin/1.png\nin/2.png\n" * 2)
    assert 4 == run("run", "@list.txt", *REKOGNITION, "--workers", "6", "--longest-outage", "0.1s")
    err = " ".join(capsys.readouterr().err.split())
    assert "0 sources: 0 read" in err
    assert "has not answered for" in err
    assert "6 of 6 sources remain to be done. The same command goes on where it was." in err
    with Ledger("cloudvision.db") as ledger:
        assert {"released"} == {state for state, _, _ in ledger.attempts()}
        assert None is ledger.runs()[0].ended


def test_a_reached_budget_says_how_much_is_left_to_do(
    run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with double.rekognition_double() as service:
        monkeypatch.setenv("AWS_ENDPOINT_URL_REKOGNITION", service.url)
        for name, value in (("REGION", double.REGION), ("ACCESS_KEY_ID", double.KEY_ID)):
            monkeypatch.setenv(f"AWS_{name}", value)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", double.SECRET)
        Path("list.txt").write_text("in/0.png\nin/1.png\nin/2.png\n")
        arguments = ("run", "@list.txt", *REKOGNITION, "--workers", "1")
        assert 3 == run(*arguments, "--budget-ledger", "0.002")
        assert "2 sources:" in (err := " ".join(capsys.readouterr().err.split()))
        assert "for this ledger" in err
        assert "1 of 3 sources remain to be done" in err
        assert 0 == run(*arguments, "--budget-ledger", "0.003")
        assert 3 == len(service.requests)


def test_a_second_process_at_the_same_list_has_a_run_of_its_own(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    same = identity(("in",), provider=open_provider("fake"), gate=None)
    with Ledger("cloudvision.db", owner="elsewhere/boot/1/1") as ledger:
        theirs = ledger.begin_run(same, command="in", provider="fake").id
        assert 0 == run("run", "in", *FAKE, "-o", "out.jsonl")
        assert "another process is at the same list" in " ".join(capsys.readouterr().err.split())
        assert 3 == len(lines("out.jsonl"))
        first, second = ledger.runs()
        assert (theirs, None) == (first.id, first.ended)
        assert (0, 3) == tuple(sum(t.entries for t in ledger.tallies(one.id)) for one in (first, second))
        assert second.ended is not None


def test_ctrl_c_ends_the_command_while_another_process_holds_the_ledger(run: Run) -> None:
    Ledger("cloudvision.db").close()
    other = sqlite3.connect("cloudvision.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    before = signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))
    began = time.monotonic()
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.5)
        assert 130 == run("run", "in", *FAKE, "-o", "out.jsonl")
        assert time.monotonic() - began < 5
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        other.close()
    assert 0 == run("run", "in", *FAKE, "-o", "out.jsonl")
