"""Azure's refusals in our words: one mapping for answers with an error status, one for calls without an answer."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from cloudvision._retry_after import retry_after
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
from cloudvision.raw import Raw

if TYPE_CHECKING:
    from azure.core.exceptions import AzureError, DeserializationError, SerializationError

    SdkError = AzureError | SerializationError | DeserializationError

Error = TypeVar("Error", bound=ProviderError)

_URL_QUERY = re.compile(r"(https?://[^\s?\"'<>]+)\?[^\s\"'<>]*")
_WRONG_KIND = re.compile(r"current subscription key and pricing tier (\S+?)\.?(\s|$)")
# What is asked of the service is refused, not the picture: the next one would fare alike.
_SETTINGS = frozenset({"NotSupportedLanguage", "NotSupportedVisualFeature", "BadArgument"})
_NO_ANSWER_FROM_BEHIND = frozenset({408, 502, 504})


@dataclass(frozen=True, slots=True)
class Resource:
    """Whose answers are read: the provider's name, and the variables and the kind that the remedies speak of."""

    provider: str
    endpoint_variable: str
    key_variable: str
    kind: str = "Computer Vision"


@dataclass(frozen=True, slots=True)
class Details:
    """What an error answer says: its outermost code, all its messages, and the code behind the first one."""

    code: str | None
    message: str
    inner_code: str | None = None


def refusal(raw: Raw, resource: Resource) -> CloudVisionError:
    """The error for an answer whose status is not 2xx. Pure: the same answer always gives the same error."""
    status, details = raw.status, read_details(raw)
    if status in (401, 403):
        return _auth(raw, details, _auth_remedy(raw, details, resource), resource)
    if status == 429:
        return ThrottledError(
            f"{resource.provider}: too many requests: {details.message}",
            provider=resource.provider,
            status=status,
            code=details.code,
            request_id=raw.header("apim-request-id"),
            retry_after=retry_after(dict(raw.headers), now=raw.received_at),
        )
    if status >= 500 or status == 408:
        return UnavailableError(
            f"{resource.provider}: the service failed with status {status}: {details.message}",
            provider=resource.provider,
            status=status,
            code=details.code,
            request_id=raw.header("apim-request-id"),
            billed=_billed(raw),
            retry_after=retry_after(dict(raw.headers), now=raw.received_at),
        )
    if status in (404, 405, 410) or status < 400:
        remedy = f"nothing of this kind answers there; check {resource.endpoint_variable}"
        return _auth(raw, details, remedy, resource)
    if "not supported in this region" in details.message:
        return ConfigError(
            f"{resource.provider}: {details.message} Use a resource in another region ({resource.endpoint_variable}), "
            "or leave the feature out"
        )
    kind = SettingsRejectedError if details.inner_code in _SETTINGS else RejectedError
    what = f"refused with status {status}: {details.message}"
    return answered(kind, raw, resource, what, code=details.code, billed=_billed(raw))


def answered(
    kind: type[Error], raw: Raw, resource: Resource, what: str, *, code: str | None, billed: bool | None = False
) -> Error:
    """An error of that kind with all that the answer tells: its status, its code, and the id for the support."""
    return kind(
        f"{resource.provider}: {what}",
        provider=resource.provider,
        status=raw.status,
        code=code,
        request_id=raw.header("apim-request-id"),
        billed=billed,
    )


def no_answer(error: SdkError, resource: Resource, *, host: str) -> CloudVisionError:
    """The error for a call from which no answer of the service came back.

    What the SDK says about a failed transfer is left out on purpose: it can quote headers and URLs.
    """
    from azure.core import exceptions as sdk

    provider, status = resource.provider, getattr(error, "status_code", None)
    cause = type(getattr(error, "inner_exception", None) or error).__name__
    if isinstance(error, sdk.ClientAuthenticationError):
        return AuthError(
            f"{provider}: no Entra ID token: {_first_line(error)}; set {resource.key_variable}, or sign in (az login)",
            provider=provider,
            status=status,
        )
    if isinstance(error, sdk.ServiceRequestError):
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return ConfigError(
                f"{provider}: the certificate of {host} is not trusted here; behind an inspecting proxy set "
                "REQUESTS_CA_BUNDLE to the company's certificate bundle"
            )
        message = f"{provider}: no connection to {host} ({cause}); check {resource.endpoint_variable} and the network"
        return UnavailableError(message, provider=provider, billed=False)
    if isinstance(error, sdk.SerializationError):
        return ConfigError(f"{provider}: the SDK cannot put these settings into a request")
    if isinstance(error, sdk.DeserializationError):
        message = f"{provider}: the SDK cannot read the answer ({cause})"
        return UnexpectedAnswerError(message, provider=provider, billed=None)
    # Every answer of the service itself is seen before an SDK error is: a status can only be the token endpoint's.
    billed = None if status is None else False
    return UnavailableError(f"{provider}: no answer from {host} ({cause})", provider=provider, billed=billed)


def _auth(raw: Raw, details: Details, remedy: str, resource: Resource) -> AuthError:
    what = f"status {raw.status}: {details.message} ({remedy})"
    return answered(AuthError, raw, resource, what, code=details.code, billed=_billed(raw))


def _auth_remedy(raw: Raw, details: Details, resource: Resource) -> str:
    if kind := _WRONG_KIND.search(details.message):
        return (
            f"the key is good, but for another kind of resource, {kind[1]}: {resource.key_variable} and "
            f"{resource.endpoint_variable} must be those of a {resource.kind} or Azure AI services resource"
        )
    if "quota" in details.message.lower():
        return "the quota of this pricing tier is used up"
    if raw.status == 403:
        return "the role 'Cognitive Services User' is missing, or the resource's network rules keep this machine out"
    return (
        f"{resource.key_variable} is wrong, or not the key of the resource at {resource.endpoint_variable}; with Entra "
        "ID the token was refused"
    )


def _billed(raw: Raw) -> bool | None:
    """The service names billed units in a header, on refusals too; only a gateway's time-out leaves it open."""
    if raw.units:
        return True
    return None if raw.status in _NO_ANSWER_FROM_BEHIND else False


def read_details(raw: Raw) -> Details:
    """The code and the messages of an error answer, shortened and without the queries of URLs."""
    try:
        body = json.loads(raw.body)
    except ValueError:
        body = None
    found = body.get("error", body) if isinstance(body, Mapping) else None
    if not isinstance(found, Mapping):
        text = " ".join(re.sub(r"<[^>]*>", " ", raw.body[:4000]).split())
        return Details(raw.header("x-ms-error-code"), _clean(text) or "no details given")
    inner, more = found.get("innererror"), found.get("details")
    if not isinstance(inner, Mapping) and isinstance(more, list):
        inner = next((each for each in more if isinstance(each, Mapping)), None)
    codes = [found.get("code"), inner.get("code") if isinstance(inner, Mapping) else None]
    texts = [found.get("message"), inner.get("message") if isinstance(inner, Mapping) else None]
    given = [str(text) for text in texts if text]
    code = next((str(each) for each in codes if each), raw.header("x-ms-error-code"))
    return Details(code, _clean(" ".join(given)) or f"code {code}", codes[1] if isinstance(codes[1], str) else None)


def _clean(text: str) -> str:
    """Short, and without the query of any URL: it may hold a signature."""
    short = _URL_QUERY.sub(r"\1", text)
    return short if len(short) <= 300 else f"{short[:299]}…"


def _first_line(error: BaseException) -> str:
    return _clean((str(error).strip() or type(error).__name__).splitlines()[0])
