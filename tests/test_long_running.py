"""A paid analysis is never paid again: not after a crash, a stop, a failed poll, or by another process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cloudvision import images
from cloudvision.errors import AuthError, StoppedError, UncertainError, UnfinishedError
from cloudvision.ledger import Ledger
from cloudvision.ledger_store import LedgerStore
from cloudvision.limit import Limiter
from cloudvision.outcome import Analysed, Failed
from cloudvision.pipeline import Pipeline
from cloudvision.policy import Policy
from cloudvision.providers.azure_document_intelligence import AzureDocumentIntelligence
from cloudvision.retry import RetryPolicy
from cloudvision.stop import StopSignal
from tests.document_double import KEY, Double, Patient, Reply, Watch, document_double, error, failure, inner, running
from tests.document_files import document
from tests.ledgers import Opener
from tests.pictures import png

ONCE = Policy(retry=RetryPolicy(attempts=1))


@pytest.fixture
def double() -> Iterator[Double]:
    with document_double() as started:
        yield started


def line(double: Double, ledger: LedgerStore, *, stop: StopSignal | None = None, policy: Policy = ONCE) -> Pipeline:
    provider = AzureDocumentIntelligence(endpoint=double.url, key=KEY)
    return Pipeline(provider, ledger=ledger, policy=policy, stop=stop or Patient(Watch()))


def attempts(ledger: LedgerStore) -> dict[str, tuple[int, int]]:
    return {state: (number, micros) for state, number, micros in ledger.attempts()}


def test_a_document_goes_down_the_line_and_is_paid_by_its_pages(double: Double, open_ledger: Opener) -> None:
    ledger, double.pages = open_ledger(), 3
    pipeline = line(double, ledger)
    pdf = images.load(document("a", "b", "c"), documents=True)
    outcome = pipeline.run(pdf)
    assert isinstance(outcome, Analysed)
    assert outcome.analysis.provenance is not None
    assert 0.0045 == outcome.analysis.provenance.cost_usd
    again = pipeline.run(pdf)
    assert isinstance(again, Analysed)
    assert 1 == len(double.posts)
    assert {"settled": (1, 4500)} == attempts(ledger)


def test_a_stop_while_waiting_costs_nothing_more(double: Double, open_ledger: Opener) -> None:
    ledger = open_ledger()
    double.answer_polls(*[running()] * 3)
    with pytest.raises(StoppedError):
        line(double, ledger, stop=Patient(Watch(), thrown_after=2)).run(png())
    assert {"uncertain": (1, 1500)} == attempts(ledger)
    assert isinstance(line(double, ledger).run(png()), Analysed)
    assert 1 == len(double.posts)
    assert {"settled": (1, 1500)} == attempts(ledger)


def test_what_is_pending_is_asked_for_also_where_uncertain_calls_are_kept(double: Double, open_ledger: Opener) -> None:
    ledger = open_ledger()
    with pytest.raises(StoppedError):
        line(double, ledger, stop=Patient(Watch(), thrown_after=0)).run(png())
    keep = replace(ONCE, uncertain="keep", again="all")
    assert isinstance(line(double, ledger, policy=keep).run(png()), Analysed)
    assert 1 == len(double.posts)


def test_polls_that_fail_leave_the_answer_for_the_next_attempt(double: Double, open_ledger: Opener) -> None:
    ledger = open_ledger()
    double.answer_polls(*[error(503, "ServiceUnavailable", "down")] * 5)
    outcome = line(double, ledger, policy=replace(ONCE, retry=RetryPolicy(attempts=2))).run(png())
    assert isinstance(outcome, Analysed)
    assert 1 == len(double.posts)


def test_a_wait_without_end_is_a_failed_source_that_is_taken_up_later(double: Double, open_ledger: Opener) -> None:
    ledger = open_ledger()
    double.answer_polls(running(retry_after="9999"))
    outcome = line(double, ledger).run(png())
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, UnfinishedError)
    assert isinstance(line(double, ledger).run(png()), Analysed)
    assert 1 == len(double.posts)


def test_a_key_that_is_withdrawn_while_waiting_does_not_lose_what_is_paid(double: Double, open_ledger: Opener) -> None:
    ledger = open_ledger()
    double.answer_polls(error(401, "401", "Access denied"))
    with pytest.raises(AuthError):
        line(double, ledger).run(png())
    assert isinstance(line(double, ledger).run(png()), Analysed)
    assert 1 == len(double.posts)


def test_an_answer_that_is_gone_is_paid_again_only_where_that_is_allowed(double: Double, open_ledger: Opener) -> None:
    ledger = open_ledger()
    with pytest.raises(StoppedError):
        line(double, ledger, stop=Patient(Watch(), thrown_after=0)).run(png())
    double.operations.clear()
    keep = replace(ONCE, retry=RetryPolicy(attempts=2), uncertain="keep")
    outcome = line(double, ledger, policy=keep).run(png())
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, UncertainError)
    assert 1 == len(double.posts)
    assert isinstance(line(double, ledger).run(png()), Analysed)
    assert 2 == len(double.posts)
    assert {"uncertain": (1, 1500), "settled": (1, 1500)} == attempts(ledger)


def test_a_document_that_cannot_be_analysed_is_a_refusal_of_its_own(double: Double, open_ledger: Opener) -> None:
    ledger = open_ledger()
    double.answer_polls(failure("InvalidRequest", "InvalidContent", "corrupted"))
    for _ in range(2):
        outcome = line(double, ledger).run(png())
        assert isinstance(outcome, Failed)
        assert "corrupted" in str(outcome.error)
    assert 1 == len(double.posts)
    assert {"settled": (1, 0)} == attempts(ledger)


def test_a_service_that_breaks_over_a_document_is_asked_anew(double: Double, open_ledger: Opener) -> None:
    ledger = open_ledger()
    double.answer_polls(failure("InternalServerError", "InternalServerError", "oops"))
    outcome = line(double, ledger, policy=replace(ONCE, retry=RetryPolicy(attempts=2))).run(png())
    assert isinstance(outcome, Analysed)
    assert 2 == len(double.posts)
    assert {"released": (1, 0), "settled": (1, 1500)} == attempts(ledger)


def test_a_refused_submission_is_booked_like_a_call(double: Double, open_ledger: Opener) -> None:
    ledger = open_ledger()
    double.answer(inner(400, "InvalidRequest", "InvalidContent", "no document"))
    assert isinstance(line(double, ledger).run(png()), Failed)
    double.answer(Reply(202, b""))
    assert isinstance(line(double, ledger).run(png(1)), Failed)
    assert {"settled": (1, 0), "uncertain": (1, 1500)} == attempts(ledger)


def test_polls_have_a_limiter_of_their_own(double: Double, open_ledger: Opener) -> None:
    watch = Watch()
    polls = Limiter(1, bucket="polls", clock=watch, sleep=watch.sleep)
    pipeline = replace(line(double, open_ledger(), stop=Patient(watch)), polls=polls)
    double.answer_polls(*[error(429, "429", "slow down", retry_after="30")] * 2)
    assert isinstance(pipeline.run(png()), Analysed)
    assert (1, 3) == (len(double.posts), len(double.polls))
    assert watch.now >= 60
    assert polls.free() < 1


KILLED = """
import os, sys
from cloudvision.ledger import Ledger
from cloudvision.pipeline import Pipeline
from cloudvision.providers.azure_document_intelligence import AzureDocumentIntelligence
from cloudvision.stop import StopSignal

