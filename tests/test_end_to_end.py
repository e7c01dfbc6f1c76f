"""`cloudvision run` over the wire: with the vendors' own SDKs, against servers on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudvision.ledger import Ledger
from tests import image_analysis_double as azure
from tests.command import Run, lines, runner
from tests.pictures import png
from tests.rekognition_double import KEY_ID, REGION, SECRET, Double, rekognition_double


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command over ten pictures; gives its exit code."""
    monkeypatch.chdir(tmp_path)
    for n in range(10):
        (tmp_path / f"{n}.png").write_bytes(png(n))
    (tmp_path / "list.txt").write_text("".join(f"{n}.png\n" for n in range(10)))
    command = runner(monkeypatch)
    return lambda *arguments: command("run", "@list.txt", "--no-gate", "-o", "out.jsonl", *arguments)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("boto3", reason="needs the extra aws")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_REGION", REGION)


@pytest.fixture
def double(aws: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Double]:
    with rekognition_double() as running:
        running.reply = None  # every picture gets an answer of its own
        monkeypatch.setenv("AWS_ENDPOINT_URL_REKOGNITION", running.url)
        yield running


def test_rekognition_by_one_name_and_every_picture_gets_its_own_answer(run: Run, double: Double) -> None:
    assert 0 == run("--provider", "aws-rekognition")
    assert 10 == len(double.requests)
    written = lines("out.jsonl")
    assert [f"{n}.png" for n in range(10)] == [line["source"] for line in written]
    for line in written:
        text = line["analysis"]["lines"][0]["text"]  # type: ignore[index]
        assert line["sha256"] == text  # the double answers with the digest of what it was sent: bytes untouched
        assert 0.001 == line["cost_usd"]


def test_rekognition_as_moto_plays_it(run: Run, aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    server = pytest.importorskip("moto.server", reason="needs moto[server]").ThreadedMotoServer(
        ip_address="127.0.0.1", port=0
    )
    server.start()
    try:
        host, port = server.get_host_and_port()
        monkeypatch.setenv("AWS_ENDPOINT_URL_REKOGNITION", f"http://{host}:{port}")
        assert 0 == run("--provider", "aws-rekognition", "--limit", "2")
    finally:
        server.stop()
    assert ["IT'S"] * 2 == [line["analysis"]["lines"][0]["text"] for line in lines("out.jsonl")]  # type: ignore[index]


def test_the_budget_ends_the_run_with_code_3_and_more_money_goes_on(
    run: Run, double: Double, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 3 == run("--provider", "aws-rekognition", "--budget", "0.004")
    assert "goes on where it was" in " ".join(capsys.readouterr().err.split())
    assert 4 == len(double.requests)
    assert 0 == run("--provider", "aws-rekognition", "--budget", "1")
    assert 10 == len(double.requests)
    assert [f"{n}.png" for n in range(10)] == [line["source"] for line in lines("out.jsonl")]


def test_the_daily_budget_holds_over_runs(run: Run, double: Double) -> None:
    assert 3 == run("--provider", "aws-rekognition", "--budget-per-day", "0.006")
    assert 3 == run("--provider", "aws-rekognition", "--budget-per-day", "0.006", "--limit", "9")
    assert 6 == len(double.requests)


def test_a_missing_key_is_named_and_nothing_is_written_off(
    run: Run, double: Double, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert 2 == run("--provider", "aws-rekognition")
    assert "AWS_ACCESS_KEY_ID" in capsys.readouterr().err
    with Ledger("cloudvision.db") as ledger:
        assert 0 == sum(micros for _, _, micros in ledger.attempts())


def test_the_secret_shows_up_nowhere(run: Run, double: Double, capsys: pytest.CaptureFixture[str]) -> None:
    run("--provider", "aws-rekognition")
    out, err = capsys.readouterr()
    kept = b"".join(path.read_bytes() for path in Path().iterdir() if path.suffix not in (".png", ".txt"))
    assert SECRET not in out + err
    assert SECRET.encode() not in kept


def test_image_analysis_by_one_name_with_the_features_asked_for(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("azure.ai.vision.imageanalysis", reason="needs the extra azure")
    with azure.image_analysis_double() as service:
        monkeypatch.setenv("VISION_ENDPOINT", service.url)
        monkeypatch.setenv("VISION_KEY", azure.KEY)
        assert 0 == run("--provider", "azure-image-analysis", "--features", "read,caption,tags", "--locale", "en")
        assert 10 == len(service.seen)
        assert {Path(f"{n}.png").read_bytes() for n in range(10)} == {seen.body for seen in service.seen}
        for seen in service.seen:
            assert "2023-10-01" == seen.query["api-version"]
            assert {"read", "caption", "tags"} == set(seen.query["features"].split(","))
            assert "en" == seen.query["language"]
    for line in lines("out.jsonl"):
        analysis = line["analysis"]
        assert {"caption", "lines", "tags"} <= set(analysis)  # type: ignore[arg-type]
        assert 0.004 == line["cost_usd"]  # two features of one price group, one of the other


def test_a_wrong_key_ends_the_run_and_says_which_variable(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("azure.ai.vision.imageanalysis", reason="needs the extra azure")
    with azure.image_analysis_double() as service:
        monkeypatch.setenv("VISION_ENDPOINT", service.url)
        monkeypatch.setenv("VISION_KEY", "wrong-key-of-somebody")
        assert 2 == run("--provider", "azure-image-analysis", "--workers", "1")
        assert 1 == len(service.seen)
    err = capsys.readouterr().err
    assert "VISION_KEY" in err
    assert "wrong-key-of-somebody" not in err
