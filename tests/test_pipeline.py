"""The straight line: what is called, what is skipped, what it costs, what is written down."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cloudvision.errors import (
    AuthError,
    BudgetExceededError,
    NotAnImageError,
    ProviderError,
    RejectedError,
    StoppedError,
    ThrottledError,
    UnavailableError,
    UncertainError,
    UnexpectedAnswerError,
)
from cloudvision.gate.verdict import Verdict
from cloudvision.images import Image, Remote
from cloudvision.ledger import Budget, Ledger
from cloudvision.limit import Limiter
from cloudvision.outcome import Analysed, Failed, Skipped
from cloudvision.pipeline import Pipeline
from cloudvision.policy import Policy
from cloudvision.providers.fake import Fake
from cloudvision.raw import Raw
from cloudvision.results import Analysis
from cloudvision.stop import StopSignal
from tests.pictures import png


class Judge:
    """A gate that was told what to think."""

    def __init__(self, score: float) -> None:
        self.score, self.looked = score, 0

    def judge(self, image: Image, /) -> Verdict:
        self.looked += 1
        return Verdict(self.score >= 0.5, self.score, 0.5, "fast", "told 1")


class NoWait(StopSignal):
    """Waits are written down instead of being spent."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)


def test_an_answer_is_typed_costs_its_price_and_says_where_it_comes_from() -> None:
    outcome = Pipeline(Fake(price=1000)).run(png())
    assert isinstance(outcome, Analysed)
    assert outcome.analysis.provenance is not None
    assert ("fake", 0.001, False) == (
        outcome.analysis.provenance.provider,
        outcome.analysis.provenance.cost_usd,
        outcome.analysis.provenance.cached,
    )
    assert hashlib.sha256(png()).hexdigest() == outcome.digest
    assert (100, 100) == (outcome.analysis.width, outcome.analysis.height)


def test_the_same_bytes_are_paid_once_under_any_name(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png())
    fake = Fake(price=1000)
    pipeline = Pipeline(fake)
    first, second = pipeline.run(tmp_path / "a.png"), pipeline.run(png())
    assert isinstance(first, Analysed)
    assert isinstance(second, Analysed)
    assert first.analysis.lines == second.analysis.lines
    assert second.analysis.provenance is not None
    assert (True, 0.0, 1) == (second.analysis.provenance.cached, second.analysis.provenance.cost_usd, fake.calls)


def test_a_picture_that_is_not_worth_it_is_not_called_for() -> None:
    fake = Fake()
    outcome = Pipeline(fake, gate=Judge(0.2)).run(png())
    assert isinstance(outcome, Skipped)
    assert (0.2, 0) == (outcome.verdict.score, fake.calls)


def test_what_is_paid_for_already_is_not_judged() -> None:
    with Ledger() as ledger:
        Pipeline(Fake(), ledger=ledger).run(png())
        judge = Judge(0.0)
        outcome = Pipeline(Fake(), ledger=ledger, gate=judge).run(png())
    assert isinstance(outcome, Analysed)
    assert 0 == judge.looked


def test_another_fingerprint_is_another_answer() -> None:
    fake = Fake(fingerprint="2")
    with Ledger() as ledger:
        Pipeline(Fake(), ledger=ledger).run(png())
        Pipeline(fake, ledger=ledger).run(png())
    assert 1 == fake.calls


def test_a_share_of_the_skips_is_called_to_audit_the_gate() -> None:
    fake = Fake(script=[Analysis(lines=())] * 200)  # with text in it the gate would back off
    pipeline = Pipeline(fake, gate=Judge(0.1), policy=Policy(audit=0.25))
    outcomes = [pipeline.run(png(n)) for n in range(200)]
    audited = [outcome for outcome in outcomes if isinstance(outcome, Analysed)]
    assert all(outcome.audited for outcome in audited)
    assert fake.calls == len(audited)
    assert 30 <= len(audited) <= 70  # 50 expected; the draw depends on the pictures alone, so this never changes
    again = Pipeline(Fake(script=[Analysis(lines=())] * 200), gate=Judge(0.1), policy=Policy(audit=0.25))
    assert [type(again.run(png(n))) for n in range(200)] == [type(outcome) for outcome in outcomes]


