"""Azure Document Intelligence (formerly Form Recognizer), API 2023-07-31: documents as text, tables and typed fields."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cloudvision import images
from cloudvision._retry_after import retry_after
from cloudvision.errors import ConfigError, UnexpectedAnswerError
from cloudvision.images import Image, Limits, Remote
from cloudvision.pending import Pending
from cloudvision.polling import NotYet, Polling
from cloudvision.providers._azure import Login
from cloudvision.providers._azure_documents import Patience, Wire
from cloudvision.providers._document_errors import RESOURCE, failed, refused
from cloudvision.providers._document_parse import FAILED, operation_status, pages_in, parse_answer
from cloudvision.providers._document_settings import Settings
from cloudvision.providers._options import Options
from cloudvision.providers._stand_in import stand_in
from cloudvision.raw import Raw
from cloudvision.results import Analysis

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.core.pipeline.transport import HttpTransport

KEPT_S = 24 * 3600.0
"""Seconds for which the service keeps an answer."""

LIMITS = Limits(
    formats=frozenset({"JPEG", "PNG", "BMP", "TIFF", "HEIF"}), max_bytes=500 * 10**6, min_side=50, max_side=10_000
)
"""500 MB (4 MB in the free tier), 50 x 50 to 10,000 x 10,000 pixels (the vendor's service limits)."""


class AzureDocumentIntelligence:
    """Provider "azure-document-intelligence".

    The service answers later: `submit` sends a document, `resume` waits for its answer, `call` does both.

    Args:
        endpoint: "https://<name>.cognitiveservices.azure.com"; plain http is only taken for this machine itself.
        key: a key of that resource. Without one, Entra ID is asked, which needs the custom subdomain endpoint.
        credential: an Azure `TokenCredential`; by default `DefaultAzureCredential` where there is no key.
        options: `model` ("prebuilt-read" by default, "prebuilt-layout", "prebuilt-invoice", "prebuilt-receipt",
            "prebuilt-idDocument" or any other id), `pages` ("1-3,5"), `language` (a locale such as "en-US"), `features`
            ("barcodes", "formulas", "keyValuePairs", "languages", "ocrHighResolution", "styleFont", also in
            snake_case), and the time-outs of one request.
        polling: how `call` waits; a pipeline says to `resume` how it does.
        transport: an azure-core transport to share; by default one of its own, which honours HTTPS_PROXY and
            REQUESTS_CA_BUNDLE.
        clock: seconds, monotonic.
        now: seconds since the epoch.

    Raises:
        ConfigError: a setting is unknown or malformed.
    """

    name = RESOURCE.provider
    document_formats = frozenset({"PDF", "TIFF"})
    """Formats whose pages are all read."""

    def __init__(
        self,
        *,
        endpoint: str | None = None,
        key: str | None = None,
        credential: TokenCredential | None = None,
        options: Options = Options(),
        polling: Polling = Polling(),
        transport: HttpTransport[Any, Any] | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.settings = Settings.of(options)
        self.fingerprint = self.settings.fingerprint + stand_in(endpoint)
        self._polling = polling
        patience = Patience(options.connect_timeout_s, options.timeout_s, clock, now)
        self._wire = Wire(Login(endpoint, key, credential), self.settings, patience, transport=transport)

    @classmethod
    def from_env(cls, options: Options, *, env: Mapping[str, str]) -> AzureDocumentIntelligence:
        """Set up from DOCUMENT_INTELLIGENCE_ENDPOINT and DOCUMENT_INTELLIGENCE_KEY, missed at the first `call`."""
        endpoint, key = env.get(RESOURCE.endpoint_variable), env.get(RESOURCE.key_variable)
        return cls(endpoint=endpoint, key=key, options=options)

    def __repr__(self) -> str:
        return f"AzureDocumentIntelligence({self.settings!r}, {self._wire.login!r})"

    def call(self, image: Image | Remote, /) -> Raw:
        """Send a document and wait for its answer; see `submit` and `resume` for the errors.

        When the wait is cut off, the answer is lost to this caller; a pipeline, with its ledger, keeps its place.
        """
        return self.resume(self.submit(image))

    def submit(self, image: Image | Remote, /) -> Pending:
        """Send one request (a second one only with a fresh token, where a token was refused). This is what is paid.

        PDFs and TIFF files of several pages are sent as they are. A `Remote` with a URL is fetched by the service.

        Raises:
            ProviderError: the service refused, failed or did not answer.
            ConfigError: the endpoint is missing or unfit, the SDK is not installed, or the picture is an S3 object.
            ImageError: the picture cannot be made to fit what the service takes.
        """
        document, width, height, pages = self._content(image)
        raw = self._wire.post(document)
        operation = self._wire.operation(raw.header("operation-location"))
        if operation is None:
            raise UnexpectedAnswerError(
                f"{self.name}: status {raw.status}, and no place where the answer will be",
                provider=self.name,
                status=raw.status,
                request_id=raw.header("apim-request-id"),
                billed=None,
            )
        return Pending(
            operation=operation,
            submitted_at=raw.received_at - raw.latency_s,
            expires_at=raw.received_at + KEPT_S,
            request_id=raw.header("apim-request-id"),
            width=width,
            height=height,
            pages=pages,
        )

    def resume(self, pending: Pending, /, polling: Polling | None = None) -> Raw:
        """Wait for the answer to what was submitted, also by another process, up to a day ago. Costs nothing.

        Raises:
            UnfinishedError: it is not there yet, or cannot be asked for; it can still be had.
            UncertainError: another resource than this one has accepted it; it can still be had there.
            RejectedError: the service could not analyse this document.
            ResultLostError: the service does not have it (any more).
            AuthError, ConfigError: the set-up has changed; it can still be had.
        """
        raw = (polling or self._polling).wait(lambda: self._poll(pending), provider=self.name)
        if operation_status(raw.body) in FAILED:
            raise failed(raw)
        return replace(
            raw,
            latency_s=max(0.0, raw.received_at - pending.submitted_at),
            width=pending.width,
            height=pending.height,
            units=pages_in(raw),
            pages=pending.pages,
        )

    def ready(self) -> str:
        """See `SelfChecking.ready`.

        Raises:
            ConfigError: DOCUMENT_INTELLIGENCE_ENDPOINT is missing or unfit, or DOCUMENT_INTELLIGENCE_KEY cannot be a key.
        """
        return self._wire.login.ready(RESOURCE)

    def parse(self, raw: Raw, /) -> Analysis:
        """Read an answer; lines have no confidence in this service, their words do.

        Raises:
            ProviderError: the answer is an error answer, or the analysis failed.
            UnexpectedAnswerError: status 2xx, and no analysis that this version reads.
        """
        if not 200 <= raw.status < 300:
            raise refused(raw)
        return parse_answer(raw)

    def worst_cost(self, image: Image | Remote, /) -> int:
        """All pages asked for, or 2,000 where nobody can count those of the file; at the first price tier."""
        return self.settings.cost(self.settings.most(_pages(image)))

    def units(self, image: Image | Remote, /) -> Mapping[str, int]:
        """Billed pages of one call by operation of the price list."""
        return self.settings.units(self.settings.most(_pages(image)))

    def cost(self, raw: Raw, /) -> int:
        """The pages in the answer, at the first price tier; those asked for where the answer cannot be read."""
        if not 200 <= raw.status < 300 or operation_status(raw.body) in FAILED:
            return 0
        pages = pages_in(raw)
        return self.settings.cost((raw.pages or 1) if pages is None else pages)

    def _content(self, image: Image | Remote) -> tuple[bytes | str, int | None, int | None, int | None]:
        """What is sent, its width and height in pixels, and how many pages the answer should have."""
        if isinstance(image, Remote):
            if image.url is None:
                raise ConfigError(f"{self.name} cannot read {image.source}: it takes files and http(s) URLs")
            return image.url, None, None, None
        image = _whole(image)
        pages = self.settings.asked(image.pages)
        if image.is_document:
            return image.document(LIMITS.max_bytes), None, None, pages
        prepared = image.prepare(LIMITS)
        return prepared.data, prepared.width, prepared.height, pages

    def _poll(self, pending: Pending) -> Raw | NotYet:
        raw = self._wire.get(pending.operation)
        status = operation_status(raw.body)
        if status == "succeeded" or status in FAILED:
            return raw
        # No status at all is the page of a proxy, or an answer cut short: the true one is still there.
        return NotYet(retry_after(dict(raw.headers), now=raw.received_at))


def _pages(image: Image | Remote) -> int | None:
    return _whole(image).pages if isinstance(image, Image) else None


def _whole(image: Image) -> Image:
    """A TIFF that was loaded as a picture may have pages that nobody has counted yet."""
    if image.format != "TIFF" or image.is_document:
        return image
    return images.load(image.data, name=image.source, documents=True)
