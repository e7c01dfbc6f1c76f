"""Amazon Rekognition DetectText: lines and words of text in a picture."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping

from cloudvision.errors import ConfigError
from cloudvision.images import Image, Remote
from cloudvision.prices import price
from cloudvision.providers import _rekognition_request as request
from cloudvision.providers._aws_answers import answer_error
from cloudvision.providers._aws_client import AwsCredentials, ClientSettings, endpoint_of, region_of, sdk_exceptions
from cloudvision.providers._aws_codes import EXPIRED
from cloudvision.providers._aws_errors import sdk_error
from cloudvision.providers._aws_wire import Boto3Client, Wire, WireAnswer
from cloudvision.providers._options import Options
from cloudvision.providers._rekognition_parse import parse
from cloudvision.providers._shrink import ENOUGH
from cloudvision.providers._stand_in import stand_in
from cloudvision.raw import Raw
from cloudvision.results import Analysis

PREPARATION = 1
"""Version of how pictures are made ready for this service; raised when the service would see other pixels."""

_KEPT = ("x-amzn-requestid", "content-type", "date", "x-amzn-errortype", "retry-after")


class AwsRekognition:
    """DetectText for pictures as bytes and for S3 objects. One instance serves many threads.

    The client is made at the first `call`, with boto3's own search for keys (variables, profile, SSO, container,
    instance) and without retries. A token that has expired is read anew once, by way of a fresh session.

    Args:
        options: `min_confidence`, `min_word_width`, `min_word_height`, `regions_of_interest` (at most 10). Words less
            sure than 0.8 are left out by the service unless `min_confidence` says otherwise. `timeout_s` is how long
            the service may be silent.
        client: a ready boto3 client for "rekognition"; its time-outs and region hold. Its own retries are not made
            for our calls, and its expired tokens are an error, since we cannot make another one.
        region: such as "eu-west-1"; None leaves it to boto3.
        endpoint_url: another address than AWS's, such as an emulator's; None leaves it to boto3.
        credentials: keys or a profile; None leaves them to boto3.
        clock: seconds, monotonic, for the latency.
        now: seconds since the epoch.

    Raises:
        ConfigError: an option is out of range or not one of these.
    """

    name = "aws-rekognition"

    def __init__(
        self,
        *,
        options: Options = Options(),
        client: Boto3Client | None = None,
        region: str | None = None,
        endpoint_url: str | None = None,
        credentials: AwsCredentials | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._filters = request.filters(options, provider=self.name)
        self._shrink = options.shrink
        self.fingerprint = request.fingerprint(self._filters, preparation=PREPARATION)
        if options.shrink:
            self.fingerprint += f" shrunk={ENOUGH[self.name]}"
        self.fingerprint += stand_in(endpoint_url if client is None else client.meta.endpoint_url)
        self._settings = ClientSettings(
            service="rekognition",
            region=region,
            endpoint_url=endpoint_url,
            credentials=credentials,
            connect_timeout_s=options.connect_timeout_s,
            read_timeout_s=options.timeout_s,
        )
        self._wire = Wire("rekognition.DetectText")
        self._lock = threading.Lock()
        self._client = client
        self._may_refresh = client is None
        self._clock = clock
        self._now = now
        if client is not None:
            self._wire.attach(client)

    @classmethod
    def from_env(cls, options: Options, *, env: Mapping[str, str]) -> AwsRekognition:
        """Set up from `AWS_REGION` (or `AWS_DEFAULT_REGION`), `AWS_ENDPOINT_URL_REKOGNITION` and the AWS keys in `env`.

        What `env` does not name is left to boto3's own search.
        """
        return cls(
            options=options,
            region=region_of(env),
            endpoint_url=endpoint_of(env, "rekognition"),
            # The process's own environment boto3 reads itself, and anew whenever the client is made again.
            credentials=None if env is os.environ else AwsCredentials.from_env(env),
        )

    def call(self, image: Image | Remote, /) -> Raw:
        """Ask once. Bytes are sent as PNG or JPEG of at most 5 MB; an S3 object is named to the service.

        An answer of status 200 is returned whatever its body holds: it was paid for.

        Raises:
            ImageError: the picture is smaller than 80 pixels or cannot be made to fit; nothing was sent.
            ProviderError: see the class; `billed` is None where the picture may have arrived.
            ConfigError: boto3, a region or keys are missing, or the source is a URL for the service to fetch.
        """
        width: int | None = None
        height: int | None = None
        picture: Mapping[str, object]
        if isinstance(image, Remote):
            picture = request.s3_object(image)
        else:
            picture, width, height = request.image_bytes(image, shrink=self._shrink)
        parameters: dict[str, object] = {"Image": picture}
        if self._filters:
            parameters["Filters"] = self._filters
        client = self._open(stale=None)
        raw = self._ask(client, parameters, width, height)
        error = answer_error(raw, provider=self.name)
        if error is not None and error.code in EXPIRED and self._may_refresh:
            raw = self._ask(self._open(stale=client), parameters, width, height)
            error = answer_error(raw, provider=self.name)
        if error is not None:
            raise error
        return raw

    def ready(self) -> str:
        """See `SelfChecking.ready`. Keys are looked for as boto3 does it, which may ask this machine's own cloud.

        Raises:
            ConfigError: boto3, a region or keys are missing.
        """
        client = self._open(stale=None)
        whose = "the client that was handed in" if not self._may_refresh else self._settings.whose_keys()
        return f"{client.meta.endpoint_url}, keys from {whose}"

    def parse(self, raw: Raw, /) -> Analysis:
        """Read an answer; see `Provider.parse`."""
        return parse(raw, provider=self.name)

    def worst_cost(self, image: Image | Remote, /) -> int:  # noqa: ARG002
        """One image at the first price tier, in micros of a US dollar."""
        return price("aws-rekognition/DetectText", 1)

    def units(self, image: Image | Remote, /) -> Mapping[str, int]:  # noqa: ARG002 - every picture is one unit
        """Billed units of one call by operation of the price list."""
        return {"aws-rekognition/DetectText": 1}

    def cost(self, raw: Raw, /) -> int:
        """One image for an answer of status 2xx, nothing for an error answer, in micros of a US dollar."""
        return price("aws-rekognition/DetectText", 1 if 200 <= raw.status < 300 else 0)

    def _open(self, *, stale: Boto3Client | None) -> Boto3Client:
        """The client; another one when the present one is `stale`. Of many threads, the first makes it for all."""
        with self._lock:
            if self._client is None or self._client is stale:
                expected: tuple[type[Exception], ...] = (*sdk_exceptions(), ValueError)
                try:
                    client = self._settings.open()
                except expected as error:
                    raise sdk_error(error, provider=self.name) from error
                self._wire.attach(client)
                self._client = client
            return self._client

    def _ask(self, client: Boto3Client, parameters: Mapping[str, object], width: int | None, height: int | None) -> Raw:
        began = self._clock()
        with self._wire.recording() as heard:
            try:
                client.detect_text(**parameters)
            except sdk_exceptions() as error:
                if not heard:
                    raise sdk_error(error, provider=self.name) from error
        if not heard:
            raise ConfigError(f"{self.name}: the client that was handed in does not speak to a service")
        return self._raw(heard[-1], latency_s=self._clock() - began, width=width, height=height)

    def _raw(self, answer: WireAnswer, *, latency_s: float, width: int | None, height: int | None) -> Raw:
        return Raw(
            body=answer.body.decode("utf-8", "replace"),
            status=answer.status,
            headers=tuple((name, answer.headers[name]) for name in _KEPT if name in answer.headers),
            latency_s=latency_s,
            received_at=self._now(),
            width=width,
            height=height,
        )
