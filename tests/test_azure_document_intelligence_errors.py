"""Every way in which Document Intelligence says no, or nothing, as an error of ours."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cloudvision import images
from cloudvision.errors import (
    AuthError,
    CloudVisionError,
    ProviderError,
    RejectedError,
    ResultLostError,
    SettingsRejectedError,
    ThrottledError,
    UnavailableError,
    UncertainError,
    UnexpectedAnswerError,
    UnfinishedError,
)
from cloudvision.pending import Pending
from cloudvision.polling import Polling
from cloudvision.providers._options import Options
from cloudvision.providers.azure_document_intelligence import AzureDocumentIntelligence
from cloudvision.raw import Raw
from tests.document_double import KEY, Double, Reply, Watch, document_double, error, failure, inner, running
from tests.pictures import png

F0_USED_UP = "Out of call volume quota for FormRecognizer F0 pricing tier. Please retry after 1 day."


@pytest.fixture
def double() -> Iterator[Double]:
    with document_double() as started:
        yield started


def azure(
    double: Double, *, watch: Watch | None = None, key: str = KEY, longest_s: float = 60
) -> AzureDocumentIntelligence:
    time = watch or Watch()
    polling = Polling(clock=time, sleep=time.sleep, longest_s=longest_s)
    options = Options(timeout_s=0.5, connect_timeout_s=0.5)
    return AzureDocumentIntelligence(endpoint=double.url, key=key, options=options, polling=polling)


def refused(double: Double, reply: Reply) -> CloudVisionError:
    double.answer(reply)
    with pytest.raises(CloudVisionError) as caught:
        azure(double).call(images.load(png()))
    assert 1 == len(double.posts)
    assert [] == double.polls
    return caught.value


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (inner(400, "InvalidRequest", "InvalidContent", "The file is corrupted."), RejectedError, "corrupted"),
        (inner(400, "InvalidRequest", "InvalidContentDimensions", "too small"), RejectedError, "too small"),
        (inner(400, "InvalidRequest", "InvalidContentLength", "too large"), RejectedError, "too large"),
        (inner(400, "InvalidRequest", "ContentSourceNotAccessible", "no access"), RejectedError, "no access"),
        (inner(400, "InvalidRequest", "InvalidSasToken", "expired"), RejectedError, "expired"),
        (inner(400, "InvalidRequest", "ContentSourceTimeout", "timed out"), UnavailableError, "timed out"),
        (
            inner(400, "InvalidArgument", "InvalidParameter", "The parameter Locale is invalid"),
            SettingsRejectedError,
            "",
        ),
        (inner(400, "InvalidArgument", "InvalidParameter", "The parameter Pages is invalid"), RejectedError, "Pages"),
        (inner(400, "InvalidRequest", "NotSupportedApiVersion", "no"), SettingsRejectedError, ""),
        (
            inner(404, "NotFound", "ModelNotFound", "The requested model was not found."),
            SettingsRejectedError,
            "--model",
        ),
        (inner(409, "Conflict", "ModelNotReady", "still building"), SettingsRejectedError, "until it is built"),
        (error(401, "401", "Access denied"), AuthError, "DOCUMENT_INTELLIGENCE_KEY is wrong"),
        (inner(403, "Forbidden", "OutboundAccessForbidden", "no way out"), AuthError, "network rules"),
        (error(403, "403", "Out of call volume quota for F0 pricing tier."), AuthError, "quota"),
        (error(429, "429", F0_USED_UP, retry_after="86400"), AuthError, "used up"),
        (error(403, "403", F0_USED_UP), AuthError, "quota"),
        (error(404, "404", "Resource not found"), AuthError, "check DOCUMENT_INTELLIGENCE_ENDPOINT"),
        (error(405, "MethodNotAllowed", "no"), AuthError, "ENDPOINT"),
        (Reply(302, b"", {"location": "https://elsewhere.example/"}), AuthError, "ENDPOINT"),
        (error(410, "Gone", "API version is retired"), AuthError, "update cloudvision-gate"),
        (inner(415, "UnsupportedMediaType", "UnsupportedContent", "not supported"), RejectedError, "not supported"),
        (error(429, "429", "Please retry after 58 seconds.", retry_after="58"), ThrottledError, "too many requests"),
        (error(500, "InternalServerError", "broke"), UnavailableError, "broke"),
        (error(503, "ServiceUnavailable", "later", retry_after="3"), UnavailableError, "later"),
        (Reply(502, "<html>Bad Gateway</html>"), UnavailableError, "Bad Gateway"),
        (Reply(202, b"", {"apim-request-id": "1"}), UnexpectedAnswerError, "no place where the answer will be"),
        (Reply(202, b"", {"operation-location": "https://a.example/"}), UnexpectedAnswerError, "no place"),
        (Reply(200, "<html>log in</html>"), UnexpectedAnswerError, "no place"),
        (Reply(act="hang"), UnavailableError, "no answer"),
    ],
    ids=lambda value: "",
)
def test_a_refused_document_is_the_error_that_it_is(double: Double, reply: Reply, kind: type, words: str) -> None:
    caught = refused(double, reply)
    assert type(caught) is kind
    assert words in str(caught)


def test_a_wrong_key_is_told_from_a_key_of_another_kind_of_resource(double: Double) -> None:
    with pytest.raises(AuthError, match="is wrong"):
        azure(double, key="0" * 32).call(images.load(png()))
    text = "is not supported with the current subscription key and pricing tier OpenAI.S0."
    caught = refused_again(double, error(401, "401", text))
    assert "those of a Document Intelligence or Azure AI services resource" in str(caught)


def refused_again(double: Double, reply: Reply) -> CloudVisionError:
    double.seen.clear()
    return refused(double, reply)


def test_a_throttled_submission_says_how_long_to_wait(double: Double) -> None:
    caught = refused(double, error(429, "429", "slow down", retry_after="58"))
    assert isinstance(caught, ThrottledError)
    assert (58.0, False) == (caught.retry_after, caught.billed)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (failure("InvalidRequest", "InvalidContent", "The file is password protected."), RejectedError),
        (failure("InternalServerError", "InternalServerError", "An unexpected error occurred."), UnavailableError),
        (Reply(200, {"status": "canceled"}), RejectedError),
    ],
)
def test_an_analysis_that_fails_is_an_error_although_the_status_is_200(
    double: Double, reply: Reply, kind: type[ProviderError]
) -> None:
    double.answer_polls(running(), reply)
    with pytest.raises(kind) as caught:
        azure(double).call(images.load(png()))
    assert type(caught.value) is kind
    assert (200, False) == (caught.value.status, caught.value.billed)
    assert 1 == len(double.posts)


def test_the_details_of_a_failure_are_told(double: Double) -> None:
    details = [{"code": "InvalidContent", "message": "page 2 is broken", "target": "2"}]
    told = {"code": "InvalidRequest", "message": "Invalid request.", "details": details}
    with pytest.raises(RejectedError, match="page 2 is broken") as caught:
        AzureDocumentIntelligence().parse(Raw(Reply(200, {"status": "failed", "error": told}).data().decode()))
    assert "InvalidContent" == caught.value.code


def test_a_throttled_poll_waits_and_never_submits_again(double: Double) -> None:
    watch = Watch()
    throttled = error(429, "429", "slow down", retry_after="20")
    double.answer_polls(throttled, throttled, throttled, throttled, throttled, throttled)
    raw = azure(double, watch=watch, longest_s=600).call(images.load(png()))
    assert 200 == raw.status
    assert (1, 7) == (len(double.posts), len(double.polls))
    assert [1.0, *[20.0] * 6] == watch.slept


@pytest.mark.parametrize(
    "reply",
    [
        error(500, "InternalServerError", "broke"),
        Reply(200, "<html>a proxy</html>"),
        Reply(200, '{"status": "succ'),
        Reply(act="hang"),
    ],
    ids=["500", "html", "cut", "hang"],
)
def test_a_poll_that_goes_wrong_is_repeated_and_the_answer_still_comes(double: Double, reply: Reply) -> None:
    double.answer_polls(reply)
    assert 200 == azure(double).call(images.load(png())).status
    assert (1, 2) == (len(double.posts), len(double.polls))


def test_polls_that_all_fail_leave_the_analysis_to_be_asked_for_later(double: Double) -> None:
    double.answer_polls(*[error(503, "ServiceUnavailable", "down")] * 5)
    provider = azure(double)
    pending = provider.submit(images.load(png()))
    with pytest.raises(UnfinishedError, match=r"cannot be asked for .*the same command takes its answer later"):
        provider.resume(pending)
    assert f"text of {len(png())} bytes" == provider.parse(provider.resume(pending)).text
    assert 1 == len(double.posts)


def test_the_wait_ends_at_its_deadline(double: Double) -> None:
    watch = Watch()
    double.answer_polls(*[running(retry_after="25")] * 9)
    with pytest.raises(UnfinishedError, match="not finished after 60 s"):
        azure(double, watch=watch).call(images.load(png()))
    assert [1.0, 25.0, 25.0] == watch.slept


def test_what_another_resource_has_accepted_is_not_asked_for_here(double: Double) -> None:
    theirs = Pending("https://west.example/formrecognizer/documentModels/m/analyzeResults/1", 0.0, 1e12)
    with pytest.raises(UncertainError, match=r"west\.example has accepted this document .*ledger resolve"):
        azure(double).resume(theirs)
    assert [] == double.seen


def test_an_operation_that_the_service_does_not_know_is_lost(double: Double) -> None:
    gone = Pending(f"{double.url}/formrecognizer/documentModels/m/analyzeResults/gone", 0.0, 1e12)
    with pytest.raises(ResultLostError, match="does not have this analysis") as caught:
        azure(double).resume(gone)
    assert ("OperationNotFound", None) == (caught.value.code, caught.value.billed)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"status":"succeeded","analyzeResult":{"version":"2.1.0","readResults":[]}}', "of API v2.1.0"),
        ('{"status":"succeeded","recognitionResults":[]}', "of API v1 or v2"),
        ('{"status":"running"}', "not finished"),
        ('{"status":"succeeded"}', "no result in it"),
        ('{"status":"succeeded","analyzeResult":{"content":""}}', "no pages"),
        ('{"operationId":"1","kind":"documentModelBuild","status":"succeeded"}', "operation on a model"),
    ],
)
def test_another_shape_is_named(body: str, words: str) -> None:
    with pytest.raises(UnexpectedAnswerError, match=words):
        AzureDocumentIntelligence().parse(Raw(body))


def test_no_key_stands_in_any_error(double: Double) -> None:
    for reply in (error(401, "401", f"key {KEY[:4]}"), error(500, "x", "y")):
        assert KEY not in str(refused_again(double, reply))
    assert KEY not in repr(azure(double))
