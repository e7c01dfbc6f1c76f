"""Every refusal of Custom Vision, and every exception of its SDK, is one of our errors."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import pytest

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
from cloudvision.providers.azure_custom_vision import AzureCustomVision
from cloudvision.raw import Raw
from tests.custom_vision_double import (
    KEY,
    PROJECT,
    PUBLISHED,
    Double,
    Reply,
    answer_of,
    custom_vision_double,
    flat,
    gateway,
    tag,
)
from tests.pictures import png

sdk = pytest.importorskip("msrest.exceptions", reason="needs the extra azure")


@pytest.fixture(scope="module")
def shared_double() -> Iterator[Double]:
    with custom_vision_double() as running:
        yield running


@pytest.fixture
def double(shared_double: Double) -> Double:
    shared_double.seen.clear()
    return shared_double


def failure(double: Double, *replies: Reply) -> CloudVisionError:
    double.answer(*replies)
    with pytest.raises(CloudVisionError) as caught:
        double.provider().call(images.load(png()))
    return caught.value


WRONG_KIND = "This operation is not supported with the current subscription key and pricing tier OpenAI.S0."


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (gateway(401, "invalid key"), AuthError, "CUSTOM_VISION_PREDICTION_KEY is wrong"),
        (gateway(401, WRONG_KIND), AuthError, "another kind of resource, OpenAI.S0"),
        (gateway(403, "Out of call volume quota."), AuthError, "quota of this pricing tier is used up"),
        (Reply(401), AuthError, "CUSTOM_VISION_PREDICTION_KEY is wrong"),
        (gateway(404, "Resource not found"), AuthError, "CUSTOM_VISION_PREDICTION_ENDPOINT"),
        (flat(404, "NotFoundProject", "Project not found."), SettingsRejectedError, "project's id right"),
        (flat(404, "NotFoundIteration", "Invalid iteration"), SettingsRejectedError, "published"),
        (flat(400, "BadRequestIterationNotPublished", "Not published"), SettingsRejectedError, "under that name"),
        (flat(400, "BadRequest", "Invalid project type for operation."), SettingsRejectedError, "classify or detect"),
        (gateway(400, "Invalid project type for operation."), SettingsRejectedError, "classify or detect"),
        (flat(400, "BadRequestImageFormat", "no image"), RejectedError, "no image"),
        (flat(400, "BadRequestImageSizeBytes", "too large"), RejectedError, "too large"),
        (flat(400, "BadRequestImageUrl", "cannot be had"), RejectedError, "cannot be had"),
        (gateway(413, "too large"), RejectedError, "too large"),
        (gateway(429, "slow down"), ThrottledError, "slow down"),
        (Reply(429), ThrottledError, "no details given"),
        (flat(500, "ErrorPrediction", "broke"), UnavailableError, "broke"),
        (flat(503, "ErrorPredictionServiceUnavailable", "later"), UnavailableError, "later"),
        (Reply(503, b"<html><b>no</b> backend</html>"), UnavailableError, "no backend"),
        (Reply(502), UnavailableError, "no details given"),
        (Reply(400, b'["odd"]'), RejectedError, "odd"),
        (Reply(500, b'{"error": {"code": null'), UnavailableError, "500"),
    ],
)
def test_an_error_answer_becomes(double: Double, reply: Reply, kind: type[CloudVisionError], words: str) -> None:
    found = failure(double, reply)
    assert kind is type(found)
    assert words in str(found)
    assert 1 == len(double.seen)


def test_an_error_carries_what_the_support_will_ask_for(double: Double) -> None:
    found = failure(double, flat(400, "BadRequestImageFormat", "bad"))
    assert isinstance(found, ProviderError)
    expected = ("azure-custom-vision", 400, "BadRequestImageFormat", "id-of-error", False)
    assert expected == (found.provider, found.status, found.code, found.request_id, found.billed)


@pytest.mark.parametrize(
    ("headers", "seconds"), [({"Retry-After": "58"}, 58.0), ({"retry-after-ms": "250"}, 0.25), ({}, None)]
)
@pytest.mark.parametrize("status", [429, 503])
def test_the_service_says_how_long_to_wait(
    double: Double, headers: dict[str, str], seconds: float | None, status: int
) -> None:
    found = failure(double, gateway(status, "later", **headers))
    assert isinstance(found, ThrottledError | UnavailableError)
    assert seconds == found.retry_after
    assert 1 == len(double.seen)


@pytest.mark.parametrize("act", ["reset", "cut"])
def test_a_call_that_breaks_off_may_have_been_billed(double: Double, act: str) -> None:
    found = failure(double, Reply(200, answer_of(tag("apple", 1.0)), act=act))
    assert isinstance(found, UnavailableError)
    assert (True, None, 1) == (found.retryable, found.billed, len(double.seen))


def test_a_redirect_does_not_carry_the_key_elsewhere(double: Double) -> None:
    with custom_vision_double() as elsewhere:
        found = failure(double, Reply(302, b"", {"location": elsewhere.url + "/x"}))
        assert [] == elsewhere.seen
    assert isinstance(found, AuthError)
    assert "CUSTOM_VISION_PREDICTION_ENDPOINT" in str(found)


def test_no_connection_costs_nothing() -> None:
    with custom_vision_double() as gone:
        provider = gone.provider()
    with pytest.raises(UnavailableError, match="CUSTOM_VISION_PREDICTION_ENDPOINT") as caught:
        provider.call(images.load(png()))
    assert caught.value.billed is False


def test_parse_raises_what_call_would_have_raised() -> None:
    raw = Raw('{"error": {"code": "429", "message": "slow"}}', status=429, headers=(("retry-after", "7"),))
    with pytest.raises(ThrottledError, match="slow") as caught:
        AzureCustomVision().parse(raw)
    assert 7.0 == caught.value.retry_after


def exceptions_of(module: Any) -> list[type[Exception]]:
    members = [member for _, member in inspect.getmembers(module, inspect.isclass)]
    return [member for member in members if issubclass(member, Exception) and member.__module__ != "builtins"]


MAPPING: dict[str, type[CloudVisionError]] = {
    "DeserializationError": UnexpectedAnswerError,
    "SerializationError": ConfigError,
    "ValidationError": ConfigError,
}


@pytest.mark.parametrize("kind", exceptions_of(sdk), ids=lambda kind: kind.__name__)
def test_every_exception_of_the_sdk_is_mapped(kind: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    from azure.cognitiveservices.vision.customvision.prediction import CustomVisionPredictionClient

    raised = kind.__new__(kind)
    raised.args, raised.message = ("detail with a secret",), "detail with a secret"  # type: ignore[attr-defined]

    def fail(*_: object, **__: object) -> None:
        raise raised

    monkeypatch.setattr(CustomVisionPredictionClient, "classify_image_with_no_store", fail)
    provider = AzureCustomVision(
        endpoint="https://name.example", key=KEY, project=PROJECT, options=Options(model=PUBLISHED)
    )
    with pytest.raises(CloudVisionError) as caught:
        provider.call(images.load(png()))
    assert MAPPING.get(kind.__name__, UnavailableError) is type(caught.value)
    assert getattr(caught.value, "billed", None) is None
    assert raised is caught.value.__cause__
    assert "secret" not in str(caught.value)
