"""Every way in which a call to Rekognition can fail, as our errors, and whether it may cost money."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from cloudvision.errors import (
    AuthError,
    CloudVisionError,
    ConfigError,
    ProviderError,
    RejectedError,
    ThrottledError,
    UnavailableError,
)
from cloudvision.images import Remote
from cloudvision.providers._aws_client import AwsCredentials
from cloudvision.providers._options import Options
from cloudvision.providers.aws_rekognition import AwsRekognition
from cloudvision.raw import Raw
from tests.rekognition_double import (
    HANG,
    KEY_ID,
    REGION,
    REQUEST_ID,
    RESET,
    SECRET,
    Double,
    Reply,
    Request,
    error,
    rekognition_double,
)

OBJECT = Remote("s3://photos/a/b.jpg", bucket="photos", key="a/b.jpg")
NO_DETECT_TEXT = "User: arn:aws:iam::1:user/u is not authorized to perform: rekognition:DetectText on resource: *"


@pytest.fixture(scope="module")
def running() -> Iterator[Double]:
    with rekognition_double() as double:
        yield double


@pytest.fixture(scope="module")
def provider(running: Double) -> AwsRekognition:
    """One for the tests that leave no trace in it: making a client takes boto3 longer than all the rest."""
    return rekognition(running.url)


@pytest.fixture
def double(running: Double) -> Double:
    running.reset()
    return running


def rekognition(url: str, *, token: str | None = None, timeout_s: float = 5.0) -> AwsRekognition:
    options = Options(timeout_s=timeout_s, connect_timeout_s=5.0)
    keys = AwsCredentials(KEY_ID, SECRET, token)
    return AwsRekognition(options=options, region=REGION, endpoint_url=url, credentials=keys)


def failure(provider: AwsRekognition, picture: Remote = OBJECT) -> CloudVisionError:
    with pytest.raises(CloudVisionError) as caught:
        provider.call(picture)
    assert SECRET not in repr(caught.value)
    return caught.value


WIRE = [
    (error("InvalidImageFormatException"), RejectedError),
    (error("ImageTooLargeException"), RejectedError),
    (error("InvalidParameterException"), RejectedError),
    (error("InvalidS3ObjectException"), RejectedError),
    (error("com.amazonaws.rekognition#InvalidImageFormatException:http://x"), RejectedError),
    (error("AccessDeniedException", message=NO_DETECT_TEXT), AuthError),
    (error("AccessDeniedException", message="Access to the S3 object is denied"), RejectedError),
    (error("UnrecognizedClientException"), AuthError),
    (error("InvalidSignatureException"), AuthError),
    (error("IncompleteSignature"), AuthError),
    (error("MissingAuthenticationToken", status=403), AuthError),
    (error("OptInRequired", status=403), AuthError),
    (error("UnknownOperationException"), AuthError),
    (error("ProvisionedThroughputExceededException"), ThrottledError),
    (error("ThrottlingException", message="Slow down"), ThrottledError),
    (error("ThrottlingException", status=500, message="Service Unavailable"), ThrottledError),
    (error("TooManyRequestsException", status=429), ThrottledError),
    (error("RequestLimitExceeded", status=503), ThrottledError),
    (error("SlowDown", status=503), ThrottledError),
    (error("InternalServerError", status=500), UnavailableError),
    (error("ServiceUnavailable", status=503), UnavailableError),
    (error("SomethingNewException"), RejectedError),
    (error("InvalidImageFormatException", status=200), RejectedError),
    (Reply(503, b"<html><body>Service Unavailable</body></html>", "text/html"), UnavailableError),
    (Reply(500, b""), UnavailableError),
    (Reply(502, b'["odd"]'), UnavailableError),
    (Reply(400, b'{"__type": 7, "Message": ["odd"]}'), RejectedError),
    (Reply(413, b""), RejectedError),
    (Reply(429, b"<html>slow</html>", "text/html"), ThrottledError),
    (Reply(403, b"<html>proxy says no</html>", "text/html"), AuthError),
    (Reply(404, b"<html>nothing here</html>", "text/html"), AuthError),
    (Reply(302, b"", headers=(("Location", "http://login.hotel/"),)), UnavailableError),
]


@pytest.mark.parametrize(("reply", "kind"), WIRE, ids=[f"{r.status}-{r.body[:40]!r}" for r, _ in WIRE])
def test_an_error_answer_becomes_its_error_after_one_request(
    double: Double, provider: AwsRekognition, reply: Reply, kind: type[ProviderError]
) -> None:
    double.reply = reply
    found = failure(provider)
    assert type(found) is kind
    assert isinstance(found, ProviderError)
    assert (found.provider, found.status, found.request_id) == ("aws-rekognition", reply.status, REQUEST_ID)
    assert found.billed is False
    assert len(double.requests) == 1


def test_parse_raises_for_a_saved_error_answer_what_call_raised(double: Double, provider: AwsRekognition) -> None:
    double.reply = error("ImageTooLargeException", message="too big")
    raised = failure(provider)
    saved = Raw(double.reply.body.decode(), status=400, headers=(("x-amzn-requestid", REQUEST_ID),))
    with pytest.raises(RejectedError) as caught:
        AwsRekognition().parse(saved)
    assert str(caught.value) == str(raised)
    assert AwsRekognition().cost(saved) == 0


def test_an_unreadable_s3_object_names_all_three_causes(double: Double, provider: AwsRekognition) -> None:
    double.reply = error("InvalidS3ObjectException")
    text = str(failure(provider))
    assert all(word in text for word in ("key is wrong", "another region", "s3:GetObject"))


@pytest.mark.parametrize(("header", "seconds"), [("7", 7.0), ("nonsense", None), (None, None)])
def test_throttling_tells_how_long_the_service_wants_us_to_wait(
    double: Double, provider: AwsRekognition, header: str | None, seconds: float | None
) -> None:
    double.reply = error("ThrottlingException", **({"Retry_After": header} if header else {}))
    found = failure(provider)
    assert isinstance(found, ThrottledError)
    assert found.retry_after == seconds


def test_what_the_service_says_of_a_refused_signature_is_not_repeated(double: Double) -> None:
    # It quotes the request as it should have been signed, with the session token.
    double.reply = error("InvalidSignatureException", message="should have been x-amz-security-token:TOP-SECRET")
    assert "TOP-SECRET" not in str(failure(rekognition(double.url, token="TOP-SECRET")))


def from_environment(double: Double, monkeypatch: pytest.MonkeyPatch) -> AwsRekognition:
    """A provider whose client was made with the token "old", in an environment that has "new" by now."""
    for name, value in (("ACCESS_KEY_ID", KEY_ID), ("SECRET_ACCESS_KEY", SECRET), ("SESSION_TOKEN", "old")):
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.setenv("AWS_ENDPOINT_URL_REKOGNITION", double.url)
    provider = AwsRekognition.from_env(Options(), env=os.environ)
    provider.call(OBJECT)
    double.requests.clear()
    monkeypatch.setenv("AWS_SESSION_TOKEN", "new")
    return provider


EXPIRED = ["ExpiredTokenException", "ExpiredToken", "RequestExpired"]


@pytest.mark.parametrize("code", EXPIRED)
def test_an_expired_token_is_read_anew_once_and_the_call_goes_through(
    double: Double, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = from_environment(double, monkeypatch)
    double.script.append(error(code))
    assert provider.call(OBJECT).status == 200
    assert [r.headers["x-amz-security-token"] for r in double.requests] == ["old", "new"]


def test_a_token_that_stays_expired_is_an_error_after_two_requests(double: Double) -> None:
    double.reply = error("ExpiredTokenException")
    found = failure(rekognition(double.url, token="t"))
    assert isinstance(found, AuthError)
    assert "AWS_SESSION_TOKEN" in str(found)
    assert len(double.requests) == 2


def test_with_a_client_handed_in_an_expired_token_is_an_error_at_once(double: Double) -> None:
    double.reply = error("ExpiredTokenException")
    client = boto3.Session(KEY_ID, SECRET, region_name=REGION).client("rekognition", endpoint_url=double.url)
    assert isinstance(failure(AwsRekognition(client=client)), AuthError)
    assert len(double.requests) == 1


@pytest.mark.parametrize("way", [HANG, RESET])
def test_a_call_that_breaks_off_after_sending_may_have_been_billed(double: Double, way: str) -> None:
    double.script.append(way)
    found = failure(rekognition(double.url, timeout_s=0.2))
    assert isinstance(found, UnavailableError)
    assert found.billed is None
    assert len(double.requests) == 1


def refused_by(service: str, code: str, status: int) -> ClientError:
    """What boto3 raises when the service that gives out credentials refuses, inside our call."""
    answer = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, service)


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("AccessDenied", 403, AuthError),
        ("ExpiredTokenException", 400, AuthError),
        ("ValidationError", 400, AuthError),
        ("Throttling", 400, ThrottledError),
        ("InternalFailure", 500, UnavailableError),
    ],
)
def test_when_the_keys_cannot_be_fetched_it_is_no_fault_of_the_picture(
    double: Double, code: str, status: int, kind: type[ProviderError]
) -> None:
    client = boto3.Session(KEY_ID, SECRET, region_name=REGION).client("rekognition", endpoint_url=double.url)

    def refuse(**_: object) -> None:
        raise refused_by("AssumeRole", code, status)

    client.meta.events.register("before-sign.rekognition.DetectText", refuse)
    assert type(failure(AwsRekognition(client=client))) is kind
    assert double.requests == []


def test_a_stubbed_client_raises_as_the_service_would_and_has_no_answer_to_keep() -> None:
    client = boto3.Session(KEY_ID, SECRET, region_name=REGION).client("rekognition")
    with Stubber(client) as stub:
        stub.add_client_error("detect_text", "ProvisionedThroughputExceededException", http_status_code=400)
        stub.add_response("detect_text", {"TextDetections": []})
        assert isinstance(failure(AwsRekognition(client=client)), ThrottledError)
        assert isinstance(failure(AwsRekognition(client=client)), ConfigError)


def test_when_the_token_expires_under_many_threads_all_go_on_with_the_new_one(
    double: Double, monkeypatch: pytest.MonkeyPatch
) -> None:
    def by_token(request: Request) -> Reply:
        return Reply() if request.headers["x-amz-security-token"] == "new" else error("ExpiredTokenException")

    provider = from_environment(double, monkeypatch)
    monkeypatch.setattr(double, "next_reply", by_token)
    start = threading.Barrier(8)

    def ask(_: int) -> int:
        start.wait(10)
        return provider.call(OBJECT).status

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(8))) == [200] * 8
    tokens = [request.headers["x-amz-security-token"] for request in double.requests]
    assert tokens.count("new") == 8
    assert tokens.count("old") <= 8
