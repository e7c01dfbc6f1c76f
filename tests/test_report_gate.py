"""What `report` says of the gate: live recall by the audit, drift of scores, backing off."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np
import pytest

from cloudvision.gate.drift import reference_of
from cloudvision.gate.verdict import Verdict
from cloudvision.images import Image, load
from cloudvision.ledger import Entry
from cloudvision.pipeline import Pipeline
from cloudvision.policy import Policy
from cloudvision.providers.fake import Fake
from cloudvision.report import Calibrated, report, rows
from cloudvision.results import Analysis
from tests.ledgers import Opener
from tests.pictures import png


class Judge:
    """Scores pictures from 0 to 1 in the order of their numbers, and calls the upper half."""

    def judge(self, image: Image, /) -> Verdict:
        score = int(image.digest[:8], 16) / 16**8
        return Verdict(score >= 0.5, score, 0.5, "fast", "told 1")


def audited_run(
    open_ledger: Opener, *, pictures: int = 200, audit: float = 0.5, found: bool = False
) -> Callable[..., object]:
    """`report` of a run whose gate finds everything, or (with `found`) skips as much text as it calls."""
    ledger = open_ledger()
    run = ledger.begin_run("x", command="x", provider="fake")
    plain = Analysis(lines=())
    judge = Judge()
    for position in range(pictures):
        image = load(png(position))
        low = judge.judge(image).score < 0.5
        fake = Fake(answers={image.digest: plain} if low and not found else {})
        pipeline = Pipeline(fake, gate=judge, ledger=ledger, run_id=run.id, policy=Policy(audit=audit))
        pipeline.run(image, position=position)

    def worth(entry: Entry) -> bool | None:
        stored = ledger.answer(entry.key or "")
        assert stored is not None
        assert stored.raw is not None
        return bool(Fake().parse(stored.raw).lines)

    return lambda **more: report(ledger, run=run.id, worth=worth, **more)


def test_an_audit_that_finds_nothing_certifies_a_recall(open_ledger: Opener) -> None:
    told = audited_run(open_ledger)().gate  # type: ignore[attr-defined]
    assert told.live.recall.value == 1.0
    assert 0.9 < told.live.recall.low < 1.0
    assert told.live.called_positives + told.live.called_negatives + told.live.audited < 200
    assert told.live.savings.value == 1.0


def test_an_audit_that_finds_as_much_as_was_called_says_so(open_ledger: Opener) -> None:
    figures = audited_run(open_ledger, found=True)()
    found = figures.gate.live  # type: ignore[attr-defined]
    assert found.recall.low <= found.called_positives / 200 < found.recall.high < 0.7
    assert found.missed.value == found.found / 0.5
    told = dict(rows(figures))  # type: ignore[arg-type]
    assert "certified: at least" in told["live recall"]
    assert f"{found.found} seen" in told["missed by the gate"]
    assert "score drift" not in told


def test_without_an_audit_nothing_is_claimed(open_ledger: Opener) -> None:
    ask = audited_run(open_ledger, pictures=20, audit=0.0)
    figures = ask()
    assert figures.gate is None  # type: ignore[attr-defined]
    reference = reference_of(np.linspace(0, 1, 50))
    assert ask(calibrated=Calibrated("told 1", reference)).gate.live is None  # type: ignore[attr-defined]
    assert "live recall" not in dict(rows(figures))  # type: ignore[arg-type]


@pytest.mark.parametrize(("power", "words"), [(1.0, "none"), (4.0, "large")])
def test_scores_are_compared_with_those_of_the_calibration_set(open_ledger: Opener, power: float, words: str) -> None:
    reference = reference_of(np.random.default_rng(0).random(5_000) ** power)
    ask = audited_run(open_ledger)
    found = ask(calibrated=Calibrated("told 1", reference)).gate.drift  # type: ignore[attr-defined]
    assert (found.words, found.pictures) == (words, 200)
    assert ask(calibrated=Calibrated("another 1", reference)).gate.drift is None  # type: ignore[attr-defined]


def test_a_gate_that_backed_off_is_told_of(open_ledger: Opener) -> None:
    ledger = open_ledger()
    run = ledger.begin_run("x", command="x", provider="fake")
    for position, threshold in enumerate((0.5, 0.5, 0.2, 0.2)):
        kind: Literal["analysed", "skipped"] = "analysed" if position == 3 else "skipped"
        judged = Entry(position, "a", kind, str(position), score=0.1, threshold=threshold, model="m", propensity=0.1)
        ledger.record(run.id, replace(judged, audited=position == 3))
    figures = report(ledger, run=run.id, worth=lambda _: None)
    assert figures.gate is not None
    assert figures.gate.backed_off == (0.5, 0.2)
    assert "from 0.5000 down to 0.2000" in dict(rows(figures))["the gate backed off"]


def test_json_has_null_where_there_is_nothing_to_divide_by(open_ledger: Opener) -> None:
    figures = audited_run(open_ledger, pictures=6, audit=1.0)()
    text = json.dumps(figures.to_json(), allow_nan=False)  # type: ignore[attr-defined]
    assert "gate" in json.loads(text)
