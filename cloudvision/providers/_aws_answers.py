"""Error answers of AWS's JSON protocol, read from what was received: no SDK is needed to tell what went wrong.

The codes are those of Rekognition's developer guide ("Error handling") and of AWS's list of common errors.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from cloudvision._retry_after import retry_after
from cloudvision.errors import AuthError, ProviderError, RejectedError, ThrottledError, UnavailableError
from cloudvision.raw import Raw

EXPIRED = frozenset({"ExpiredTokenException", "ExpiredToken", "RequestExpired", "TokenRefreshRequired"})
"""Codes that go away once the credentials are read anew."""

THROTTLED = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "ThrottlingException",
        "Throttling",
        "ThrottledException",
        "RequestThrottled",
        "RequestThrottledException",
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "LimitExceededException",
        "BandwidthLimitExceeded",
        "SlowDown",
    }
)

_SIGNATURE = "the signature was refused: check AWS_SECRET_ACCESS_KEY (no blanks around it) and this machine's clock"
_UNKNOWN_KEY = "the access key is not known: check AWS_ACCESS_KEY_ID, and AWS_SESSION_TOKEN for temporary keys"
_EXPIRED_REMEDY = (
    "the credentials have expired: renew AWS_SESSION_TOKEN or sign in again (aws sso login), "
    "and check this machine's clock"
)
_PERMISSION = "the credentials may not do this: allow the action rekognition:DetectText for them"
_SLOWER = "too many requests for this account and region; lower the rate or have the quota raised"
_ACCOUNT = "the account is not signed up for this service in this region"
_ENDPOINT = "this address is not Rekognition: check AWS_REGION and AWS_ENDPOINT_URL_REKOGNITION"

REFUSED = {
    "UnrecognizedClientException": _UNKNOWN_KEY,
    "InvalidClientTokenId": _UNKNOWN_KEY,
    "InvalidAccessKeyId": _UNKNOWN_KEY,
    "MissingAuthenticationToken": _UNKNOWN_KEY,
    "MissingAuthenticationTokenException": _UNKNOWN_KEY,
    "InvalidSignatureException": _SIGNATURE,
    "SignatureDoesNotMatch": _SIGNATURE,
    "IncompleteSignature": _SIGNATURE,
    "IncompleteSignatureException": _SIGNATURE,
    "AccessDeniedException": _PERMISSION,
    "AccessDenied": _PERMISSION,
    "NotAuthorized": _PERMISSION,
    "UnauthorizedOperation": _PERMISSION,
    "AuthFailure": _PERMISSION,
    "OptInRequired": _ACCOUNT,
    "SubscriptionRequiredException": _ACCOUNT,
    "UnknownOperationException": _ENDPOINT,
    **dict.fromkeys(EXPIRED, _EXPIRED_REMEDY),
}
"""Code -> remedy, where every other picture would be refused as well."""

REJECTED = {
    "InvalidImageFormatException": "the service takes PNG and JPEG only",
    "ImageTooLargeException": "the picture is too large: 5 MB as bytes, 15 MB in S3",
    "InvalidParameterException": "the picture or a filter was refused",
    "InvalidS3ObjectException": (
        "the S3 object could not be read. Three causes look the same: the bucket or key is wrong; the bucket is in "
        "another region than AWS_REGION; these credentials lack s3:GetObject for it"
    ),
    "ValidationException": "the request was refused",
    "ValidationError": "the request was refused",
    "SerializationException": "the request was refused",
    "RequestEntityTooLargeException": "the picture is too large: 5 MB as bytes, 15 MB in S3",
}
"""Code -> remedy, where this picture is refused and asking again cannot help."""

UNAVAILABLE = frozenset(
    {
        "InternalServerError",
        "InternalFailure",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "RequestTimeout",
        "RequestTimeoutException",
        "RequestAbortedException",
    }
)

_BY_STATUS: dict[int, tuple[type[ProviderError], str]] = {
    401: (AuthError, _PERMISSION),
    403: (AuthError, _PERMISSION),
    404: (AuthError, _ENDPOINT),
    407: (AuthError, "a proxy on the way wants a name and password: check HTTPS_PROXY"),
    408: (UnavailableError, "the service is not available"),
    429: (ThrottledError, _SLOWER),
}
"""Status -> kind and remedy, for codes that are not in any of the tables, and for answers that have none."""

_S3_DENIED = "the S3 object may not be read: allow s3:GetObject for it, and kms:Decrypt where it is encrypted"
_MESSAGE_LENGTH = 300


def json_of(text: str) -> object:
    """The JSON value of a body; None when it is not JSON at all."""
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value


def answer_error(raw: Raw, *, provider: str) -> ProviderError | None:
    """The error that an answer stands for, None for an answer that is none.

    An answer is an error by its status, or by its `__type` whatever the status. None of them is billed.
    """
    body = json_of(raw.body)
    fields: Mapping[str, object] = body if isinstance(body, dict) else {}
    code = _code(raw, fields)
    if 200 <= raw.status < 300 and "__type" not in fields:
        return None
    kind, remedy = _judge(code, raw, said=_said(fields))
    message = _message(raw, code, remedy, said="" if remedy == _SIGNATURE else _said(fields))
    request_id = raw.header("x-amzn-requestid") or _text(fields.get("Logref"))
    waiting = retry_after(dict(raw.headers), now=raw.received_at)
    if kind is ThrottledError:
        return ThrottledError(
            f"{provider}: {message}",
            provider=provider,
            status=raw.status,
            code=code,
            request_id=request_id,
            retry_after=waiting,
        )
    if kind is UnavailableError:
        return UnavailableError(
            f"{provider}: {message}",
            provider=provider,
            status=raw.status,
            code=code,
            request_id=request_id,
            billed=False,
            retry_after=waiting,
        )
    return kind(f"{provider}: {message}", provider=provider, status=raw.status, code=code, request_id=request_id)


def _judge(code: str | None, raw: Raw, *, said: str) -> tuple[type[ProviderError], str]:
    if code in THROTTLED:
        return ThrottledError, _SLOWER
    if code in ("AccessDeniedException", "AccessDenied") and _about_s3(raw, said):
        return RejectedError, _S3_DENIED
    if code in REFUSED:
        return AuthError, REFUSED[code]
    if code in REJECTED:
        return RejectedError, REJECTED[code]
    if code in UNAVAILABLE:
        return UnavailableError, "the service broke off"
    return _judge_status(raw.status)


def _judge_status(status: int) -> tuple[type[ProviderError], str]:
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status >= 500:
        return UnavailableError, "the service is not available"
    if status < 400:
        return UnavailableError, "the answer does not come from Rekognition: is a proxy in the way?"
    return RejectedError, "the request was refused"


def _about_s3(raw: Raw, said: str) -> bool:
    # The same code stands for "not this object" and for "not DetectText at all"; only the second one is the same for
    # every picture. Only a picture that the service fetched itself has no size of ours.
    if "rekognition:" in said.lower():
        return False
    return "s3" in said.lower() or raw.width is None


def _code(raw: Raw, fields: Mapping[str, object]) -> str | None:
    for given in (fields.get("__type"), fields.get("Code"), fields.get("code"), raw.header("x-amzn-errortype")):
        if isinstance(given, str) and given:
            # Forms seen: "Code", "namespace#Code", "Code:http://address".
            return re.split(r":", given.rpartition("#")[2], maxsplit=1)[0]
    return None


def _said(fields: Mapping[str, object]) -> str:
    return _text(fields.get("Message")) or _text(fields.get("message")) or ""


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _message(raw: Raw, code: str | None, remedy: str, *, said: str) -> str:
    # A refused signature is answered with the request as it should have been signed, session token included: its text
    # is not passed on.
    quoted = f" (the service says: {' '.join(said.split())[:_MESSAGE_LENGTH]})" if said else ""
    return f"{remedy}; status {raw.status}{f', {code}' if code else ''}{quoted}"
