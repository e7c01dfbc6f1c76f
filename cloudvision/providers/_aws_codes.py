"""AWS's error codes: what each one means for us, and what to do about it.

The codes are those of Rekognition's developer guide ("Error handling") and of AWS's list of common errors.
"""

from __future__ import annotations

from cloudvision.errors import AuthError, ProviderError, RejectedError, ThrottledError, UnavailableError

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

SIGNATURE = "the signature was refused: check AWS_SECRET_ACCESS_KEY (no blanks around it) and this machine's clock"
_UNKNOWN_KEY = "the access key is not known: check AWS_ACCESS_KEY_ID, and AWS_SESSION_TOKEN for temporary keys"
_EXPIRED_REMEDY = (
    "the credentials have expired: renew AWS_SESSION_TOKEN or sign in again (aws sso login), "
    "and check this machine's clock"
)
_PERMISSION = "the credentials may not do this: allow the action rekognition:DetectText for them"
SLOWER = "too many requests for this account and region; lower the rate or have the quota raised"
_ACCOUNT = "the account is not signed up for this service in this region"
_ENDPOINT = "this address is not Rekognition: check AWS_REGION and AWS_ENDPOINT_URL_REKOGNITION"

REFUSED = {
    "UnrecognizedClientException": _UNKNOWN_KEY,
    "InvalidClientTokenId": _UNKNOWN_KEY,
    "InvalidAccessKeyId": _UNKNOWN_KEY,
    "MissingAuthenticationToken": _UNKNOWN_KEY,
    "MissingAuthenticationTokenException": _UNKNOWN_KEY,
    "InvalidSignatureException": SIGNATURE,
    "SignatureDoesNotMatch": SIGNATURE,
    "IncompleteSignature": SIGNATURE,
    "IncompleteSignatureException": SIGNATURE,
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

BY_STATUS: dict[int, tuple[type[ProviderError], str]] = {
    401: (AuthError, _PERMISSION),
    403: (AuthError, _PERMISSION),
    404: (AuthError, _ENDPOINT),
    407: (AuthError, "a proxy on the way wants a name and password: check HTTPS_PROXY"),
    408: (UnavailableError, "the service is not available"),
    429: (ThrottledError, SLOWER),
}
"""Status -> kind and remedy, for codes that are not in any of the tables, and for answers that have none."""


def judge(code: str | None, status: int) -> tuple[type[ProviderError], str]:
    """The kind of error and the remedy, by code, else by HTTP status."""
    if code in THROTTLED:
        return ThrottledError, SLOWER
    if code in REFUSED:
        return AuthError, REFUSED[code]
    if code in REJECTED:
        return RejectedError, REJECTED[code]
    if code in UNAVAILABLE:
        return UnavailableError, "the service broke off"
    return BY_STATUS[status] if status in BY_STATUS else _by_class(status)


def _by_class(status: int) -> tuple[type[ProviderError], str]:
    if status >= 500:
        return UnavailableError, "the service is not available"
    if status < 400:
        return UnavailableError, "the answer does not come from Rekognition: is a proxy in the way?"
    return RejectedError, "the request was refused"
