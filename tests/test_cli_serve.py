"""`cloudvision serve`, as it is typed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests import command, model_files
from tests.serving import Client, picture


def test_the_command_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    folder = model_files.colours(tmp_path / "colours")
    flags = ["--port", "0", "--api-key-env", "OUR_KEY", "--threads", "1"]
    asked = [sys.executable, "-c", "from cloudvision.cli import main; main()", "-v", "serve", f"fruit={folder}", *flags]
    env = {**os.environ, "OUR_KEY": "s3cret"}
    with subprocess.Popen(asked, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env=env) as process:
        assert process.stderr is not None
        said = [process.stderr.readline() for _ in range(2)]
        assert "fruit:1 (classify, 3 labels)" in said[0]
        url = said[1].split()[2].removesuffix(",")
        client = Client(url)
        assert 401 == client.post("/image", picture()).status
        assert 200 == client.post("/image", picture(), {"Prediction-Key": "s3cret"}).status
        client.close()
        process.send_signal(signal.SIGTERM)
        rest = process.stderr.read()
        assert 0 == process.wait(60), rest
    assert "POST /image 401" in rest
    assert "POST /image 200" in rest
    assert "s3cret" not in rest + "".join(said)


def test_a_wrong_setup_says_what_to_do(run: command.Run, capfd: pytest.CaptureFixture[str]) -> None:
    for asked, remedy in (
        (["nobody"], "name=folder"),
        (["gate:fast", "--api-key-env", "NOT_SET"], "NOT_SET, which is not set"),
        (["gate:fast", "--queue", "0"], "queue must be at least 1"),
    ):
        assert 2 == run("serve", *asked)
        assert remedy in " ".join(capfd.readouterr().err.split())
