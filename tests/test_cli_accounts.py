"""Several accounts on the command line: who is asked, who is taken out, what a file of accounts may not hold."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests import rekognition_double as double
from tests.command import Run, lines
from tests.pictures import png

pytest.importorskip("boto3", reason="needs the extra aws")

ASK = ("--provider", "aws-rekognition", "--no-gate", "--accounts", "accounts.toml", "-o", "out.jsonl")
ACCOUNT = """
[{name}]
AWS_REGION = "eu-west-1"
AWS_ACCESS_KEY_ID = "$KEY_ID"
AWS_SECRET_ACCESS_KEY = "${{SECRET}}"
AWS_ENDPOINT_URL_REKOGNITION = "{url}"
rate = 200
"""


@pytest.fixture
def doubles(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, double.Double]]:
    """Two accounts and their services, and twelve pictures."""
    for n in range(3, 12):
        (tmp_path / "in" / f"{n}.png").write_bytes(png(n, side=100))
    for n in range(3):
        (tmp_path / "in" / f"{n}.png").write_bytes(png(n, side=100))
    monkeypatch.setenv("KEY_ID", double.KEY_ID)
    monkeypatch.setenv("SECRET", double.SECRET)
    with ExitStack() as stack:
        services = {name: stack.enter_context(double.rekognition_double()) for name in ("east", "west")}
        Path("accounts.toml").write_text("".join(ACCOUNT.format(name=n, url=s.url) for n, s in services.items()))
        yield services


def givers(path: str) -> list[str]:
    return [line["analysis"]["provenance"]["account"] for line in lines(path)]


def test_the_load_is_spread_and_every_answer_says_who_gave_it(
    run: Run, doubles: dict[str, double.Double], capsys: pytest.CaptureFixture[str]
) -> None:
    assert 0 == run("run", "in", *ASK)
    asked = {name: len(service.requests) for name, service in doubles.items()}
    assert (12, True) == (sum(asked.values()), all(asked.values()))
    assert asked == {name: givers("out.jsonl").count(name) for name in asked}
    told = givers("out.jsonl")
    assert 0 == run("run", "in", *ASK)
    assert "(0 called, 12 from the ledger)" in capsys.readouterr().err
    assert told == givers("out.jsonl")
    assert 12 == sum(len(service.requests) for service in doubles.values())


def test_a_dead_key_takes_one_account_out_and_not_the_run(
    run: Run, doubles: dict[str, double.Double], caplog: pytest.LogCaptureFixture
) -> None:
    doubles["east"].reply = double.error("UnrecognizedClientException", message="The security token is invalid.")
    assert 0 == run("run", "in", *ASK, "--workers", "2")
    assert {"west"} == set(givers("out.jsonl"))
    assert len(doubles["east"].requests) <= 2
    assert "account east is taken out" in caplog.text


def test_the_run_ends_when_no_account_is_left(
    run: Run, doubles: dict[str, double.Double], capsys: pytest.CaptureFixture[str]
) -> None:
    for service in doubles.values():
        service.reply = double.error("UnrecognizedClientException", message="The security token is invalid.")
    assert 2 == run("run", "in", *ASK)
    assert "AWS_ACCESS_KEY_ID" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "names no accounts"),
        ("east = 1", "under the name of an account"),
        ("[east", "is not TOML"),
        ('[east]\nAWS_SECRET_ACCESS_KEY = "wJalrXUtnFEMI"', 'write AWS_SECRET_ACCESS_KEY = "$NAME"'),
        ('[east]\nAWS_ACCESS_KEY_ID = "$NOT_THERE"', "the variable NOT_THERE is not set"),
        ('[east]\nVISION_KEY = "$KEY_ID"', "aws-rekognition reads no VISION_KEY; it reads AWS_REGION"),
        ("[east]\nrate = -1", "rate is a number of calls a second"),
        ('[east]\nrate = 1\ntier = "S1"', "a tier or a rate, not both"),
        ('[east]\ntier = "S1"', "aws-rekognition has no tier"),
    ],
)
def test_a_file_of_accounts_that_cannot_be_used_says_why(
    run: Run, capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    Path("accounts.toml").write_text(text)
    assert 2 == run("run", "in", *ASK)
    err = " ".join(capsys.readouterr().err.split())
    assert message in err
    assert "wJalrXUtnFEMI" not in err
    assert not Path("out.jsonl").exists()


def test_a_tier_and_a_rate_are_not_given_together(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == run("run", "in", "--provider", "azure-image-analysis", "--rate", "5", "--tier", "S1")
    assert "give one of them" in " ".join(capsys.readouterr().err.split())
    Path("accounts.toml").write_text("[east]\nrate = 1")
    assert 2 == run("run", "in", *ASK, "--tier", "S1")
    assert "tier of each account into accounts.toml" in " ".join(capsys.readouterr().err.split())
