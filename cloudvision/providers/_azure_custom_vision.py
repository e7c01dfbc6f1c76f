"""What both clients of Custom Vision's SDK share: one client for all threads, its own retries off, raw answers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import urlsplit

from cloudvision.errors import CloudVisionError
from cloudvision.providers._azure import KEPT_HEADERS, Login, missing_extra
from cloudvision.providers._azure_custom_vision_credential import EntraCredential, KeyCredential
from cloudvision.providers._azure_custom_vision_errors import failed, refused
from cloudvision.providers._azure_errors import Resource
from cloudvision.raw import Raw

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

Client = TypeVar("Client")
Credential = KeyCredential | EntraCredential


class Connection(Generic[Client]):
    """One SDK client for all threads, built at the first call, and rebuilt when its token is refused.

    Args:
        login: where, and who we are.
        build: the SDK's client for an endpoint and a credential.
        resource: names for messages.
        key_header: "Training-key" or "Prediction-key".
        connect_timeout_s, timeout_s: until there is a connection, and until the next bytes of an answer.
    """

    def __init__(
        self,
        login: Login,
        build: Callable[[str, Credential], Client],
        *,
        resource: Resource,
        key_header: str,
        connect_timeout_s: float = 10.0,
        timeout_s: float = 100.0,
    ) -> None:
        self._login = login
        self._build = build
        self._resource = resource
        self._key_header = key_header
        self._timeouts = (connect_timeout_s, timeout_s)
        self._client: Client | None = None
        self._lock = threading.Lock()
        self._slot = threading.local()

    def ask(
        self,
        send: Callable[[Client], object],
        *,
        clock: Callable[[], float],
        now: Callable[[], float],
        refused: Callable[[Raw, Resource], CloudVisionError] = refused,
    ) -> Raw:
        """Send one request, and one more with a fresh token where a token was refused.

        Args:
            send: makes one call of the SDK; what that returns or says of the answer is of no account, its bytes are.
            clock: seconds, monotonic.
            now: seconds since the epoch.
            refused: makes the error of an answer whose status is not 2xx.

        Raises:
            ProviderError: an error answer, or none.
            ConfigError: the set-up is wrong.
        """
        client = self._current()
        raw = self._attempt(client, send, clock=clock, now=now)
        if raw.status == 401 and not self._login.key:
            raw = self._attempt(self._renewed(client), send, clock=clock, now=now)
        if not 200 <= raw.status < 300:
            raise refused(raw, self._resource)
        return raw

    def _attempt(
        self,
        client: Client,
        send: Callable[[Client], object],
        *,
        clock: Callable[[], float],
        now: Callable[[], float],
    ) -> Raw:
        from azure.core.exceptions import AzureError, DeserializationError, SerializationError
        from msrest.exceptions import ClientException

        answers: list[Any] = []
        self._slot.answers = answers
        started = clock()
        try:
            send(client)
        except (ClientException, AzureError, SerializationError, DeserializationError) as error:
            if not answers:
                raise failed(error, self._resource, host=urlsplit(self._login.endpoint or "").netloc) from error
        except (AttributeError, KeyError, TypeError, ValueError):
            # What the SDK does with bodies that it does not expect, such as none at all; without an answer it is a bug.
            if not answers:
                raise
        response = answers[-1]
        given = {name.lower(): value for name, value in response.headers.items()}
        return Raw(
            # Not strict: broken bytes were paid for as well.
            body=response.content.decode("utf-8", "replace"),
            status=response.status_code,
            headers=tuple((name, given[name]) for name in KEPT_HEADERS if name in given),
            latency_s=clock() - started,
            received_at=now(),
        )

    def _current(self) -> Client:
        with self._lock:
            if self._client is None:
                self._login = self._login.checked(self._resource)
                self._client = self._built(self._login.endpoint or "", self._credential())
            return self._client

    def _renewed(self, stale: Client) -> Client:
        """A client without the caches of `stale`; the one that another thread has just made, if there is one."""
        with self._lock:
            if self._client is stale:
                self._client = None
        return self._current()

    def _built(self, endpoint: str, credential: Credential) -> Client:
        try:
            client = self._build(endpoint, credential)
        except ImportError as error:
            raise missing_extra(self._resource) from error
        config: Any = client.config  # type: ignore[attr-defined]
        # Without a list of statuses a 503 stays an answer; with retries at 0 alone it would become an error without one.
        config.retry_policy.retries = 0
        config.retry_policy.policy.status_forcelist = set()
        config.retry_policy.policy.respect_retry_after_header = False
        # The SDK would carry the key header to whatever host a redirect names.
        config.redirect_policy.allow = False
        config.connection.timeout = self._timeouts
        config.hooks.append(self._keep)
        return client

    def _keep(self, response: Any, *_: object, **__: object) -> None:
        # Reading it here means that an answer that breaks off is no answer.
        _ = response.content
        self._slot.answers.append(response)

    def _credential(self) -> Credential:
        if self._login.key:
            return KeyCredential(self._key_header, self._login.key)
        if self._login.credential is not None:
            return EntraCredential(self._login.credential)
        return EntraCredential(_default_credential(self._resource))


def _default_credential(resource: Resource) -> TokenCredential:
    try:
        from azure.identity import DefaultAzureCredential
    except ImportError as error:
        raise missing_extra(resource) from error
    return DefaultAzureCredential()
