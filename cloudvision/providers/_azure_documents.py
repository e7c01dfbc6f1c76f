"""Document Intelligence on the wire, through the Azure SDK: one request to submit a document, one to poll."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cloudvision.errors import ConfigError, UncertainError
from cloudvision.providers._azure import Connection, Hook, Login, missing_extra
from cloudvision.providers._document_errors import QUOTA_USED_UP, RESOURCE, poll_refused, refused
from cloudvision.providers._document_settings import API_VERSION, Settings
from cloudvision.raw import Raw

if TYPE_CHECKING:
    from azure.ai.formrecognizer import DocumentAnalysisClient
    from azure.core.credentials import AzureKeyCredential, TokenCredential
    from azure.core.pipeline.transport import HttpTransport

_RESULT = re.compile(r"/documentModels/([A-Za-z0-9._~-]+)/analyzeResults/([A-Za-z0-9._~-]+)(?:[?#]|$)")


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds for the connection and for the answer to one request, and the clocks that tell how long it took."""

    connect_s: float
    read_s: float
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time


class Wire:
    """Sends requests for many threads; one SDK client, built at the first one."""

    def __init__(
        self,
        login: Login,
        settings: Settings,
        patience: Patience,
        *,
        transport: HttpTransport[Any, Any] | None = None,
    ) -> None:
        self.login = login
        self._settings = settings
        self._patience = patience
        self._transport = transport
        self._connection = Connection(login, self._client, resource=RESOURCE)

    def post(self, document: bytes | str) -> Raw:
        """Submit bytes, or a URL that the service fetches.

        Raises:
            ProviderError: the service refused, failed or did not answer.
            ConfigError: the set-up is wrong.
        """
        _check_extra()
        patience = self._patience
        return self._connection.ask(
            lambda client, hook: self._post(client, hook, document),
            clock=patience.clock,
            now=patience.now,
            refused=refused,
        )

    def get(self, operation: str) -> Raw:
        """Ask for the answer once.

        Raises:
            UncertainError: another resource has accepted it.
            ResultLostError: there is no such operation.
            ProviderError, ConfigError: as for `post`.
        """
        _check_extra()
        patience, path = self._patience, _path(operation)
        if path is None:
            raise ConfigError(f"{RESOURCE.provider}: {operation!r:.200} is not an operation of this service")
        if _host(operation) != _host(self._endpoint()):
            raise UncertainError(
                f"{RESOURCE.provider}: {_host(operation)} has accepted this document and keeps its answer for a day: ask"
                f" there ({RESOURCE.endpoint_variable}), or give it up with `cloudvision ledger resolve`"
            )
        return self._connection.ask(
            lambda client, hook: self._get(client, hook, path),
            clock=patience.clock,
            now=patience.now,
            refused=poll_refused,
        )

    def operation(self, location: str | None) -> str | None:
        """Where the answer will be, below our own endpoint; None where this is not the address of an analysis.

        The key goes nowhere else, whatever host an answer names (as gateways in front of the service make it do).
        """
        path = _path(location or "")
        return None if path is None else f"{self._endpoint()}/formrecognizer{path}"

    def _endpoint(self) -> str:
        return self.login.checked(RESOURCE).endpoint or ""

    def _post(self, client: DocumentAnalysisClient, hook: Hook, document: bytes | str) -> None:
        asked: dict[str, Any] = {
            "pages": self._settings.pages,
            "locale": self._settings.locale,
            "features": list(self._settings.features) or None,
            # The SDK's own poller asks at once, and is dead after a few throttled polls: see `Polling`.
            "polling": False,
            **self._each_request(hook),
        }
        with _past_the_quota_policy(hook):
            if isinstance(document, bytes):
                client.begin_analyze_document(self._settings.model, document, **asked)
            else:
                client.begin_analyze_document_from_url(self._settings.model, document, **asked)

    def _get(self, client: DocumentAnalysisClient, hook: Hook, path: str) -> None:
        from azure.core.rest import HttpRequest

        # Not streamed: a policy of the SDK reads the body of a throttled answer, and stumbles where it is not there yet.
        with _past_the_quota_policy(hook):
            client.send_request(HttpRequest("GET", path), **self._each_request(hook))

    def _each_request(self, hook: Hook) -> dict[str, Any]:
        settings: dict[str, Any] = {
            "connection_timeout": self._patience.connect_s,
            "read_timeout": self._patience.read_s,
            "raw_response_hook": hook,
        }
        return {**settings, "enforce_https": False} if self.login.token_in_clear else settings

    def _client(self, endpoint: str, credential: AzureKeyCredential | TokenCredential) -> DocumentAnalysisClient:
        from azure.ai.formrecognizer import DocumentAnalysisClient

        settings: dict[str, Any] = {} if self._transport is None else {"transport": self._transport}
        # Redirects stay off: the SDK would carry the key header to whatever host the answer names.
        return DocumentAnalysisClient(
            endpoint, credential, api_version=API_VERSION, retry_total=0, permit_redirects=False, **settings
        )


@contextmanager
def _past_the_quota_policy(hook: Hook) -> Iterator[None]:
    """Show the hook the one answer that a policy of this SDK turns into an exception before any hook."""
    from azure.core.exceptions import HttpResponseError

    try:
        yield
    except HttpResponseError as error:
        if QUOTA_USED_UP in str(error).lower():
            hook(SimpleNamespace(http_response=error.response))
        raise


def _host(address: str) -> str:
    return urlsplit(address).netloc.lower()


def _path(location: str) -> str | None:
    found = _RESULT.search(location)
    return None if found is None else f"/documentModels/{found[1]}/analyzeResults/{found[2]}"


def _check_extra() -> None:
    try:
        import azure.ai.formrecognizer  # noqa: F401
    except ImportError as error:
        raise missing_extra(RESOURCE) from error