@pytest.mark.parametrize(("score", "chance"), [(0.1, 0.25), (0.9, 1.0), (None, None)])
def test_every_entry_says_how_likely_its_picture_was_to_be_called(score: float | None, chance: float | None) -> None:
    with Ledger() as ledger:
        run = ledger.begin_run("x", command="x", provider="fake")
        gate = None if score is None else Judge(score)
        pipeline = Pipeline(Fake(), gate=gate, ledger=ledger, run_id=run.id, policy=Policy(audit=0.25))
        for position in range(20):
            pipeline.run(png(position), position=position)
        assert {chance} == {entry.propensity for entry in ledger.progress(run.id)}


def test_a_gate_that_misses_what_is_worth_a_call_backs_off_says_so_and_calls_more(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with Ledger() as ledger:
        run = ledger.begin_run("x", command="x", provider="fake")
        gate, policy = Judge(0.4), Policy(audit=0.25)  # the fake reads two words in every picture
        pipeline = Pipeline(Fake(), gate=gate, ledger=ledger, run_id=run.id, policy=policy)
        outcomes = [pipeline.run(png(n), position=n) for n in range(60)]
        skipped = [n for n, outcome in enumerate(outcomes) if isinstance(outcome, Skipped)]
        audited = [outcome for outcome in outcomes if isinstance(outcome, Analysed) and outcome.audited]
        assert 5 == len(audited)
        assert max(skipped) < 40, "after five audited skips with text all is called"
        assert "its threshold goes from 0.5000 down to 0.4000" in caplog.text.lower()
        later = outcomes[-1].verdict
        assert later == Verdict(True, 0.4, 0.4, "fast", "told 1")
        # Taken up again, the run goes on with the threshold that it had come to.
        again = Pipeline(Fake(), gate=gate, ledger=ledger, run_id=run.id, policy=policy)
        for entry in ledger.progress(run.id):
            again.replay(entry)
        assert isinstance(again.run(png(1000), position=60), Analysed)


def test_transient_errors_are_tried_again_and_cost_nothing() -> None:
    stop = NoWait()
    throttled = ThrottledError("slow down", provider="fake", retry_after=3)
    down = UnavailableError("no connection", provider="fake", billed=False)
    with Ledger() as ledger:
        fake = Fake(script=[throttled, down], price=1000)
        pipeline = Pipeline(fake, ledger=ledger, stop=stop, limiter=StillLimiter())
        assert isinstance(pipeline.run(png()), Analysed)
        assert {"released": (2, 0), "settled": (1, 1000)} == spent(ledger)
    assert 3 <= stop.waits[0] <= 3.3


class StillLimiter(Limiter):
    """Takes note of pauses without waiting for them."""

    def acquire(self) -> int:
        return 1


def spent(ledger: Ledger) -> dict[str, tuple[int, int]]:
    return {state: (number, micros) for state, number, micros in ledger.attempts()}


def test_a_time_out_may_have_been_billed_and_counts_until_somebody_knows() -> None:
    timed_out = UnavailableError("no answer within 60 s", provider="fake", billed=None)
    with Ledger() as ledger:
        pipeline = Pipeline(Fake(script=[timed_out], price=1000), ledger=ledger, stop=NoWait())
        assert isinstance(pipeline.run(png()), Analysed)
        assert {"uncertain": (1, 1000), "settled": (1, 1000)} == spent(ledger)


def test_an_uncertain_call_is_kept_when_asked_for() -> None:
    timed_out = UnavailableError("no answer within 60 s", provider="fake", billed=None)
    fake = Fake(script=[timed_out], price=1000)
    outcome = Pipeline(fake, stop=NoWait(), policy=Policy(uncertain="keep")).run(png())
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, UncertainError)
    assert 1 == fake.calls


def test_a_refused_picture_is_a_settled_outcome_with_its_cost() -> None:
    refused = RejectedError("image too large", provider="fake", status=400, billed=True)
    fake = Fake(script=[refused, None], price=1000)
    with Ledger() as ledger:
        pipeline = Pipeline(fake, ledger=ledger)
        first, second = pipeline.run(png()), pipeline.run(png())
        assert isinstance(first, Failed)
        assert isinstance(second, Failed)
        assert ("RejectedError", 0.001, 0.0, 1) == (
            type(second.error).__name__, first.cost_usd, second.cost_usd, fake.calls,
        )  # fmt: skip
        again = Pipeline(fake, ledger=ledger, policy=Policy(again="refused"), began=ledger_time_later())
        assert isinstance(again.run(png()), Analysed)


