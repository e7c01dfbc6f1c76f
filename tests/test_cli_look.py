"""Commands that look and do nothing: a dry run, the doctor, the version; and names that would drive a terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cloudvision._printable import visible
from cloudvision.cli import doctor
from cloudvision.ledger import Ledger
from tests import rekognition_double as double
from tests.command import FAKE, Run
from tests.pictures import png

KEYS = {"AWS_REGION": double.REGION, "AWS_ACCESS_KEY_ID": double.KEY_ID, "AWS_SECRET_ACCESS_KEY": double.SECRET}


def told(out: str) -> list[tuple[str, str, float]]:
    return [(one["source"], one["would"], one["cost_usd"]) for one in map(json.loads, out.splitlines())]


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> object:
    pytest.importorskip("boto3", reason="needs the extra aws")
    with double.rekognition_double() as service:
        for name, value in (KEYS | {"AWS_ENDPOINT_URL_REKOGNITION": service.url}).items():
            monkeypatch.setenv(name, value)
        yield service


def test_a_dry_run_calls_nobody_and_leaves_nothing_behind(
    run: Run, service: double.Double, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("in/copy.png").write_bytes(png(0))
    Path("page.jpg").write_text("<!doctype html>")
    ask = ("run", "in", "page.jpg", "--provider", "aws-rekognition", "--no-gate")
    assert 1 == run(*ask, "--dry-run", "-o", "out.jsonl")
    out, err = capsys.readouterr()
    calls = [(f"in/{name}.png", "call", 0.001) for name in "012"]
    assert [*calls, ("in/copy.png", "answered", 0.0), ("page.jpg", "fail", 0.0)] == told(out)
    assert "5 sources: 3 would be called, at most 0.0030 USD" in " ".join(err.split())
    assert [] == service.requests
    assert {"in", "page.jpg"} == {path.name for path in Path.cwd().iterdir()}


def test_a_dry_run_knows_what_is_answered_and_what_the_gate_would_skip(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 0 == run("run", "in/0.png", *FAKE)
    before = Path("cloudvision.db").read_bytes()
    capsys.readouterr()
    assert 0 == run("run", "in", "--provider", "fake", "--dry-run")
    assert ["answered", "skip", "skip"] == [would for _, would, _ in told(capsys.readouterr().out)]
    assert before == Path("cloudvision.db").read_bytes()
    with Ledger("cloudvision.db") as ledger:
        assert 1 == len(ledger.runs())


def test_a_dry_run_says_what_the_real_one_would_miss(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == run("run", "in", "--provider", "azure-image-analysis", "--no-gate", "--dry-run")
    assert "not ready: azure-image-analysis: VISION_ENDPOINT is not set" in " ".join(capsys.readouterr().err.split())


def findings(out: str) -> dict[str, tuple[bool, str]]:
    return {one["name"]: (one["ready"], one["told"]) for one in json.loads(out)}


def test_the_doctor_finds_keys_and_endpoint_without_a_request(
    run: Run, service: double.Double, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 0 == run("doctor", "--provider", "aws-rekognition", "--json")
    found = findings(capsys.readouterr().out)
    assert (True, f"{service.url}, keys from env") == found["aws-rekognition"]
    assert found["gate"][0]
    assert [] == service.requests


def test_the_doctor_says_what_is_missing(
    run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("boto3", reason="needs the extra aws")
    assert 0 == run("doctor", "--json")
    found = findings(capsys.readouterr().out)
    assert (False, True) == (found["aws-rekognition"][0], found["fake"][0])
    assert "AWS_REGION" in found["aws-rekognition"][1]
    assert "VISION_ENDPOINT is not set" in found["azure-image-analysis"][1]
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert 2 == run("doctor", "--provider", "aws-rekognition")
    assert "no AWS keys are found" in capsys.readouterr().out
    monkeypatch.setattr(doctor, "CONNECT_S", 1.0)
    for name, value in (KEYS | {"AWS_ENDPOINT_URL_REKOGNITION": "http://127.0.0.1:1"}).items():
        monkeypatch.setenv(name, value)
    assert 2 == run("doctor", "--provider", "aws-rekognition")
    assert "and no connection" in capsys.readouterr().out


def test_the_doctor_looks_at_each_account(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    Path("accounts.toml").write_text('[east]\nVISION_ENDPOINT = "http://127.0.0.1:1"\n[west]\ntier = "S1"\n')
    ask = ("doctor", "--provider", "azure-image-analysis", "--accounts", "accounts.toml", "--no-connect", "--json")
    assert 2 == run(*ask)
    found = findings(capsys.readouterr().out)
    assert (True, "http://127.0.0.1:1, Entra ID") == found["azure-image-analysis, east"]
    assert not found["azure-image-analysis, west"][0]


def test_the_version_is_told(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == run("--version")
    assert capsys.readouterr().out.startswith("cloudvision ")


def test_a_name_that_would_drive_a_terminal_is_spelled_out(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    name = "in/\x1b]0;title\x07.png"
    Path(name).write_text("no picture")
    assert 1 == run("run", name, *FAKE, "-o", "out.jsonl")
    err = capsys.readouterr().err
    assert "\\x1b]0;title\\x07.png" in err
    assert not set(err) & {"\x1b", "\x07"}
    assert "a\\u202eb\tc\nd" == visible("a\u202eb\tc\nd")
