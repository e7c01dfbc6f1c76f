"""Document Intelligence's refusals in our words: those of a request, and those of an analysis that had been accepted."""

from __future__ import annotations

from cloudvision.errors import (
    AuthError,
    CloudVisionError,
    ProviderError,
    RejectedError,
    ResultLostError,
    SettingsRejectedError,
    UnavailableError,
)
from cloudvision.providers._azure_errors import Details, Resource, answered, read_details, refusal
from cloudvision.raw import Raw

RESOURCE = Resource(
    "azure-document-intelligence",
    "DOCUMENT_INTELLIGENCE_ENDPOINT",
    "DOCUMENT_INTELLIGENCE_KEY",
    kind="Document Intelligence",
)

_MODEL = frozenset({"ModelNotFound", "ModelNotReady"})
_NO_MODEL_V2 = "1022"
_SETTINGS = frozenset({"InvalidParameter", "NotSupportedApiVersion"})
QUOTA_USED_UP = "out of call volume quota"
_BROKE = frozenset({"InternalServerError", "ServiceUnavailable", "Timeout", "ContentSourceTimeout"})


def refused(raw: Raw, resource: Resource = RESOURCE) -> CloudVisionError:
    """The error for an answer whose status is not 2xx. Pure: the same answer always gives the same error."""
    details = read_details(raw)
    if details.inner_code in _MODEL or details.code == _NO_MODEL_V2:
        return _settings(raw, details, "give a model of this resource with --model, or wait until it is built")
    # Pages that this document does not have are a matter of the document; a language is not.
    if details.inner_code in _SETTINGS and "parameter pages" not in details.message.lower():
        return _settings(raw, details, "no document can be read with it")
    if raw.status == 410:
        return _no_use(raw, details, "this version of the API is switched off; update cloudvision-gate")
    if raw.status == 429 and QUOTA_USED_UP in details.message.lower():
        return _no_use(raw, details, "the month's pages of the free tier F0 are used up")
    if details.inner_code in _BROKE and raw.status < 500:
        return answered(UnavailableError, raw, RESOURCE, details.message, code=details.inner_code)
    return refusal(raw, resource)


def poll_refused(raw: Raw, resource: Resource = RESOURCE) -> CloudVisionError:
    """The same for the answer to a poll: what is not found there is the analysis."""
    if raw.status != 404:
        return refused(raw, resource)
    details = read_details(raw)
    what = f"the service does not have this analysis (it keeps them for a day): {details.message}"
    code = details.inner_code or details.code
    return answered(ResultLostError, raw, resource, what, code=code, billed=None)


def failed(raw: Raw) -> ProviderError:
    """The error for an analysis that was accepted and has failed (status 200, "failed" or "canceled" in its body).

    The price page speaks of pages that were analysed: a failed analysis counts as not billed.
    """
    details = read_details(raw)
    code = details.inner_code or details.code
    kind = UnavailableError if code in _BROKE else RejectedError
    return answered(kind, raw, RESOURCE, f"the analysis failed: {details.message}", code=code)


def _settings(raw: Raw, details: Details, remedy: str) -> SettingsRejectedError:
    what = f"refused with status {raw.status}: {details.message} ({remedy})"
    return answered(SettingsRejectedError, raw, RESOURCE, what, code=details.code)


def _no_use(raw: Raw, details: Details, remedy: str) -> AuthError:
    return answered(AuthError, raw, RESOURCE, f"status {raw.status}: {details.message} ({remedy})", code=details.code)
