"""Custom Vision's refusals in our words.

The service answers `{"code", "message"}`, the gateway in front of it `{"error": {"code", "message"}}`, and some proxies
nothing at all. The SDK loses the message of the second, and dies with a TypeError of the third: the bytes are judged here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cloudvision.errors import (
    CloudVisionError,
    ConfigError,
    RejectedError,
    SettingsRejectedError,
    UnavailableError,
    UnexpectedAnswerError,
)
from cloudvision.providers._azure_errors import Resource, answered, no_answer, read_details, refusal
from cloudvision.raw import Raw

if TYPE_CHECKING:
    from azure.core.exceptions import AzureError, DeserializationError, SerializationError
    from msrest.exceptions import ClientException

    SdkError = AzureError | ClientException | SerializationError | DeserializationError

_PICTURE = (
    "BadRequestImageStream",
    "BadRequestImageUrl",
    "BadRequestImageFormat",
    "BadRequestImageSizeBytes",
    "BadRequestImageDimensions",
    "BadRequestImageAspectRatio",
    "BadRequestImageExceededCount",
)
_REMEDIES = {
    "NotFoundProject": "is the project's id right, and is it a project of this resource?",
    "NotFoundIteration": "no iteration is published, or exists, under that name or id",
    "ErrorPredictionModelNotFound": "no iteration is published under that name",
    "BadRequestIterationNotPublished": "no iteration is published under that name",
    "BadRequestInvalidPublishTarget": (
        "the prediction resource's id is not that of a Custom Vision prediction resource in the region of the project"
    ),
}


# In the service's words, whatever the code.
_OTHER_KIND = "invalid project type"


def refused(raw: Raw, resource: Resource) -> CloudVisionError:
    """The error for an answer whose status is not 2xx. Pure: the same answer always gives the same error.

    404 with a code of the service speaks of a project or an iteration, not of the endpoint; of 400s, those about the
    picture are `RejectedError`, and all others `SettingsRejectedError`, for the next picture would fare alike.
    """
    details, status = read_details(raw), raw.status
    code = details.code or ""
    if status == 400 and _OTHER_KIND in details.message.lower():
        what = f"{code}: {details.message} (features are classify or detect, as the project is)"
        return answered(SettingsRejectedError, raw, resource, what, code=details.code)
    if not (code.startswith(("NotFound", "BadRequest")) or code in _REMEDIES) or status in (401, 403, 429):
        return refusal(raw, resource)
    kind = RejectedError if code in _PICTURE else SettingsRejectedError
    remedy = f" ({_REMEDIES[code]})" if code in _REMEDIES else ""
    return answered(kind, raw, resource, f"{code}: {details.message}{remedy}", code=code)


def failed(error: SdkError, resource: Resource, *, host: str) -> CloudVisionError:
    """The error for a call from which no answer came back. What the SDK says is left out: it can quote headers and URLs."""
    from azure.core.exceptions import AzureError, DeserializationError, SerializationError
    from msrest.exceptions import ValidationError

    provider = resource.provider
    if isinstance(error, AzureError):  # of the token, not of the call
        return no_answer(error, resource, host=host)
    cause = getattr(error, "inner_exception", None) or error
    name = type(cause).__name__
    if isinstance(error, SerializationError | ValidationError):
        return ConfigError(f"{provider}: the SDK cannot put these settings into a request ({name})")
    if isinstance(error, DeserializationError):
        return UnexpectedAnswerError(f"{provider}: the SDK cannot read the answer", provider=provider, billed=None)
    if "CERTIFICATE_VERIFY_FAILED" in str(cause):
        return ConfigError(
            f"{provider}: the certificate of {host} is not trusted here; behind an inspecting proxy set "
            "REQUESTS_CA_BUNDLE to the company's certificate bundle"
        )
    if name in ("ConnectTimeout", "ProxyError", "SSLError") or _never_connected(cause):
        message = f"{provider}: no connection to {host} ({name}); check {resource.endpoint_variable} and the network"
        return UnavailableError(message, provider=provider, billed=False)
    return UnavailableError(f"{provider}: no answer from {host} ({name})", provider=provider, billed=None)


def _never_connected(cause: BaseException) -> bool:
    """requests says ConnectionError of both; urllib3's reason tells whether anything was sent."""
    reason = getattr(cause.args[0] if cause.args else None, "reason", None)
    return type(reason).__name__ in ("NewConnectionError", "NameResolutionError", "ConnectTimeoutError")