def ledger_time_later() -> float:
    return time.time() + 60


def test_an_answer_of_unknown_shape_is_paid_kept_and_not_paid_again() -> None:
    fake = Fake(script=[Raw(body="<html>a login page</html>"), None], price=1000)
    with Ledger() as ledger:
        pipeline = Pipeline(fake, ledger=ledger)
        first, second = pipeline.run(png()), pipeline.run(png())
        assert isinstance(first, Failed)
        assert isinstance(second, Failed)
        assert isinstance(second.error, UnexpectedAnswerError)
        assert (0.001, 0.0, 1) == (first.cost_usd, second.cost_usd, fake.calls)
        assert {"settled": (1, 1000)} == spent(ledger)
        again = Pipeline(fake, ledger=ledger, policy=Policy(again="refused"), began=ledger_time_later())
        assert isinstance(again.run(png()), Analysed)


def test_everything_is_called_once_more_when_asked_for() -> None:
    fake = Fake()
    with Ledger() as ledger:
        Pipeline(fake, ledger=ledger).run(png())
        again = Pipeline(fake, ledger=ledger, policy=Policy(again="all"))
        outcomes = [again.run(png()), again.run(png())]
    assert 2 == fake.calls
    assert [False, True] == [o.analysis.provenance.cached for o in outcomes]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("source", "kind"),
    [(b"", NotAnImageError), (b"<!doctype html><html></html>", NotAnImageError)],
)
def test_bad_input_is_a_failed_outcome_and_no_call(source: bytes, kind: type[Exception]) -> None:
    fake = Fake()
    outcome = Pipeline(fake).run(source)
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, kind)
    assert 0 == fake.calls


def test_a_fatal_error_is_raised() -> None:
    wrong_key = AuthError("wrong key", provider="fake", status=401)
    with Ledger() as ledger:
        with pytest.raises(AuthError):
            Pipeline(Fake(script=[wrong_key], price=1000), ledger=ledger).run(png())
        assert {"released": (1, 0)} == spent(ledger)


def test_nothing_is_sent_that_the_budget_does_not_hold() -> None:
    fake = Fake(price=1000)
    pipeline = Pipeline(fake, policy=Policy(budget=Budget(ledger=2500)))
    assert isinstance(pipeline.run(png(1)), Analysed)
    assert isinstance(pipeline.run(png(2)), Analysed)
    with pytest.raises(BudgetExceededError):
        pipeline.run(png(3))
    assert isinstance(pipeline.run(png(1)), Analysed)  # what is there already needs no budget
    assert 2 == fake.calls


def test_a_bug_is_a_traceback_and_leaves_the_call_uncertain() -> None:
    class Buggy(Fake):
        def call(self, image: Image | Remote, /) -> Raw:
            raise ZeroDivisionError

    with Ledger() as ledger:
        with pytest.raises(ZeroDivisionError):
            Pipeline(Buggy(price=1000), ledger=ledger).run(png())
        assert {"uncertain": (1, 1000)} == spent(ledger)


def test_a_picture_without_a_digest_is_called_every_time_and_its_answer_kept() -> None:
    fake = Fake(price=1000)
    remote = Remote("s3://bucket/key", bucket="bucket", key="key")
    with Ledger() as ledger:
        run = ledger.begin_run("x", command="x", provider="fake")
        pipeline = Pipeline(fake, gate=Judge(0.0), ledger=ledger, run_id=run.id)
        first, second = (pipeline.run(remote, position=n) for n in range(2))
        assert isinstance(first, Analysed)
        assert isinstance(second, Analysed)
        assert (None, 2) == (first.digest, fake.calls)
        replayed = [pipeline.replay(entry) for entry in ledger.progress(run.id)]
    assert [first.analysis.lines] * 2 == [outcome.analysis.lines for outcome in replayed]  # type: ignore[union-attr]


@pytest.mark.parametrize("source", [lambda: png(1), lambda: b"nothing"])
def test_a_stopped_pipeline_starts_nothing(source: Callable[[], bytes]) -> None:
    stop = StopSignal()
    stop.set()
    with pytest.raises(StoppedError):
        Pipeline(Fake(), stop=stop).run(source())


def test_errors_of_providers_say_when_nobody_knows_whether_they_were_billed() -> None:
    assert UnavailableError("x", provider="fake").billed is None
    assert ProviderError("x", provider="fake").billed is False
