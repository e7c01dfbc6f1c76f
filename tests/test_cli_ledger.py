"""`cloudvision ledger`, and a ledger that is not a file, on the command line."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from cloudvision.ledger import Ledger
from tests.command import FAKE, Run
from tests.ledgers import held


def cut_off(*names: str) -> tuple[str, ...]:
    """Leave one uncertain call for each name in the ledger file; their numbers."""
    with Ledger("cloudvision.db") as ledger:
        claims = [held(ledger, name, source=name) for name in names]
        for claim in claims:
            ledger.leave_uncertain(claim)
    return tuple(str(claim.id) for claim in claims)


def test_resolve_lists_what_may_have_been_billed_and_changes_nothing(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    number, _ = cut_off("a.png", "b.png")
    assert 0 == run("ledger", "resolve")
    out, err = capsys.readouterr()
    assert 2 == len(out.splitlines())
    assert [number, "0.0010", "USD", "fake", "a.png"] == [out.split()[n] for n in (0, 2, 3, 4, 5)]
    assert "2 calls may have been billed, 0.0020 USD at most" in err
    with Ledger("cloudvision.db") as ledger:
        assert (("uncertain", 2, 2000),) == ledger.attempts()


def test_resolve_settles_some_by_number_and_releases_all_others(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    first, *_ = cut_off("a.png", "b.png", "c.png")
    assert 0 == run("ledger", "resolve", "--billed", first, "--not-billed", "all", "--json")
    assert {"settled": 1, "released": 2, "uncertain": []} == json.loads(capsys.readouterr().out)
    with Ledger("cloudvision.db") as ledger:
        assert {("settled", 1, 1000), ("released", 2, 0)} == set(ledger.attempts())


def test_export_writes_every_answer_to_a_file_for_its_owner_alone(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run("run", "in", *FAKE, "-o", "out.jsonl")
    capsys.readouterr()
    assert 0 == run("ledger", "export", "-o", "answers.jsonl")
    assert 0o600 == stat.S_IMODE(Path("answers.jsonl").stat().st_mode)
    rows = [json.loads(line) for line in Path("answers.jsonl").read_text().splitlines()]
    assert ["in/0.png", "in/1.png", "in/2.png"] == sorted(row["source"] for row in rows)
    assert {"key", "source", "provider", "cost_usd", "created", "raw"} == set(rows[0])
    assert 0 == run("ledger", "export", "--provider", "local-ocr")
    out, err = capsys.readouterr()
    assert ("", True) == (out, "0 answers written" in err)


def test_purge_counts_first_and_deletes_then(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run("run", "in", *FAKE, "-o", "out.jsonl")
    capsys.readouterr()
    assert 0 == run("ledger", "purge", "--source", "*/1.png", "--dry-run")
    assert "1 answers and 1 list entries would be deleted" in capsys.readouterr().err
    assert 0 == run("ledger", "purge", "--source", "*/1.png", "--json")
    assert {"answers": 1, "entries": 1, "attempts": 1, "dry_run": False} == json.loads(capsys.readouterr().out)
    assert 0 == run("ledger", "purge", "--older-than", "1h", "--json")
    assert 0 == json.loads(capsys.readouterr().out)["answers"]
    with Ledger("cloudvision.db") as ledger:
        assert 2 == len(list(ledger.answers()))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("resolve", "missing.db"), "there is no ledger missing.db"),
        (("resolve", "--billed", "77"), "no uncertain calls: 77"),
        (("resolve", "--billed", "some"), "neither 'all' nor a list of numbers"),
        (("resolve", "--billed", "all", "--not-billed", "all"), "said to be billed and not billed: 1"),
        (("purge",), "--source PATTERN"),
        (("purge", "--older-than", "soon"), "'soon' is not a length of time"),
        (("export", "-o", "nowhere/a.jsonl"), "cannot write nowhere/a.jsonl"),
    ],
)
def test_a_wrong_request_ends_with_code_2_and_the_remedy(
    run: Run, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    cut_off("a.png")
    assert 2 == run("ledger", *arguments)
    assert message in " ".join(capsys.readouterr().err.split())


def test_a_time_to_live_makes_old_answers_be_asked_for_anew(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run("run", "in", *FAKE, "-o", "out.jsonl")
    with Ledger("cloudvision.db") as ledger:
        created = [answer.stored.created for answer in ledger.answers()]
    assert 0 == run("run", "in", *FAKE, "-o", "out.jsonl", "--answers-ttl", "30d")
    assert "(0 called, 3 from the ledger)" in capsys.readouterr().err
    assert 0 == run("run", "in", *FAKE, "-o", "out.jsonl", "--answers-ttl", "0.000001s")
    with Ledger("cloudvision.db") as ledger:
        assert min(answer.stored.created for answer in ledger.answers()) > max(created)


def test_a_run_and_its_report_on_a_redis_server(
    run: Run, redis_address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name = f"{redis_address}#cli"
    assert 0 == run("run", "in", *FAKE, "-o", "out.jsonl", "--ledger", name)
    assert 0 == run("run", "in", *FAKE, "-o", "out.jsonl", "--ledger", name)
    assert "(0 called, 3 from the ledger)" in capsys.readouterr().err
    assert 0 == run("report", name, "--json")
    values = json.loads(capsys.readouterr().out)
    assert [(3, 3, 0), (3, 0, 3)] == [
        tuple(part[of] for of in ("entries", "called", "cached")) for part in values["runs"]
    ]
    assert 0 == run("ledger", "purge", name, "--source", "*", "--json")
    assert 3 == json.loads(capsys.readouterr().out)["answers"]
    assert not Path("cloudvision.db").exists()


def test_an_error_of_a_redis_server_does_not_tell_its_password(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("redis", reason="needs the extra redis")
    address = f"unix://somebody:t0p-s3cret@{tmp_path}/no-such-socket?password=t0p-s3cret"
    assert 2 == run("ledger", "resolve", address)
    err = capsys.readouterr().err
    assert "no-such-socket" in err
    assert "t0p-s3cret" not in err
