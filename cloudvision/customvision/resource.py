"""A Custom Vision training resource: every call goes through the tier's rate, is retried by type, and is read as it came."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from cloudvision._json import JSON
from cloudvision.errors import ThrottledError, UnavailableError, UnexpectedAnswerError
from cloudvision.limit import Limiter
from cloudvision.providers._azure import Login
from cloudvision.providers._azure_custom_vision import Connection, Credential
from cloudvision.providers._azure_errors import Resource
from cloudvision.quotas import quota
from cloudvision.raw import Raw
from cloudvision.retry import RetryPolicy

if TYPE_CHECKING:
    from azure.cognitiveservices.vision.customvision.training import CustomVisionTrainingClient
    from azure.core.credentials import TokenCredential

NAME = "azure-custom-vision"
ENDPOINT, KEY = "CUSTOM_VISION_TRAINING_ENDPOINT", "CUSTOM_VISION_TRAINING_KEY"
_RESOURCE = Resource(NAME, ENDPOINT, KEY, kind="Custom Vision training")


class _UnsureError(Exception):
    """Not of our tree, so that the retry lets it through: it may have been worked on."""

    def __init__(self, error: UnavailableError) -> None:
        super().__init__(str(error))
        self.error = error


class TrainingResource:
    """Where projects live. Safe to share between threads.

    Args:
        endpoint: "https://<name>.cognitiveservices.azure.com" of the training resource.
        key: a key of it; without one Entra ID is asked, which needs the custom subdomain endpoint.
        credential: an Azure `TokenCredential`; by default `DefaultAzureCredential` where there is no key.
        tier: "F0" or "S0", for its rate and its limits.
        retry: bounds of trying again; the SDK's own retries are off.
        timeout_s: longest silence of the service within a call.
        clock: seconds, monotonic.
        sleep: waits that many seconds; may raise to end the wait (see `StopSignal.sleep`).
        now: seconds since the epoch.
        rng: draws the jitter of waits.

    Raises:
        ConfigError: there is no such tier.
    """

    def __init__(  # noqa: PLR0913 - independent settings, each given by name
        self,
        *,
        endpoint: str | None = None,
        key: str | None = None,
        credential: TokenCredential | None = None,
        tier: str = "S0",
        retry: RetryPolicy = RetryPolicy(),
        timeout_s: float = 100.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.time,
        rng: random.Random | None = None,
    ) -> None:
        self.tier = tier.upper()
        rate = quota(f"{NAME}-training", self.tier).per_second
        self._login = Login(endpoint, key, credential)
        self._connection: Connection[CustomVisionTrainingClient] = Connection(
            self._login, _client, resource=_RESOURCE, key_header="Training-key", timeout_s=timeout_s
        )
        self._limiter = Limiter(per_second=rate, clock=clock, sleep=sleep)
        self._retry = retry
        self._rng = rng
        self.clock = clock
        self.sleep = sleep
        self.now = now

    @classmethod
    def from_env(cls, env: Mapping[str, str], *, tier: str = "S0") -> TrainingResource:
        """Set up from CUSTOM_VISION_TRAINING_ENDPOINT and CUSTOM_VISION_TRAINING_KEY; missed at the first call."""
        return cls(endpoint=env.get(ENDPOINT), key=env.get(KEY), tier=tier)

    def __repr__(self) -> str:
        return f"TrainingResource({self._login!r}, {self.tier})"

    def ready(self) -> str:
        """Where calls would go, and as whom, without a call.

        Raises:
            ConfigError: the endpoint is missing or unfit, or the key cannot be one.
        """
        return self._login.ready(_RESOURCE)

    def ask(self, send: Callable[[Any], object], *, repeat: bool = True) -> JSON:
        """What the service answers to one call of the SDK, as JSON values; None for an empty answer of status 204.

        Args:
            send: makes the call.
            repeat: False for what must not be done twice: an attempt that broke off may have been worked on and is not
                repeated; one that was throttled, or never arrived, is.

        Raises:
            ProviderError: refused, failed to the end of the retries, or answered with something else than JSON.
            ConfigError: the set-up is wrong.
        """
        try:
            raw = self._retry.call(lambda: self._once(send, repeat), clock=self.clock, sleep=self.sleep, rng=self._rng)
        except _UnsureError as unsure:
            raise unsure.error from unsure.error.__cause__
        return values_of(raw)

    def _once(self, send: Callable[[Any], object], repeat: bool) -> Raw:
        number = self._limiter.acquire()
        try:
            raw = self._connection.ask(send, clock=self.clock, now=self.now)
        except UnavailableError as error:
            if not repeat and (error.status is not None or error.billed is not False):
                raise _UnsureError(error) from error
            raise
        except ThrottledError as error:
            self._limiter.throttled(number, retry_after=error.retry_after)
            raise
        self._limiter.answered()
        return raw


def values_of(raw: Raw) -> JSON:
    """The JSON values of an answer; None where status 204 says that there are none.

    Raises:
        UnexpectedAnswerError: the body is no JSON.
    """
    if raw.status == 204:
        return None
    try:
        values: JSON = json.loads(raw.body)
    except (ValueError, RecursionError) as error:
        raise unexpected(f"status {raw.status}, and no JSON: {raw.body[:80]!r}") from error
    return values


def unexpected(what: str) -> UnexpectedAnswerError:
    """An answer that is not of the known shape."""
    return UnexpectedAnswerError(f"{NAME}: {what}", provider=NAME, status=200)


def _client(endpoint: str, credential: Credential) -> CustomVisionTrainingClient:
    from azure.cognitiveservices.vision.customvision.training import CustomVisionTrainingClient

    return CustomVisionTrainingClient(endpoint, credential)  # type: ignore[no-untyped-call]
