"""Azure AI Vision Image Analysis 4.0: captions, tags, objects, people, crops and text of one picture in one call."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cloudvision.errors import ConfigError
from cloudvision.images import Image, Limits, Prepared, Remote
from cloudvision.prices import image_analysis_cost, image_analysis_units, price
from cloudvision.providers._azure import Connection, Hook, Login, missing_extra
from cloudvision.providers._azure_errors import Resource, refusal
from cloudvision.providers._image_analysis_parse import RESULTS, parse_answer
from cloudvision.providers._options import Options
from cloudvision.providers._shrink import ENOUGH, shrunk
from cloudvision.providers._stand_in import stand_in
from cloudvision.raw import Raw
from cloudvision.results import Analysis

if TYPE_CHECKING:
    from azure.ai.vision.imageanalysis import ImageAnalysisClient
    from azure.core.credentials import AzureKeyCredential, TokenCredential
    from azure.core.pipeline.transport import HttpTransport

API_VERSION = "2023-10-01"
PREPARATION = 1
"""Version of what we do to a picture before it is sent."""

FEATURES = tuple(RESULTS)

LIMITS = Limits(
    formats=frozenset({"JPEG", "PNG", "GIF", "BMP", "WEBP", "ICO", "TIFF", "MPO"}),
    max_bytes=20 * 1024 * 1024 - 1,
    min_side=51,
    max_side=15_999,
)
"""Less than 20 MB, more than 50 x 50 and less than 16,000 x 16,000 pixels (the vendor's overview of Image Analysis)."""

_RESOURCE = Resource("azure-image-analysis", "VISION_ENDPOINT", "VISION_KEY")
_CAPTIONS = {"caption", "denseCaptions"}
_DEAREST = "azure-image-analysis/text"


class AzureImageAnalysis:
    """Provider "azure-image-analysis".

    Args:
        endpoint: "https://<name>.cognitiveservices.azure.com"; plain http is only taken for this machine itself.
        key: a key of that resource. Without one, Entra ID is asked, which needs the custom subdomain endpoint.
        credential: an Azure `TokenCredential`; by default `DefaultAzureCredential` where there is no key.
        options: `features` ("caption", "denseCaptions", "objects", "people", "read", "smartCrops", "tags", also in
            snake_case; by default "read"), `language`, `gender_neutral`, `crop_ratios`, `model`, and the time-outs.
        transport: an azure-core transport to share; by default one of its own, which honours HTTPS_PROXY and
            REQUESTS_CA_BUNDLE.
        clock: seconds, monotonic.
        now: seconds since the epoch.

    Raises:
        ConfigError: a setting is unknown, out of range, or of no use with these features.
    """

    name = _RESOURCE.provider

    def __init__(
        self,
        *,
        endpoint: str | None = None,
        key: str | None = None,
        credential: TokenCredential | None = None,
        options: Options = Options(),
        transport: HttpTransport[Any, Any] | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        known = frozenset({"features", "model", "language", "gender_neutral", "crop_ratios", "shrink"})
        options.refuse_unknown(self.name, known)
        self.features = _features(options.features)
        _check(options, self.features)
        self._options = options
        self._login = Login(endpoint, key, credential)
        self._transport = transport
        self._clock = clock
        self._now = now
        self._connection = Connection(self._login, self._client, resource=_RESOURCE)
        self.fingerprint = _fingerprint(options, self.features) + stand_in(endpoint)

    @classmethod
    def from_env(cls, options: Options, *, env: Mapping[str, str]) -> AzureImageAnalysis:
        """Set up from VISION_ENDPOINT and VISION_KEY; they are only missed at the first `call`."""
        return cls(endpoint=env.get("VISION_ENDPOINT"), key=env.get("VISION_KEY"), options=options)

    def __repr__(self) -> str:
        return f"AzureImageAnalysis(features={self.features!r}, {self._login!r})"

    def call(self, image: Image | Remote, /) -> Raw:
        """Send one request (a second one only with a fresh token, where a token was refused).

        A `Remote` with a URL is fetched by the service itself.

        Raises:
            ProviderError: the service refused, failed or did not answer.
            ConfigError: the endpoint is missing or unfit, the SDK is not installed, or the picture is an S3 object.
            ImageError: the picture cannot be made to fit what the service takes.
        """
        if isinstance(image, Remote):
            if image.url is None:
                raise ConfigError(f"{self.name} cannot read {image.source}: it takes files and http(s) URLs")
            return self._ask(image.url)
        shrink = self._options.shrink
        prepared = shrunk(image, LIMITS, side=ENOUGH[self.name]) if shrink else image.prepare(LIMITS)
        return replace(self._ask(prepared), width=prepared.width, height=prepared.height)

    def ready(self) -> str:
        """See `SelfChecking.ready`.

        Raises:
            ConfigError: VISION_ENDPOINT is missing or unfit, or VISION_KEY cannot be a key.
        """
        return self._login.ready(_RESOURCE)

    def parse(self, raw: Raw, /) -> Analysis:
        """Read an answer; lines have no confidence in this service, their words do.

        Raises:
            ProviderError: the answer is an error answer.
            ConfigError: the region does not offer the feature.
            UnexpectedAnswerError: status 2xx, and no result in it.
        """
        if not 200 <= raw.status < 300:
            raise refusal(raw, _RESOURCE)
        return parse_answer(raw, provider=self.name, asked=self.features)

    def worst_cost(self, image: Image | Remote, /) -> int:  # noqa: ARG002 - every picture costs the same
        """Each feature counts as one transaction, in micros, at the first price tier."""
        return image_analysis_cost(self.features)

    def units(self, image: Image | Remote, /) -> Mapping[str, int]:  # noqa: ARG002 - every picture counts the same
        """Billed units of one call by operation of the price list."""
        return image_analysis_units(self.features)

    def cost(self, raw: Raw, /) -> int:
        """The larger of what the price page says (each feature counts) and what the answer's billing header says."""
        listed = len(self.features) if 200 <= raw.status < 300 else 0
        more = max(0, (raw.units or 0) - listed)
        return (image_analysis_cost(self.features) if listed else 0) + price(_DEAREST, more)

    def _ask(self, what: Prepared | str) -> Raw:
        try:
            import azure.ai.vision.imageanalysis  # noqa: F401
        except ImportError as error:
            raise missing_extra(_RESOURCE) from error
        return self._connection.ask(
            lambda client, hook: self._send(client, hook, what), clock=self._clock, now=self._now
        )

    def _send(self, client: ImageAnalysisClient, hook: Hook, what: Prepared | str) -> None:
        from azure.ai.vision.imageanalysis.models import VisualFeatures

        options, features = self._options, [VisualFeatures(name) for name in self.features]
        settings: dict[str, Any] = {
            "language": options.language,
            "gender_neutral_caption": options.gender_neutral or None,
            "smart_crops_aspect_ratios": list(options.crop_ratios) or None,
            "model_version": options.model,
            "connection_timeout": options.connect_timeout_s,
            "read_timeout": options.timeout_s,
            # The hook reads the bytes; the SDK neither interprets them nor stumbles over a body it does not like.
            "stream": True,
            "raw_response_hook": hook,
        }
        if self._login.token_in_clear:
            settings["enforce_https"] = False
        if isinstance(what, Prepared):
            client.analyze(what.data, features, **settings)
        else:
            client.analyze_from_url(what, features, **settings)

    def _client(self, endpoint: str, credential: AzureKeyCredential | TokenCredential) -> ImageAnalysisClient:
        from azure.ai.vision.imageanalysis import ImageAnalysisClient

        settings: dict[str, Any] = {} if self._transport is None else {"transport": self._transport}
        # Redirects stay off: the SDK would carry the key header to whatever host the answer names.
        return ImageAnalysisClient(
            endpoint, credential, api_version=API_VERSION, retry_total=0, permit_redirects=False, **settings
        )


def _features(wanted: Iterable[str]) -> tuple[str, ...]:
    """The service's names, each once, in one order: the order of a request changes nothing in its answer."""
    known = {name.lower(): name for name in FEATURES}
    names = [(name, known.get(name.replace("_", "").lower())) for name in wanted]
    if unknown := [name for name, official in names if official is None]:
        raise ConfigError(f"{_RESOURCE.provider} has no feature {', '.join(unknown)}; it has {', '.join(FEATURES)}")
    given = {official for _, official in names} or {"read"}
    return tuple(name for name in FEATURES if name in given)


def _check(options: Options, features: tuple[str, ...]) -> None:
    name = _RESOURCE.provider
    if wrong := [ratio for ratio in options.crop_ratios if not (math.isfinite(ratio) and 0.75 <= ratio <= 1.8)]:
        raise ConfigError(f"{name}: crop ratios must be from 0.75 to 1.8, not {', '.join(map(str, wrong))}")
    if options.crop_ratios and "smartCrops" not in features:
        raise ConfigError(f"{name}: crop_ratios are of no use without the feature smartCrops")
    if options.gender_neutral and not _CAPTIONS & set(features):
        raise ConfigError(f"{name}: gender_neutral is of no use without the feature caption or denseCaptions")


def _fingerprint(options: Options, features: tuple[str, ...]) -> str:
    settings = {
        "api": API_VERSION,
        "preparation": PREPARATION,
        "features": features,
        "language": options.language,
        "gender_neutral": options.gender_neutral,
        "crop_ratios": options.crop_ratios,
        "model": options.model,
    }
    if options.shrink:  # not among the others: answers from before this option keep their keys
        settings["shrunk"] = ENOUGH[AzureImageAnalysis.name]
    return json.dumps(settings, sort_keys=True)
