"""Several accounts of a service that answers later: the one that accepted a document is asked for its answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from cloudvision import images
from cloudvision.errors import ConfigError, ResultLostError, StoppedError, UncertainError
from cloudvision.ledger import Ledger
from cloudvision.long_failover import LongRunningFailover
from cloudvision.outcome import Analysed
from cloudvision.pending import Pending
from cloudvision.pipeline import Pipeline
from cloudvision.polling import Polling
from cloudvision.provider import LongRunning, Provider, ReadsDocuments
from cloudvision.providers.azure_document_intelligence import AzureDocumentIntelligence
from cloudvision.providers.fake import Fake
from tests.document_double import KEY, Double, Patient, Watch, document_double, error
from tests.document_files import document
from tests.pictures import png

WATCH = Watch()
SOON = Polling(clock=WATCH, sleep=WATCH.sleep)


@pytest.fixture
def doubles() -> Iterator[tuple[Double, Double]]:
    with ExitStack() as stack:
        yield stack.enter_context(document_double()), stack.enter_context(document_double())


def group(doubles: tuple[Double, Double], *, keys: tuple[str, str] = (KEY, KEY)) -> LongRunningFailover:
    accounts = zip(("east", "west"), doubles, keys, strict=True)
    return LongRunningFailover(
        [
            (name, AzureDocumentIntelligence(endpoint=double.url, key=key, polling=SOON))
            for name, double, key in accounts
        ]
    )


def test_it_is_all_that_its_accounts_are(doubles: tuple[Double, Double]) -> None:
    both = group(doubles)
    assert isinstance(both, Provider)
    assert isinstance(both, LongRunning)
    assert isinstance(both, ReadsDocuments)
    assert both.document_formats == frozenset({"PDF", "TIFF"})
    with pytest.raises(ConfigError, match="use Failover"):
        LongRunningFailover([("a", Fake())])


def test_the_account_that_accepted_is_asked_for_the_answer(doubles: tuple[Double, Double]) -> None:
    both = group(doubles)
    for number in range(4):
        pending = both.submit(images.load(png(number)))
        assert both.resume(pending).account == pending.account
    assert [2, 2] == [len(double.posts) for double in doubles]
    assert [2, 2] == [len(double.polls) for double in doubles]


def test_a_call_that_one_account_does_not_take_goes_to_the_other(doubles: tuple[Double, Double]) -> None:
    for double in doubles:
        double.answer(error(429, "429", "slow down", retry_after="5"))
    both = group(doubles)
    doubles[1].posts_script.clear()
    accepted = [both.submit(images.load(png(number))).account for number in range(2)]
    assert ["west", "west"] == accepted


def test_an_account_that_is_taken_out_still_gives_what_it_accepted(doubles: tuple[Double, Double]) -> None:
    both = group(doubles)
    pending = [both.submit(images.load(png(number))) for number in range(2)]
    theirs = next(each for each in pending if each.account == "east")
    for number in range(2, 4):
        doubles[0].answer(error(401, "401", "Access denied"))
        both.submit(images.load(png(number)))
    assert ("west",) == both.accounts
    assert "east" == both.resume(theirs).account


def test_what_an_account_accepted_that_is_not_there_can_still_be_had(doubles: tuple[Double, Double]) -> None:
    gone = Pending(f"{doubles[0].url}/formrecognizer/documentModels/m/analyzeResults/1", 0.0, 1e12, account="north")
    with pytest.raises(UncertainError, match="account north has accepted this document"):
        group(doubles).resume(gone)


def test_what_was_accepted_before_there_were_accounts_is_found(doubles: tuple[Double, Double]) -> None:
    alone = AzureDocumentIntelligence(endpoint=doubles[1].url, key=KEY, polling=SOON)
    pending = alone.submit(images.load(png()))
    assert "west" == group(doubles).resume(pending).account
    doubles[1].operations.clear()
    with pytest.raises(UncertainError):
        group(doubles).resume(pending)  # east is another resource, and might have it for all that it says
    with pytest.raises(ResultLostError):
        alone.resume(pending)


def test_a_key_that_no_longer_fits_leaves_the_answer_to_be_had(doubles: tuple[Double, Double]) -> None:
    pending = group(doubles).submit(images.load(png()))
    with pytest.raises(UncertainError, match="is wrong"):
        group(doubles, keys=("0" * 32, "0" * 32)).resume(pending)


def test_a_run_that_was_stopped_goes_on_at_the_same_account(doubles: tuple[Double, Double]) -> None:
    ledger, pdf = Ledger(), document("a", "b")
    with pytest.raises(StoppedError):
        Pipeline(group(doubles), ledger=ledger, stop=Patient(Watch(), thrown_after=0)).run(pdf)
    outcome = Pipeline(group(doubles), ledger=ledger, stop=Patient(Watch())).run(pdf)
    assert isinstance(outcome, Analysed)
    accepted = next(name for name, double in zip(("east", "west"), doubles, strict=True) if double.posts)
    assert outcome.analysis.provenance is not None
    assert accepted == outcome.analysis.provenance.account
    assert 1 == sum(len(double.posts) for double in doubles)
