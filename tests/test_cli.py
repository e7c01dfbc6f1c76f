"""The command line: what it prints where, what it leaves behind, how it ends."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cloudvision.ledger import Ledger
from tests.command import FAKE, Run, lines
from tests.pictures import png


def test_a_run_writes_one_line_for_each_picture_and_talks_on_stderr(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 0 == run("run", "in", *FAKE, "-o", "out.jsonl")
    out, err = capsys.readouterr()
    assert "" == out
    assert "3 sources: 3 read (3 called" in err
    written = lines("out.jsonl")
    assert ["in/0.png", "in/1.png", "in/2.png"] == [line["source"] for line in written]
    assert {"analysed"} == {line["outcome"] for line in written}
    assert {"schema", "source", "outcome", "sha256", "gate", "provider", "cached", "cost_usd", "analysis"} == set(
        written[0]
    )


def test_results_go_to_stdout_as_json_lines_when_piped(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == run("run", "in", *FAKE)
    assert 3 == len([json.loads(line) for line in capsys.readouterr().out.splitlines()])


def test_the_same_command_again_calls_nobody(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run("run", "in", *FAKE, "-o", "out.jsonl")
    assert 0 == run("run", "in", *FAKE, "-o", "out.jsonl")
    assert "(0 called, 3 from the ledger)" in capsys.readouterr().err
    assert {True} == {line["cached"] for line in lines("out.jsonl")}
    with Ledger("cloudvision.db") as ledger:
        assert (("settled", 3, 0),) == ledger.attempts()


def test_bad_input_fails_by_name_and_the_run_goes_on(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    Path("page.jpg").write_text("<!doctype html><title>Not found</title>")
    Path("empty.png").touch()
    Path("cut.png").write_bytes(png(side=400)[:300])
    code = run("run", "page.jpg", "in/0.png", "empty.png", "cut.png", "missing.png", *FAKE, "-o", "out.jsonl")
    assert 1 == code
    written = lines("out.jsonl")
    assert ["failed", "analysed", "failed", "failed", "failed"] == [line["outcome"] for line in written]
    for line in written:
        if line["outcome"] == "failed":
            assert str(line["source"]) in line["error"]["message"]  # type: ignore[index]
    assert "page.jpg: " in capsys.readouterr().err


def test_failed_sources_are_done_again_alone(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert 1 == run("run", "in", "late.png", *FAKE, "-o", "out.jsonl")
    Path("late.png").write_bytes(png(9))
    capsys.readouterr()
    assert 0 == run("run", "in", "late.png", *FAKE, "-o", "out.jsonl", "--again", "failed")
    assert ["analysed"] * 4 == [line["outcome"] for line in lines("out.jsonl")]
    with Ledger("cloudvision.db") as ledger:
        assert 1 == len(ledger.runs())


def test_csv_and_parquet_hold_the_same_rows(run: Run) -> None:
    assert 0 == run("run", "in", *FAKE, "-o", "out.csv")
    with Path("out.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert ["in/0.png", "in/1.png", "in/2.png"] == [row["source"] for row in rows]
    assert all(row["text"].startswith("picture ") for row in rows)
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra parquet")
    assert 0 == run("run", "in", *FAKE, "-o", "out.parquet")
    table = parquet.read_table("out.parquet").to_pylist()
    assert [row["text"] for row in rows] == [row["text"] for row in table]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "in", "--provider", "nobody"), "unknown provider 'nobody'; known: aws-rekognition"),
        (("run", "in", "--provider", "fake", "--features", "mood"), "fake has no setting features"),
        (("run", "in", *FAKE, "-o", "out.xlsx"), "ends in .csv, .json"),
        (("run", "in", *FAKE, "-o", "nowhere/out.csv"), "cannot write nowhere/out.csv"),
        (("run", "@missing.txt", *FAKE), "cannot read the list missing.txt"),
        (("run", "in", *FAKE, "--ledger", "in/0.png"), "in/0.png"),
        (("report", "missing.db"), "there is no ledger missing.db"),
    ],
)
def test_a_wrong_set_up_ends_with_code_2_and_the_remedy(
    run: Run, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    assert 2 == run(*arguments)
    assert message in " ".join(capsys.readouterr().err.split())


def test_the_report_adds_up_each_run_and_all(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run("run", "in", *FAKE)
    run("run", "in", "missing.png", *FAKE)
    capsys.readouterr()
    assert 0 == run("report", "cloudvision.db", "--json", "--html", "report.html")
    values = json.loads(capsys.readouterr().out)
    figures = [(part["entries"], part["called"], part["cached"], part["failed"]) for part in values["runs"]]
    assert [(3, 3, 0, 0), (4, 0, 3, 1)] == figures
    assert (7, 3, 3, 1) == tuple(values["total"][name] for name in ("entries", "called", "cached", "failed"))
    page = Path("report.html").read_text(encoding="utf-8")
    assert "all runs" in page
    assert "http" not in page.replace("http-equiv", "")  # one page that needs nothing else


def test_a_saved_answer_is_parsed_in_three_forms(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    body = {"schema": 1, "width": 10, "height": 20, "tags": []}
    Path("body.json").write_text(json.dumps(body))
    Path("envelope.json").write_text(json.dumps({"status": 200, "response_headers": {"A": "b"}, "body": body}))
    Path("raw.json").write_text(json.dumps({"schema": 1, "body": json.dumps(body)}))
    assert 0 == run("parse", "body.json", "envelope.json", "raw.json", "--provider", "fake")
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(10, 20)] * 3 == [(one["width"], one["height"]) for one in found]
    Path("error.json").write_text(json.dumps({"status": 400, "body": {}}))
    assert 1 == run("parse", "error.json", "--provider", "fake")


def test_the_providers_are_listed_with_prices(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == run("providers", "--json")
    values = {one["name"]: one for one in json.loads(capsys.readouterr().out)}
    assert 0.001 == values["aws-rekognition"]["prices"]["aws-rekognition/DetectText"]["usd"]
    assert "2028-09-25" == values["azure-image-analysis"]["ends"]
    assert 0 == run("providers")
    assert "local-ocr" in capsys.readouterr().out


HANGING = """
import sys, threading
from cloudvision.providers.fake import Fake

