"""An estimate: how many calls, what they cost, how sure that is, and that nobody is called for it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudvision import images
from cloudvision.cli import main
from cloudvision.estimate import Estimate, estimate, rows
from cloudvision.gate.verdict import Verdict
from cloudvision.images import Image
from cloudvision.pipeline import Pipeline
from cloudvision.policy import Policy
from cloudvision.provider import open_provider
from cloudvision.providers._options import Options
from cloudvision.providers.fake import Fake
from tests.document_files import document
from tests.pictures import png


class EverySecond:
    """A gate that finds pictures with an even digest worth a call."""

    def judge(self, image: Image, /) -> Verdict:
        score = 1.0 - int(image.digest, 16) % 2
        return Verdict(score >= 0.5, score, 0.5, "fast", "told 1")


def made(number: int, *, first: int = 0) -> Iterator[bytes]:
    return (png(n, side=4) for n in range(first, first + number))


def figures(pipeline: Pipeline, number: int, **settings: int) -> Estimate:
    return estimate(pipeline, made(number), workers=2, **settings)


def test_documents_are_priced_by_their_pages() -> None:
    asked = open_provider("azure-document-intelligence", Options(model="prebuilt-invoice", pages="1-2"), env={})
    found = estimate(Pipeline(asked), [document("a", "b", "c"), document("d")], workers=1)
    assert (2, 0.03) == (found.calls.expected, found.cost_usd.expected)
    assert ["azure-document-intelligence/prebuilt"] == [line.operation for line in found.prices]


def test_a_list_that_fits_into_the_sample_is_counted_exactly() -> None:
    fake = Fake(price=1000)
    pipeline = Pipeline(fake, gate=EverySecond())
    found = figures(pipeline, 40)
    worth = sum(int(images.load(data).digest, 16) % 2 == 0 for data in made(40))
    assert found.exact
    assert (40, 40, worth, 40 - worth) == (
        found.entries,
        found.sampled,
        found.calls.expected,
        found.skipped.expected,
    )
    assert found.cost_usd.low == found.cost_usd.high == pytest.approx(worth / 1000)
    assert pytest.approx((40 - worth) / 1000) == found.saved_usd.expected
    assert 0 == fake.calls


def test_the_interval_of_a_sample_holds_the_truth_about_as_often_as_it_says() -> None:
    pipeline = Pipeline(Fake(price=1000), gate=EverySecond())
    truth = figures(pipeline, 300, sample=300).calls.expected
    drawn = [figures(pipeline, 300, sample=40, seed=seed) for seed in range(60)]
    held = sum(one.calls.low <= truth <= one.calls.high for one in drawn)
    assert held >= 54  # 57 expected of 60 at 95 %; by chance below 54 once in 40 without the gain of a finite list
    assert len({one.calls.expected for one in drawn}) > 5
    assert all(0 <= one.calls.low < one.calls.expected < one.calls.high <= 300 for one in drawn)


def test_what_the_ledger_knows_costs_nothing_and_copies_are_paid_once() -> None:
    pipeline = Pipeline(Fake(price=1000))
    for data in made(3):
        pipeline.run(data)
    found = estimate(pipeline, [*made(5), *made(5)], workers=2)
    assert (2, 8) == (found.calls.expected, found.answered.expected)


def test_what_cannot_be_loaded_is_counted_and_is_no_call() -> None:
    found = estimate(Pipeline(Fake()), [b"<html>", *made(2)], workers=1)
    assert (1, 2) == (found.failed.expected, found.calls.expected)


def test_the_audit_calls_for_some_of_the_skips() -> None:
    pipeline = Pipeline(Fake(), gate=EverySecond(), policy=Policy(audit=1.0))
    assert 20 == figures(pipeline, 20).calls.expected


@pytest.mark.parametrize(
    ("provider", "features", "position", "usd"),
    [
        ("aws-rekognition", (), 0, 0.010),
        ("aws-rekognition", (), 999_995, 0.005 + 0.004),  # five at the first tier, five at the second
        ("azure-image-analysis", ("read", "caption", "tags"), 0, 10 * (0.0015 * 2 + 0.001)),
        ("azure-image-analysis", ("read", "tags"), 2_000_000, 10 * (0.0006 + 0.00065)),
        ("local-ocr", (), 0, 0.0),
    ],
)
def test_tiers_and_features_are_priced(provider: str, features: tuple[str, ...], position: int, usd: float) -> None:
    pipeline = Pipeline(open_provider(provider, Options(features=features), env={}))
    pictures = [png(n, side=100) for n in range(10)]
    found = estimate(pipeline, pictures, position=position, workers=1)
    assert pytest.approx(usd) == found.cost_usd.expected
    assert found.tiered


def test_the_words_say_what_the_interval_is() -> None:
    found = figures(Pipeline(Fake(), gate=EverySecond()), 100, sample=30)
    assert "30: 95 % Wilson intervals of the sample's shares" == dict(rows(found))["looked at"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    for n in range(4):
        (tmp_path / "in" / f"{n}.png").write_bytes(png(n))
    return tmp_path


def command(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["cloudvision", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_the_report_sets_the_estimate_beside_what_happened(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ("in", "--provider", "fake", "--no-gate", "--limit", "3")
    assert 0 == command(monkeypatch, "estimate", *flags, "--json")
    assert 3 == json.loads(capsys.readouterr().out)["calls"]["expected"]
    assert 0 == command(monkeypatch, "run", *flags)
    capsys.readouterr()
    assert 0 == command(monkeypatch, "report", "--json")
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    assert (3, 3) == (run["called"], run["foreseen"]["calls"])
    assert 0 == command(monkeypatch, "report")
    assert "estimated" in capsys.readouterr().out


def test_a_run_with_other_flags_was_not_foreseen(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 0 == command(monkeypatch, "estimate", "in", "--provider", "fake", "--no-gate")
    assert "calls                   4\n" in capsys.readouterr().out
    assert 0 == command(monkeypatch, "run", "in", "--provider", "fake", "--no-gate", "--limit", "2")
    capsys.readouterr()
    assert 0 == command(monkeypatch, "report", "--json")
    assert json.loads(capsys.readouterr().out)["runs"][0].get("foreseen") is None


def test_the_command_counts_the_pages_of_documents_in_a_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "bill").write_bytes(document("a", "b"))
    (tmp_path / "in" / "notes.txt").write_text("no document")
    monkeypatch.chdir(tmp_path)
    flags = ["--provider", "azure-document-intelligence", "--model", "prebuilt-layout", "--no-gate", "--json"]
    assert 0 == command(monkeypatch, "estimate", "in", *flags)
    told = json.loads(capsys.readouterr().out)
    assert (1, 1, 0.02) == (told["entries"], told["calls"]["expected"], told["cost_usd"]["expected"])
    assert 0 == command(monkeypatch, "estimate", "in", "--provider", "aws-rekognition", "--no-gate", "--json")
    assert 0 == json.loads(capsys.readouterr().out)["entries"]
