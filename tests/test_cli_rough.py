"""The command line with rough input: odd names, odd lists, streams and files that do not behave."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cloudvision.cli import main
from cloudvision.errors import ImageError
from cloudvision.outcome import Failed
from cloudvision.sinks import JsonLines
from tests.pictures import png

Run = Callable[..., int]

FAKE = ("--provider", "fake", "--no-gate")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command in an empty folder with one picture, `0.png`; gives its exit code."""
    monkeypatch.chdir(tmp_path)
    Path("0.png").write_bytes(png(0))

    def run_command(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["cloudvision", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0)

    return run_command


def lines(path: str | Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


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