call = Fake.call
def hang(self, image):
    if self.calls >= 4:
        print("hanging", flush=True)
        threading.Event().wait()
    return call(self, image)
Fake.call = hang
from cloudvision.cli import main
main()
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_is_cut_off_goes_on_and_loses_nothing(run: Run, tmp_path: Path, how: signal.Signals) -> None:
    for n in range(3, 12):
        (tmp_path / "in" / f"{n}.png").write_bytes(png(n))
    arguments = ["run", "in", *FAKE, "-o", "out.jsonl", "--workers", "2"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    first = subprocess.Popen(
        [sys.executable, "-c", HANGING, *arguments], cwd=tmp_path, stdout=subprocess.PIPE, text=True, env=environment
    )
    assert first.stdout is not None
    assert first.stdout.readline().startswith("hanging")
    code = None
    for _ in range(100):
        first.send_signal(how)  # a second Ctrl-C does not wait for calls on the wire
        try:
            code = first.wait(0.2)
            break
        except subprocess.TimeoutExpired:
            continue
    first.stdout.close()
    assert (130 if how == signal.SIGINT else -9) == code
    assert 0 == run(*arguments)
    written = lines("out.jsonl")
    expected = sorted(f"in/{n}.png" for n in range(12))
    assert expected == [line["source"] for line in written]
    with Ledger("cloudvision.db") as ledger:
        attempts = {state: number for state, number, _ in ledger.attempts()}
        assert 12 == attempts["settled"]
        assert 1 <= attempts["uncertain"] <= 2
        assert 1 == len(ledger.runs())
