"""Every refusal of Image Analysis, and every exception of its SDK, is one of our errors."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import azure.core.exceptions as sdk
import azure.identity
import pytest
from azure.core.pipeline.transport import RequestsTransport

from cloudvision import images
from cloudvision.errors import (
    AuthError,
    CloudVisionError,
    ConfigError,
    ProviderError,
    RejectedError,
    SettingsRejectedError,
    ThrottledError,
    UnavailableError,
    UnexpectedAnswerError,
)
from cloudvision.providers._options import Options
from cloudvision.providers.azure_image_analysis import AzureImageAnalysis
from cloudvision.raw import Raw
from tests.image_analysis_double import BILLED, KEY, Double, Reply, error, image_analysis_double
from tests.pictures import png


@pytest.fixture
def double() -> Iterator[Double]:
    with image_analysis_double() as running:
        yield running


def failure(double: Double, *replies: Reply, timeout_s: float = 5.0) -> CloudVisionError:
    double.answer(*replies)
    provider = AzureImageAnalysis(endpoint=double.url, key=KEY, options=Options(timeout_s=timeout_s))
    with pytest.raises(CloudVisionError) as caught:
        provider.call(images.load(png()))
    return caught.value


WRONG_KIND = "This operation is not supported with the current subscription key and pricing tier OpenAI.S0."


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (error(401, "401", "invalid key"), AuthError, "VISION_KEY is wrong"),
        (error(401, "401", WRONG_KIND), AuthError, "another kind of resource, OpenAI.S0"),
        (error(403, "403", "not allowed"), AuthError, "Cognitive Services User"),
        (error(403, "403", "Out of call volume quota."), AuthError, "quota of this pricing tier is used up"),
        (error(404, "404", "Resource not found"), AuthError, "VISION_ENDPOINT"),
        (error(410, "Gone", "retired"), AuthError, "VISION_ENDPOINT"),
        (error(400, "InvalidRequest", "The provided image url is not accessible."), RejectedError, "not accessible"),
        (error(413, "413", "too large"), RejectedError, "too large"),
        (error(415, "415", "content type"), RejectedError, "content type"),
        (error(400, "InvalidRequest", "Caption is not supported in this region"), ConfigError, "another region"),
        (error(408, "408", "slow"), UnavailableError, "408"),
        (error(429, "429", "slow down"), ThrottledError, "slow down"),
        (error(500, "InternalServerError", "broke"), UnavailableError, "broke"),
        (error(503, "ServiceUnavailable", "later"), UnavailableError, "later"),
        (Reply(503, "<html><b>no</b> backend</html>"), UnavailableError, "no backend"),
        (Reply(502, b""), UnavailableError, "no details given"),
        (Reply(400, '["odd"]'), RejectedError, "odd"),
        (Reply(400, '{"message": "flat", "code": "1"}'), RejectedError, "flat"),
        (Reply(500, '{"error": {"code": null', {"content-type": "application/json"}), UnavailableError, "500"),
    ],
)
def test_an_error_answer_becomes(double: Double, reply: Reply, kind: type[CloudVisionError], words: str) -> None:
    found = failure(double, reply)
    assert type(found) is kind
    assert words in str(found)
    assert len(double.seen) == 1


def test_an_error_carries_what_the_support_will_ask_for(double: Double) -> None:
    found = failure(double, error(400, "InvalidRequest", "bad", **{"x_ms_error_code": "InvalidRequest"}))
    assert isinstance(found, ProviderError)
    expected = ("azure-image-analysis", 400, "InvalidRequest", "id-of-error")
    assert (found.provider, found.status, found.code, found.request_id) == expected


def test_the_inner_error_is_told_too(double: Double) -> None:
    inner = {"code": "NotSupportedLanguage", "message": "xx is none"}
    body = {"error": {"code": "InvalidRequest", "message": "Analyze query is invalid.", "innererror": inner}}
    found = failure(double, Reply(400, body))
    assert "Analyze query is invalid. xx is none" in str(found)
    assert isinstance(found, SettingsRejectedError)  # the next picture would be refused too, so the run ends


def test_the_signature_of_a_url_in_a_message_is_not_repeated(double: Double) -> None:
    found = failure(double, error(400, "InvalidRequest", "cannot read https://store.example/a.jpg?sig=secret today"))
    assert "https://store.example/a.jpg today" in str(found)
    assert "secret" not in str(found)


@pytest.mark.parametrize(
    ("status", "headers", "billed"),
    [(400, BILLED, True), (400, {}, False), (500, BILLED, True), (500, {}, False), (504, {}, None), (401, {}, False)],
)
def test_the_billing_header_says_whether_a_refusal_costs_money(
    double: Double, status: int, headers: dict[str, str], billed: bool | None
) -> None:
    found = failure(double, Reply(status, b"", headers))
    assert isinstance(found, ProviderError)
    assert found.billed is billed


@pytest.mark.parametrize(
    ("headers", "seconds"), [({"Retry-After": "58"}, 58.0), ({"retry-after-ms": "250"}, 0.25), ({}, None)]
)
@pytest.mark.parametrize("status", [429, 503])
def test_the_service_says_how_long_to_wait(
    double: Double, headers: dict[str, str], seconds: float | None, status: int
) -> None:
    found = failure(double, Reply(status, b"", headers))
    assert isinstance(found, ThrottledError | UnavailableError)
    assert found.retry_after == seconds


@pytest.mark.parametrize("act", ["hang", "reset", "cut"])
def test_a_call_that_breaks_off_may_have_been_billed(double: Double, act: str) -> None:
    found = failure(double, Reply(200, '{"readResult": {}}', act=act), timeout_s=0.2)
    assert isinstance(found, UnavailableError)
    assert found.retryable
    assert found.billed is None
    assert len(double.seen) == 1


def test_no_connection_costs_nothing() -> None:
    with image_analysis_double() as gone:
        url = gone.url
    with pytest.raises(UnavailableError, match="VISION_ENDPOINT") as caught:
        AzureImageAnalysis(endpoint=url, key=KEY).call(images.load(png()))
    assert caught.value.billed is False


def test_parse_raises_what_call_would_have_raised() -> None:
    raw = Raw('{"error": {"code": "429", "message": "slow"}}', status=429, headers=(("retry-after", "7"),))
    with pytest.raises(ThrottledError, match="slow") as caught:
        AzureImageAnalysis().parse(raw)
    assert caught.value.retry_after == 7.0


class Raising(RequestsTransport):
    """A transport that fails instead of sending."""

    def __init__(self, failure: Exception) -> None:
        super().__init__()
        self.failure = failure

    def send(self, request: Any, **_: Any) -> Any:
        raise self.failure


def exceptions_of(module: Any) -> list[type[Exception]]:
    members = [member for _, member in inspect.getmembers(module, inspect.isclass)]
    return [member for member in members if issubclass(member, Exception) and member.__module__.startswith("azure.")]


MAPPING: dict[str, tuple[type[CloudVisionError], bool | None]] = {
    "AzureError": (UnavailableError, None),
    "AuthenticationRequiredError": (AuthError, False),
    "ClientAuthenticationError": (AuthError, False),
    "CredentialUnavailableError": (AuthError, False),
    "DecodeError": (UnavailableError, None),
    "DeserializationError": (UnexpectedAnswerError, None),
    "HttpResponseError": (UnavailableError, None),
    "IncompleteReadError": (UnavailableError, None),
    "ODataV4Error": (UnavailableError, None),
    "ResourceExistsError": (UnavailableError, None),
    "ResourceModifiedError": (UnavailableError, None),
    "ResourceNotFoundError": (UnavailableError, None),
    "ResourceNotModifiedError": (UnavailableError, None),
    "ResponseNotReadError": (UnavailableError, None),
    "SerializationError": (ConfigError, None),
    "ServiceRequestError": (UnavailableError, False),
    "ServiceRequestTimeoutError": (UnavailableError, False),
    "ServiceResponseError": (UnavailableError, None),
    "ServiceResponseTimeoutError": (UnavailableError, None),
    "StreamClosedError": (UnavailableError, None),
    "StreamConsumedError": (UnavailableError, None),
    "TooManyRedirectsError": (UnavailableError, None),
}


@pytest.mark.parametrize("kind", exceptions_of(sdk) + exceptions_of(azure.identity), ids=lambda kind: kind.__name__)
def test_every_exception_of_the_sdk_is_mapped(kind: type[Exception]) -> None:
    raised = kind.__new__(kind)
    raised.args = ("detail with a secret",)
    expected, billed = MAPPING[kind.__name__]
    provider = AzureImageAnalysis(endpoint="https://name.example", key=KEY, transport=Raising(raised))
    with pytest.raises(CloudVisionError) as caught:
        provider.call(images.load(png()))
    assert type(caught.value) is expected
    assert getattr(caught.value, "billed", None) is billed
    assert caught.value.__cause__ is raised