class Kill(StopSignal):
    def sleep(self, seconds):
        os.kill(os.getpid(), 9)

url, key, ledger, source = sys.argv[1:]
provider = AzureDocumentIntelligence(endpoint=url, key=key)
Pipeline(provider, ledger=Ledger(ledger), stop=Kill()).run(source)
"""


def test_a_process_killed_between_submission_and_answer_has_paid_once(double: Double, tmp_path: Path) -> None:
    picture, path = tmp_path / "a.png", tmp_path / "ledger.db"
    picture.write_bytes(png())
    done = subprocess.run([sys.executable, "-c", KILLED, double.url, KEY, str(path), str(picture)], check=False)
    assert -9 == done.returncode
    assert (1, 0) == (len(double.posts), len(double.polls))
    with Ledger(path) as ledger:
        outcome = line(double, ledger).run(picture)
        assert isinstance(outcome, Analysed)
        assert f"text of {len(png())} bytes" == outcome.analysis.text
        assert (1, 1) == (len(double.posts), len(double.polls))
        assert {"settled": (1, 1500)} == attempts(ledger)
    assert KEY.encode() not in path.read_bytes()


def test_what_another_resource_has_accepted_fails_by_itself_and_holds_nobody_up(
    double: Double, open_ledger: Opener
) -> None:
    ledger = open_ledger()
    with document_double() as other:
        for number in range(7):
            with pytest.raises(StoppedError):
                line(other, ledger, stop=Patient(Watch(), thrown_after=0)).run(png(number))
        pipeline = line(double, ledger)
        for number in range(7):
            outcome = pipeline.run(png(number))
            assert isinstance(outcome, Failed)
            assert isinstance(outcome.error, UncertainError)
        assert isinstance(pipeline.run(png(99)), Analysed)
        assert 1 == len(double.posts)
        assert isinstance(line(other, ledger).run(png(0)), Analysed)
        assert 7 == len(other.posts)
