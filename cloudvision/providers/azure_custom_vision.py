"""Azure Custom Vision: labels or objects by a model of one's own, trained and published in the cloud."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cloudvision.errors import ConfigError
from cloudvision.images import Image, Limits, Prepared, Remote
from cloudvision.prices import price
from cloudvision.providers._azure import Login
from cloudvision.providers._azure_custom_vision import Connection
from cloudvision.providers._azure_custom_vision_asking import NAME, PROJECT, PUBLISHED, Target, is_id
from cloudvision.providers._azure_custom_vision_errors import refused
from cloudvision.providers._custom_vision_parse import parse_answer
from cloudvision.providers._options import Options
from cloudvision.providers._stand_in import stand_in
from cloudvision.raw import Raw
from cloudvision.results import Analysis

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

API_VERSION = "v3.1"
PREPARATION = 1
"""Version of what we do to a picture before it is sent."""

LIMITS = Limits(formats=frozenset({"JPEG", "PNG", "BMP", "GIF"}), max_bytes=4_000_000, max_side=10_240)
"""4 MB and 10,240 pixels; less than 256 pixels are enlarged by the service (the vendor's limits and quotas)."""

_FEATURES = ("classify", "detect")
_OPERATION = "azure-custom-vision/prediction"


class AzureCustomVision:
    """Provider "azure-custom-vision".

    Publish under a name that means one iteration for ever ("v1.2.0"): answers are kept by that name.

    Args:
        endpoint: "https://<name>.cognitiveservices.azure.com" of the prediction resource; of the training resource where
            the model is an iteration's id. Plain http is only taken for this machine itself.
        key: a key of that resource. Without one, Entra ID is asked, which needs the custom subdomain endpoint.
        credential: an Azure `TokenCredential`; by default `DefaultAzureCredential` where there is no key.
        project: the project's id.
        options: `model` (the published name; or the id of an iteration, which is asked as a quick test), `features`
            ("classify" by default, or "detect", as the project is), `store` (the service keeps picture and prediction, for
            training with them later; off by default), `min_confidence` (what `parse` leaves out), and the time-outs.
        clock: seconds, monotonic.
        now: seconds since the epoch.

    Raises:
        ConfigError: a setting is unknown, out of range, or no id.
    """

    name = NAME

    def __init__(
        self,
        *,
        endpoint: str | None = None,
        key: str | None = None,
        credential: TokenCredential | None = None,
        project: str | None = None,
        options: Options = Options(),
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        options.refuse_unknown(self.name, frozenset({"features", "model", "store", "min_confidence"}))
        self.target = _target(project, options)
        self._least = _least(options.min_confidence)
        self._login = Login(endpoint, key, credential)
        self._clock = clock
        self._now = now
        self._connection: Connection[Any] = Connection(
            self._login,
            self.target.client,
            resource=self.target.resource,
            key_header=self.target.key_header,
            connect_timeout_s=options.connect_timeout_s,
            timeout_s=options.timeout_s,
        )
        self.fingerprint = _fingerprint(self.target) + stand_in(endpoint)

    @classmethod
    def from_env(cls, options: Options, *, env: Mapping[str, str]) -> AzureCustomVision:
        """Set up from CUSTOM_VISION_PROJECT_ID, CUSTOM_VISION_PUBLISHED_NAME and endpoint and key, missed at the first `call`.

        CUSTOM_VISION_PREDICTION_ENDPOINT and _KEY; where the model is an iteration's id, CUSTOM_VISION_TRAINING_ENDPOINT and
        _KEY.
        """
        options = replace(options, model=options.model or env.get(PUBLISHED))
        project = env.get(PROJECT)
        resource = _target(project, options).resource
        endpoint, key = env.get(resource.endpoint_variable), env.get(resource.key_variable)
        return cls(endpoint=endpoint, key=key, project=project, options=options)

    def __repr__(self) -> str:
        return f"AzureCustomVision({self.target!r}, {self._login!r})"

    def call(self, image: Image | Remote, /) -> Raw:
        """Send one request (a second one only with a fresh token, where a token was refused).

        A `Remote` with a URL is fetched by the service itself.

        Raises:
            ProviderError: the service refused, failed or did not answer.
            ConfigError: endpoint, project or name are missing or unfit, the SDK is not installed, or the picture is an S3
                object.
            ImageError: the picture cannot be made to fit what the service takes.
        """
        self.target.checked()
        if isinstance(image, Remote):
            if image.url is None:
                raise ConfigError(f"{self.name} cannot read {image.source}: it takes files and http(s) URLs")
            return self._ask(image.url)
        prepared = image.prepare(LIMITS)
        return replace(self._ask(prepared), width=prepared.width, height=prepared.height)

    def ready(self) -> str:
        """See `SelfChecking.ready`.

        Raises:
            ConfigError: the endpoint is missing or unfit, the key cannot be one, or project or name are not set.
        """
        found, target = self._login.ready(self.target.resource), self.target.checked()
        return f"{found}, project {target.project}, {'iteration' if target.is_iteration else 'published as'} {target.model}"

    def parse(self, raw: Raw, /) -> Analysis:
        """Read an answer: labels of a classifier or regions of a detector, surest first.

        Raises:
            ProviderError: the answer is an error answer.
            UnexpectedAnswerError: status 2xx, and no predictions in it.
        """
        if not 200 <= raw.status < 300:
            raise refused(raw, self.target.resource)
        return parse_answer(raw, provider=self.name, detects=self.target.detects, least=self._least)

    def worst_cost(self, image: Image | Remote, /) -> int:  # noqa: ARG002 - every picture costs the same
        """One transaction, in micros."""
        return price(_OPERATION, 1)

    def units(self, image: Image | Remote, /) -> Mapping[str, int]:  # noqa: ARG002 - every picture counts the same
        """Billed units of one call by operation of the price list."""
        return {_OPERATION: 1}

    def cost(self, raw: Raw, /) -> int:
        """One transaction for an answer, nothing for a refusal."""
        return price(_OPERATION, 1) if 200 <= raw.status < 300 else 0

    def _ask(self, what: Prepared | str) -> Raw:
        return self._connection.ask(lambda client: self.target.send(client, what), clock=self._clock, now=self._now)


def _target(project: str | None, options: Options) -> Target:
    project, model = (project or "").strip() or None, (options.model or "").strip() or None
    if project is not None and not is_id(project):
        raise ConfigError(
            f"{NAME}: {PROJECT} is {project!r:.80}, and no id such as 00000000-0000-0000-0000-000000000000"
        )
    wanted = {name.strip().lower() for name in options.features} or {"classify"}
    if len(wanted) > 1 or not wanted <= set(_FEATURES):
        raise ConfigError(
            f"{NAME} does one of {' and '.join(_FEATURES)}, as the project is, not {', '.join(options.features)}"
        )
    return Target(project, model, detects="detect" in wanted, store=options.store)


def _least(min_confidence: float | None) -> float:
    least = 0.0 if min_confidence is None else min_confidence
    if not 0 <= least <= 1:
        raise ConfigError(f"{NAME}: min_confidence must be from 0 to 1, not {min_confidence}")
    return least


def _fingerprint(target: Target) -> str:
    settings = {
        "api": API_VERSION,
        "preparation": PREPARATION,
        "project": target.project,
        "model": target.model,
        "detects": target.detects,
    }
    return json.dumps(settings, sort_keys=True)
