"""The command line with rough input: odd names, odd lists, streams and files that do not behave."""

from __future__ import annotations

import io
import itertools
import json
import logging
import os
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from cloudvision.cli._talk import Logged, stderr
from cloudvision.errors import ImageError
from cloudvision.images import Image
from cloudvision.ledger import Ledger
from cloudvision.outcome import Failed
from cloudvision.providers.fake import Fake
from cloudvision.raw import Raw
from cloudvision.sinks import JsonLines, open_sink
from cloudvision.stop import StopSignal
from tests.command import FAKE, Run, lines, runner
from tests.pictures import png


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command in an empty folder with one picture, `0.png`; gives its exit code."""
    monkeypatch.chdir(tmp_path)
    Path("0.png").write_bytes(png(0))
    return runner(monkeypatch)


def test_a_file_name_that_is_not_utf_8_is_spelled_out(run: Run) -> None:
    name = os.fsdecode(b"caf\xe9.png")
    try:
        Path(name).write_bytes(png(7))
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    assert 0 == run("run", name, *FAKE, "-o", "out.jsonl")
    assert [r"caf\udce9.png"] == [line["source"] for line in lines("out.jsonl")]


def test_json_lines_go_through_a_stream_that_is_not_utf_8() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    JsonLines(stream, provider="fake").write(Failed("ünï.png", ImageError("ünï.png", "no such file")))
    stream.seek(0)
    assert "ünï.png" == json.loads(stream.read())["source"]


@pytest.mark.parametrize("scheme", ["ftp", "HTTP", "file"])
def test_a_url_of_any_scheme_fails_without_its_password(run: Run, scheme: str) -> None:
    Path("list.txt").write_text(f"{scheme}://user:hunter2@127.0.0.1:1/x.jpg?sig=hunter3\n0.png\n")
    assert 1 == run("run", "@list.txt", *FAKE, "-o", "out.jsonl", "--ledger", "l.db")
    assert ["failed", "analysed"] == [line["outcome"] for line in lines("out.jsonl")]
    assert b"hunter" not in Path("out.jsonl").read_bytes() + Path("l.db").read_bytes()


def test_a_named_pipe_in_a_folder_is_passed_over(run: Run) -> None:
    Path("in").mkdir()
    os.mkfifo("in/pipe")
    Path("in/1.png").write_bytes(png(1))
    assert 0 == run("run", "in", *FAKE, "-o", "out.jsonl")
    assert ["in/1.png"] == [line["source"] for line in lines("out.jsonl")]


def test_a_list_out_of_a_pipe_is_read_once_also_under_a_progress_bar(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stderr, "_force_terminal", True)
    reading, writing = os.pipe()
    os.write(writing, b"0.png\n0.png\n")
    os.close(writing)
    assert 0 == run("run", f"@/dev/fd/{reading}", *FAKE, "-o", "out.jsonl")
    os.close(reading)
    assert 2 == len(lines("out.jsonl"))


def test_the_list_that_is_read_is_not_written_over(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    Path("rows.jsonl").write_text('{"url": "0.png"}\n')
    assert 2 == run("run", "@rows.jsonl:url", *FAKE, "-o", "./rows.jsonl")
    assert "rows.jsonl is the list that is read" in capsys.readouterr().err
    assert '{"url": "0.png"}\n' == Path("rows.jsonl").read_text()


def test_a_table_that_is_none_ends_with_code_2(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    Path("rows.csv").write_text("url,body\n0.png," + "x" * 200_000 + "\n")
    assert 2 == run("run", "@rows.csv:url", *FAKE)
    assert "cannot read the list rows.csv: field larger than" in capsys.readouterr().err


def test_an_endless_budget_is_refused(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == run("run", "0.png", *FAKE, "--budget", "inf")
    assert "a budget is a sum of money, got inf" in capsys.readouterr().err


def test_again_all_does_not_go_on_with_an_ordinary_run(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == run("run", "0.png", *FAKE)
    with closing(sqlite3.connect("cloudvision.db")) as db:
        db.execute("UPDATE runs SET ended = NULL")  # as if it had been cut off after the last picture
        db.commit()
    assert 0 == run("run", "0.png", *FAKE, "--again", "all")
    assert "1 read (1 called" in capsys.readouterr().err.splitlines()[-2]


def test_an_answer_on_the_wire_is_kept_when_the_output_breaks(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("1.png").write_bytes(png(1))
    turns, both_sent, stopped = itertools.count(), threading.Event(), threading.Event()
    call, set_stop = Fake.call, StopSignal.set

    def one_late(self: Fake, image: Image) -> Raw:
        if next(turns) == 0:
            both_sent.wait(10)
        else:
            both_sent.set()
            stopped.wait(10)
        return call(self, image)

    def stop(self: StopSignal) -> None:
        set_stop(self)
        stopped.set()

    monkeypatch.setattr(Fake, "call", one_late)
    monkeypatch.setattr(StopSignal, "set", stop)
    Path("out.jsonl").symlink_to("/dev/full")
    assert 2 == run("run", "0.png", "1.png", *FAKE, "-o", "out.jsonl", "--order", "done", "--workers", "2")
    assert "cannot write out.jsonl: No space left on device" in capsys.readouterr().err
    with Ledger("cloudvision.db") as ledger:
        assert [("settled", 2)] == [(state, number) for state, number, _ in ledger.attempts()]


def test_two_runs_do_not_write_into_one_file(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("out.jsonl", "out.csv", "out.parquet"):
        first = open_sink(name, provider="fake")
        first.write(Failed("x.png", ImageError("x.png", "no such file")))
        assert 2 == run("run", "0.png", *FAKE, "-o", name)
        assert f"{name} is being written by another run" in capsys.readouterr().err
        first.close()
        assert 0 == run("run", "0.png", *FAKE, "-o", name)


def test_log_lines_do_not_break_the_talk(capsys: pytest.CaptureFixture[str]) -> None:
    Logged().handle(logging.LogRecord("x", logging.WARNING, "", 0, "odd [/name]", (), None))
    assert "odd [/name]\n" == capsys.readouterr().err


@pytest.mark.parametrize(
    "content",
    [png(0), b'{"schema": 1, "body": "x", "headers": 5}', b"[" * 200_000, b""],
    ids=["picture", "broken Raw", "nested", "empty"],
)
def test_what_is_no_saved_answer_is_named_and_the_others_are_parsed(
    run: Run, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    Path("bad.json").write_bytes(content)
    Path("good.json").write_text('{"TextDetections": []}')
    assert 1 == run("parse", "bad.json", "good.json", "--provider", "aws-rekognition")
    out, err = capsys.readouterr()
    assert 1 == len(out.splitlines())
    assert err.startswith("bad.json: ")
