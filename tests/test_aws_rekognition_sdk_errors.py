"""Every exception that the AWS SDK can raise has a row in our table; a new one makes these tests fail."""

from __future__ import annotations

import inspect
import string
from collections.abc import Iterator

import boto3
import botocore.exceptions
import pytest
from botocore.exceptions import BotoCoreError, ClientError

from cloudvision.errors import (
    AuthError,
    CloudVisionError,
    ConfigError,
    ProviderError,
    RejectedError,
    ThrottledError,
    UnavailableError,
)
from cloudvision.providers import _aws_codes as codes
from cloudvision.providers._aws_errors import is_known, sdk_error

# The two roots themselves are never raised, and warnings are none of ours.
ROOTS = (BotoCoreError, ClientError)


def below(kind: type[Exception]) -> Iterator[type[Exception]]:
    yield kind
    for child in kind.__subclasses__():
        yield from below(child)


def sdk_exceptions() -> list[type[Exception]]:
    defined = {
        value
        for _, value in inspect.getmembers(botocore.exceptions, inspect.isclass)
        if issubclass(value, Exception) and not issubclass(value, Warning)
    }
    everywhere = {kind for root in ROOTS for kind in below(root) if kind.__module__.startswith(("boto3", "botocore"))}
    return sorted((defined | everywhere) - set(ROOTS), key=lambda kind: (kind.__module__, kind.__name__))


def detect_text_errors() -> list[str]:
    model = boto3.Session("k", "s", region_name="us-east-1").client("rekognition").meta.service_model
    return [shape.name for shape in model.operation_model("DetectText").error_shapes]


def made(kind: type[Exception]) -> Exception:
    """An instance, with a word for every field that its message asks for."""
    if issubclass(kind, ClientError):
        return kind({"Error": {"Code": "X", "Message": "y"}}, "AssumeRole")
    parameters = inspect.signature(kind.__init__).parameters.values()
    named = {p.name for p in list(parameters)[1:] if p.kind is p.POSITIONAL_OR_KEYWORD and p.default is p.empty}
    fields = {name for _, name, _, _ in string.Formatter().parse(getattr(kind, "fmt", "")) if name}
    return kind(**dict.fromkeys(named or fields, "word"))


def test_the_list_of_the_sdks_exceptions_is_not_empty() -> None:
    assert len(sdk_exceptions()) > 80


@pytest.mark.parametrize("kind", sdk_exceptions(), ids=lambda kind: kind.__name__)
def test_an_exception_of_the_sdk_has_a_row_in_the_table(kind: type[Exception]) -> None:
    assert is_known(kind), f"{kind.__module__}.{kind.__name__} is new: give it a row in providers/_aws_errors.py"


@pytest.mark.parametrize("kind", sdk_exceptions(), ids=lambda kind: kind.__name__)
def test_an_exception_of_the_sdk_becomes_one_of_ours_that_says_what_to_do(kind: type[Exception]) -> None:
    ours = sdk_error(made(kind), provider="aws-rekognition")
    assert isinstance(ours, CloudVisionError)
    assert str(ours).startswith("aws-rekognition: ")


def test_an_exception_that_the_table_does_not_know_is_noticed_and_counts_as_maybe_billed() -> None:
    class NewInTheNextVersionError(BotoCoreError):
        pass

    assert not is_known(NewInTheNextVersionError)
    ours = sdk_error(NewInTheNextVersionError(), provider="aws-rekognition")
    assert isinstance(ours, UnavailableError)
    assert ours.billed is None


@pytest.mark.parametrize(
    ("name", "kind", "billed"),
    [
        ("EndpointConnectionError", UnavailableError, False),
        ("ConnectTimeoutError", UnavailableError, False),
        ("ProxyConnectionError", UnavailableError, False),
        ("SSLError", UnavailableError, False),
        ("ReadTimeoutError", UnavailableError, None),
        ("ConnectionClosedError", UnavailableError, None),
        ("ResponseStreamingError", UnavailableError, None),
        ("HTTPClientError", UnavailableError, None),
        ("IncompleteReadError", UnavailableError, None),
        ("CredentialRetrievalError", AuthError, False),
        ("TokenRetrievalError", AuthError, False),
        ("UnauthorizedSSOTokenError", AuthError, False),
        ("SSOTokenLoadError", AuthError, False),
        ("ParamValidationError", RejectedError, False),
    ],
)
def test_whether_it_may_have_been_billed(name: str, kind: type[ProviderError], billed: bool | None) -> None:
    ours = sdk_error(made(getattr(botocore.exceptions, name)), provider="aws-rekognition")
    assert type(ours) is kind
    assert isinstance(ours, ProviderError)
    assert ours.billed is billed


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("NoCredentialsError", "AWS_ACCESS_KEY_ID"),
        ("PartialCredentialsError", "AWS_SECRET_ACCESS_KEY"),
        ("NoRegionError", "AWS_REGION"),
        ("ProfileNotFound", "AWS_PROFILE"),
        ("DataNotFoundError", "pip install"),
    ],
)
def test_a_wrong_set_up_names_its_remedy(name: str, hint: str) -> None:
    ours = sdk_error(made(getattr(botocore.exceptions, name)), provider="aws-rekognition")
    assert isinstance(ours, ConfigError)
    assert hint in str(ours)


def test_a_password_in_an_address_is_not_repeated() -> None:
    error = botocore.exceptions.EndpointConnectionError(endpoint_url="http://user:hunter2@host/")
    assert "hunter2" not in str(sdk_error(error, provider="aws-rekognition"))


DOCUMENTED = [
    "AccessDeniedException",
    "ImageTooLargeException",
    "InvalidImageFormatException",
    "InvalidParameterException",
    "InvalidS3ObjectException",
    "ProvisionedThroughputExceededException",
    "ThrottlingException",
    "InternalServerError",
    "UnrecognizedClientException",
    "ExpiredTokenException",
    "InvalidSignatureException",
    "IncompleteSignature",
]


@pytest.mark.parametrize("code", sorted({*DOCUMENTED, *detect_text_errors()}))
def test_every_code_of_the_service_is_in_exactly_one_table(code: str) -> None:
    tables = [codes.THROTTLED, codes.REFUSED, codes.REJECTED, codes.UNAVAILABLE]
    assert [code in table for table in tables].count(True) == 1, f"{code}: give it a row in providers/_aws_codes.py"


def test_a_refused_call_of_another_service_keeps_its_code() -> None:
    refused = ClientError({"Error": {"Code": "Throttling"}, "ResponseMetadata": {"HTTPStatusCode": 400}}, "AssumeRole")
    ours = sdk_error(refused, provider="aws-rekognition")
    assert isinstance(ours, ThrottledError)
    assert ours.code == "Throttling"
