"""The command line in a test's own process; the fixture `run` is in `conftest.py`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cloudvision.cli import main

Run = Callable[..., int]
FAKE = ("--provider", "fake", "--no-gate")


def runner(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command with the arguments that it is given; gives its exit code."""

    def run_command(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["cloudvision", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0)

    return run_command


def lines(path: str | Path) -> list[dict[str, Any]]:
    """The objects in a file of JSON lines."""
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]
