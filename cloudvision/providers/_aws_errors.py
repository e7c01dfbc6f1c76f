"""The one place where exceptions of boto3 and botocore become ours.

The table goes by class name, so that nothing of the SDK is imported and classes that only newer or older versions know
do no harm. An exception is looked up along its ancestors, nearest first.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from cloudvision.errors import AuthError, CloudVisionError, ConfigError, RejectedError, ThrottledError, UnavailableError
from cloudvision.providers._aws_answers import answer_error
from cloudvision.raw import Raw

_KEYS = (
    "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN for temporary keys), "
    "or AWS_PROFILE, or sign in with `aws sso login`"
)
_REGION = "set AWS_REGION to a region that has Rekognition, such as us-east-1 or eu-west-1"
_FILES = "check AWS_PROFILE and the files ~/.aws/config and ~/.aws/credentials"
_INSTALL = "the AWS SDK is incomplete: pip install --upgrade 'cloudvision-gate[aws]'"
_SETTING = "a setting of the AWS SDK is wrong: check the AWS_* variables and ~/.aws/config"

_CONFIG: dict[str, tuple[str, ...]] = {
    _KEYS: ("NoCredentialsError", "PartialCredentialsError", "UnknownCredentialError", "NoAuthTokenError"),
    _REGION: (
        "NoRegionError",
        "InvalidRegionError",
        "UnknownRegionError",
        "UnknownEndpointError",
        "UnknownFIPSEndpointError",
        "ServiceNotInRegionError",
        "BaseEndpointResolverError",
        "EndpointVariantError",
        "EndpointProviderError",
        "InvalidHostLabelError",
    ),
    _FILES: (
        "ProfileNotFound",
        "ConfigNotFound",
        "ConfigParseError",
        "InvalidConfigError",
        "UnknownTokenProviderError",
        "RefreshWithMFAUnsupportedError",
    ),
    _INSTALL: (
        "ApiVersionNotFoundError",
        "DataNotFoundError",
        "MD5UnavailableError",
        "MissingDependencyException",
        "MissingServiceIdError",
        "UndefinedModelAttributeError",
        "UnknownClientMethodError",
        "UnknownServiceStyle",
        "UnknownSignatureVersionError",
        "UnsupportedServiceProtocolsError",
        "UnsupportedSignatureVersionError",
    ),
    _SETTING: (
        "InvalidChecksumConfigError",
        "InvalidDefaultsMode",
        "InvalidEndpointConfigurationError",
        "InvalidEndpointDiscoveryConfigurationError",
        "InvalidIMDSEndpointError",
        "InvalidIMDSEndpointModeError",
        "InvalidProxiesConfigError",
        "InvalidRetryConfigurationError",
        "InvalidS3AddressingStyleError",
        "InvalidS3UsEast1RegionalEndpointConfigError",
        "InvalidSTSRegionalEndpointsConfigError",
    ),
    # What DetectText never uses: pages, waiters, endpoint discovery, S3 addresses, stubs of the SDK's own tests.
    "this is not expected of DetectText; please report it": (
        "AliasConflictParameterError",
        "EndpointDiscoveryException",
        "InvalidDNSNameError",
        "InvalidExpressionError",
        "MissingParametersError",
        "OperationNotPageableError",
        "PaginationError",
        "StubResponseError",
        "UnsupportedOutpostResourceError",
        "UnsupportedS3AccesspointConfigurationError",
        "UnsupportedS3ArnError",
        "UnsupportedS3ConfigurationError",
        "UnsupportedS3ControlArnError",
        "UnsupportedS3ControlConfigurationError",
        "WaiterConfigError",
        "WaiterError",
    ),
}

# The picture alone decides about these: a bucket name of two letters, for one.
_REJECTED = ("ParamValidationError", "ValidationError", "RangeError", "UnknownKeyError", "UnknownParameterError")

_SIGN_IN = f"the credentials could not be had: {_KEYS}"
_AUTH = ("CredentialRetrievalError", "TokenRetrievalError", "MetadataRetrievalError", "SSOError", "LoginError")

_UNSENT: dict[str, tuple[str, ...]] = {
    "no connection: check the network, AWS_REGION and AWS_ENDPOINT_URL_REKOGNITION": (
        "EndpointConnectionError",
        "ConnectTimeoutError",
        "ConnectionError",
    ),
    "no connection to the proxy: check HTTPS_PROXY and NO_PROXY": ("ProxyConnectionError",),
    "the certificate was refused: behind a corporate proxy, set AWS_CA_BUNDLE to its certificate file": ("SSLError",),
    "the SDK held the request back": ("CapacityNotAvailableError", "UnseekableStreamError", "AwsChunkedWrapperError"),
}

_LOST: dict[str, tuple[str, ...]] = {
    "no answer in time; it may have been billed all the same": ("ReadTimeoutError",),
    "the connection broke off; it may have been billed all the same": (
        "ConnectionClosedError",
        "HTTPClientError",
        "ResponseStreamingError",
        "IncompleteReadError",
        "ChecksumError",
        "FlexibleChecksumError",
    ),
}
_UNKNOWN = "the AWS SDK gave up for a reason unknown to this version; it may have been billed all the same"

_ROWS: dict[str, tuple[str, str]] = {
    **{name: ("config", remedy) for remedy, names in _CONFIG.items() for name in names},
    **dict.fromkeys(_REJECTED, ("rejected", "the request cannot be sent as it is")),
    **dict.fromkeys(_AUTH, ("auth", _SIGN_IN)),
    **{name: ("unsent", remedy) for remedy, names in _UNSENT.items() for name in names},
    **{name: ("lost", remedy) for remedy, names in _LOST.items() for name in names},
    # What boto3 says of an endpoint that is no URL.
    "ValueError": ("config", "check AWS_ENDPOINT_URL_REKOGNITION and AWS_REGION"),
}

_MESSAGE_LENGTH = 300


def is_known(kind: type[BaseException]) -> bool:
    """True when this class of the SDK, or one of its ancestors, is an answer (`ClientError`) or in the table."""
    return any(c.__name__ == "ClientError" for c in kind.__mro__) or _row(kind) is not None


def sdk_error(error: Exception, *, provider: str) -> CloudVisionError:
    """Our error for one that the SDK raised where no answer of the service was heard."""
    if isinstance(answer := getattr(error, "response", None), Mapping):
        return _answer_error(answer, getattr(error, "operation_name", None), provider)
    kind, remedy = _row(type(error)) or ("lost", _UNKNOWN)
    if _missing_bundle(error):
        kind, remedy = "config", "a certificate file cannot be read: check AWS_CA_BUNDLE and REQUESTS_CA_BUNDLE"
    message = f"{provider}: {remedy} ({_told(error)})"
    if kind == "config":
        return ConfigError(message)
    if kind == "auth":
        return AuthError(message, provider=provider)
    if kind == "rejected":
        return RejectedError(message, provider=provider)
    return UnavailableError(message, provider=provider, billed=False if kind == "unsent" else None)


def _answer_error(answer: Mapping[str, Any], operation: str | None, provider: str) -> CloudVisionError:
    """For a `ClientError`: mostly of the services that give out credentials (STS, SSO), asked before ours."""
    said, metadata = answer.get("Error", {}), answer.get("ResponseMetadata", {})
    body = json.dumps({"__type": said.get("Code", "Unknown"), "Message": said.get("Message", "")})
    ours = answer_error(Raw(body, status=metadata.get("HTTPStatusCode", 400), width=0), provider=provider)
    if operation == "DetectText" and ours is not None:
        return ours
    if isinstance(ours, ThrottledError | UnavailableError):
        return ours
    return AuthError(f"{provider}: {_SIGN_IN} ({operation}: {ours})", provider=provider, code=said.get("Code"))


def _row(kind: type[BaseException]) -> tuple[str, str] | None:
    return next((_ROWS[c.__name__] for c in kind.__mro__ if c.__name__ in _ROWS), None)


def _missing_bundle(error: Exception) -> bool:
    if type(error).__name__ not in ("SSLError", "HTTPClientError"):
        return False
    below: BaseException | None = error
    while below is not None and not isinstance(below, FileNotFoundError | IsADirectoryError):
        below = below.__context__
    return below is not None


def _cause(error: Exception) -> object:
    details = getattr(error, "kwargs", None)
    return details.get("error") if isinstance(details, dict) else None


def _told(error: Exception) -> str:
    """What the SDK says, without passwords in addresses."""
    if type(error).__name__ == "HTTPClientError":
        # It quotes whatever went wrong, refused header values included; the kind of trouble is enough.
        return f"HTTPClientError: {type(_cause(error)).__name__}"
    text = re.sub(r"//[^/@\s]*@", "//***@", " ".join(str(error).split()))
    return f"{type(error).__name__}: {text[:_MESSAGE_LENGTH]}"
