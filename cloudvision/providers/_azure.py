"""What the Azure adapters share: checks of the endpoint, key or Entra ID, one client for all threads, raw answers."""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import urlsplit

from cloudvision._printable import printable_source
from cloudvision.errors import CloudVisionError, ConfigError
from cloudvision.providers._azure_errors import Resource, no_answer, refusal
from cloudvision.raw import Raw

if TYPE_CHECKING:
    from azure.core.credentials import AzureKeyCredential, TokenCredential

Client = TypeVar("Client")
Hook = Callable[[Any], None]
"""The `raw_response_hook` of one call."""

KEPT_HEADERS = (
    "apim-request-id",
    "content-type",
    "csp-billing-usage",
    "operation-location",
    "retry-after",
    "retry-after-ms",
    "x-ms-error-code",
    "x-ms-region",
    "x-ms-retry-after-ms",
)


def missing_extra(resource: Resource) -> ConfigError:
    """The error for an SDK that is not installed."""
    return ConfigError(f"{resource.provider} needs the Azure SDK: pip install 'cloudvision-gate[azure]'")


@dataclass(frozen=True, slots=True)
class Login:
    """Where the resource is, and who we are. With neither key nor credential, Entra ID's default chain is used."""

    endpoint: str | None
    key: str | None = None
    credential: TokenCredential | None = None

    def __repr__(self) -> str:
        shown = None if self.endpoint is None else printable_source(self.endpoint)
        return f"Login({shown!r}, {'key' if self.key else 'Entra ID'})"

    @property
    def token_in_clear(self) -> bool:
        """True for a token over plain http, which `checked` only lets pass on this machine."""
        return not self.key and (self.endpoint or "").strip().lower().startswith("http:")

    def checked(self, resource: Resource) -> Login:
        """The same with trimmed values.

        Raises:
            ConfigError: the endpoint is missing, is no URL, is not encrypted, or takes no tokens; or the key cannot
                be one.
        """
        endpoint, key = (self.endpoint or "").strip().rstrip("/"), (self.key or "").strip()
        name = resource.endpoint_variable
        example = "https://<name>.cognitiveservices.azure.com"
        if not endpoint:
            raise ConfigError(f"{resource.provider}: {name} is not set; it is the resource's endpoint, {example}")
        parts = urlsplit(endpoint)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
            raise ConfigError(f"{resource.provider}: {name} is not an endpoint such as {example}")
        if parts.scheme == "http" and not _loopback(parts.hostname):
            raise ConfigError(f"{resource.provider}: {name} must begin with https: keys and tokens travel with it")
        if not key and parts.hostname.endswith(".api.cognitive.microsoft.com"):
            raise ConfigError(
                f"{resource.provider}: regional endpoints refuse Entra ID tokens; set {name} to the resource's custom "
                f"subdomain, {example}, or set {resource.key_variable}"
            )
        if not (key.isascii() and key.isprintable() and " " not in key):
            raise ConfigError(f"{resource.provider}: {resource.key_variable} holds characters that no key has")
        return Login(endpoint, key or None, self.credential)

    def ready(self, resource: Resource) -> str:
        """Where calls would go and as whom; raises like `checked`, or where the SDK for signing in is missing."""
        checked = self.checked(resource)
        if checked.key is None and checked.credential is None and find_spec("azure.identity") is None:
            raise missing_extra(resource)
        return f"{printable_source(checked.endpoint or '')}, {'a key' if checked.key else 'Entra ID'}"


class Connection(Generic[Client]):
    """One SDK client for all threads, built at the first call, and rebuilt when its token is refused."""

    def __init__(
        self,
        login: Login,
        build: Callable[[str, AzureKeyCredential | TokenCredential], Client],
        *,
        resource: Resource,
    ) -> None:
        self._login = login
        self._build = build
        self._resource = resource
        self._client: Client | None = None
        self._lock = threading.Lock()

    def ask(
        self,
        send: Callable[[Client, Hook], object],
        *,
        clock: Callable[[], float],
        now: Callable[[], float],
        refused: Callable[[Raw, Resource], CloudVisionError] = refusal,
    ) -> Raw:
        """Send one request, and one more with a fresh token where a token was refused.

        Args:
            send: makes the SDK call with `raw_response_hook` set to the hook and `stream=True`.
            clock: seconds, monotonic.
            now: seconds since the epoch.
            refused: makes the error of an answer whose status is not 2xx.

        Raises:
            ProviderError: an error answer, or none.
            ConfigError: the set-up is wrong.
        """
        client = self._current()
        answers = self._attempt(client, send, clock=clock, now=now)
        # The SDK itself asks twice when the service names the claims that the token lacks: that was the refresh.
        if answers[-1].status == 401 and len(answers) == 1 and not self._login.key:
            answers = self._attempt(self._renewed(client), send, clock=clock, now=now)
        raw = answers[-1]
        if not 200 <= raw.status < 300:
            raise refused(raw, self._resource)
        return raw

    def _attempt(
        self,
        client: Client,
        send: Callable[[Client, Hook], object],
        *,
        clock: Callable[[], float],
        now: Callable[[], float],
    ) -> list[Raw]:
        from azure.core.exceptions import AzureError, DeserializationError, SerializationError
        from azure.core.pipeline.transport import HttpResponse

        answers: list[Raw] = []
        started = clock()

        def keep(response: Any) -> None:
            http = response.http_response
            # Code of the older generator gets a response that has been read already.
            body = http.body() if isinstance(http, HttpResponse) else http.read()
            answers.append(_raw(http.status_code, http.headers, body, latency_s=clock() - started, received_at=now()))

        try:
            send(client, keep)
        except (AzureError, SerializationError, DeserializationError) as error:
            # With an answer in hand its bytes are judged, not what the SDK made of them.
            if not answers:
                host = urlsplit(self._login.endpoint or "").netloc
                raise no_answer(error, self._resource, host=host) from error
        return answers

    def _current(self) -> Client:
        with self._lock:
            if self._client is None:
                self._login = self._login.checked(self._resource)
                self._client = self._build(self._login.endpoint or "", self._credential())
            return self._client

    def _renewed(self, stale: Client) -> Client:
        """A client without the caches of `stale`; the one that another thread has just made, if there is one."""
        with self._lock:
            if self._client is stale:
                self._client = None
        return self._current()

    def _credential(self) -> AzureKeyCredential | TokenCredential:
        from azure.core.credentials import AzureKeyCredential

        if self._login.key:
            return AzureKeyCredential(self._login.key)
        if self._login.credential is not None:
            return self._login.credential
        try:
            from azure.identity import DefaultAzureCredential
        except ImportError as error:
            raise missing_extra(self._resource) from error
        return DefaultAzureCredential()


def _raw(status: int, headers: Mapping[str, str], body: bytes, *, latency_s: float, received_at: float) -> Raw:
    given = {name.lower(): value for name, value in headers.items()}
    return Raw(
        # Not strict: broken bytes were paid for as well.
        body=body.decode("utf-8", errors="replace"),
        status=status,
        headers=tuple((name, given[name]) for name in KEPT_HEADERS if name in given),
        latency_s=latency_s,
        received_at=received_at,
        units=_billed_units(given.get("csp-billing-usage")),
    )


def _billed_units(usage: str | None) -> int | None:
    """The sum in a header such as "CognitiveServices.ComputerVision.Transaction=1"; None where there is none."""
    counts = [entry.rpartition("=")[2].strip() for entry in (usage or "").replace(";", ",").split(",")]
    whole = [int(count) for count in counts if count.isdecimal()]
    return sum(whole) if whole else None


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
