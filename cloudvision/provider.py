"""What a provider is, and where the known ones live.

Adding one costs one module under `cloudvision/providers/` and one line in `PROVIDERS`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import import_module
from typing import Protocol, cast, runtime_checkable

from cloudvision import prices
from cloudvision.errors import ConfigError
from cloudvision.gate.criterion import Criterion
from cloudvision.images import Image, Remote
from cloudvision.pending import Pending
from cloudvision.polling import Polling
from cloudvision.providers._options import Options
from cloudvision.raw import Raw
from cloudvision.results import Analysis

log = logging.getLogger(__name__)

PROVIDERS: dict[str, str] = {
    "aws-rekognition": "cloudvision.providers.aws_rekognition:AwsRekognition",
    "azure-custom-vision": "cloudvision.providers.azure_custom_vision:AzureCustomVision",
    "azure-document-intelligence": "cloudvision.providers.azure_document_intelligence:AzureDocumentIntelligence",
    "azure-image-analysis": "cloudvision.providers.azure_image_analysis:AzureImageAnalysis",
    "local-ocr": "cloudvision.providers.local_ocr:LocalOcr",
    "onnx": "cloudvision.providers.onnx_model:OnnxModel",
    "fake": "cloudvision.providers.fake:Fake",
}
"""Registry name -> "module:Class". Names stand in ledger keys and results and are never changed."""


@dataclass(frozen=True, slots=True)
class Details:
    """What can be told of a provider without opening it.

    Args:
        does: in a few words.
        local: computes on this machine and costs nothing.
        extra: which `pip install 'cloudvision-gate[...]'` it needs; None for none.
        package: what must be importable.
        variables: names that it reads from the environment.
        prices: operations of the price list.
        ends: names in the list of retirements.
        reads_s3: takes S3 objects by their names and fetches them itself.
        rate_per_s: calls a second that a standard account allows; None where it depends on the account.
        polls_per_s: the same for polls of long-running operations.
        reads_documents: takes PDF files and all pages of TIFF files.
        sure: confidence, 0 to 1, from which a line of its answers is taken for read right: scales differ.
        reads_text: it is asked for text, so that a gate that looks for text can spare calls.
    """

    does: str
    local: bool = False
    extra: str | None = None
    package: str | None = None
    variables: tuple[str, ...] = ()
    prices: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()
    reads_s3: bool = False
    rate_per_s: float | None = None
    polls_per_s: float | None = None
    reads_documents: bool = False
    sure: float = 0.90
    reads_text: bool = True


DETAILS: dict[str, Details] = {
    "aws-rekognition": Details(
        does="text: lines and words (DetectText)",
        extra="aws",
        package="boto3",
        variables=(
            "AWS_REGION",
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
            "AWS_PROFILE",
            "AWS_ENDPOINT_URL_REKOGNITION",
        ),
        prices=("aws-rekognition/DetectText",),
        reads_s3=True,
        sure=0.99,
    ),
    "azure-custom-vision": Details(
        does="labels or objects, by a model of one's own that was trained and published there",
        extra="azure",
        package="azure.cognitiveservices.vision.customvision",
        variables=(
            "CUSTOM_VISION_PREDICTION_ENDPOINT",
            "CUSTOM_VISION_PREDICTION_KEY",
            "CUSTOM_VISION_PROJECT_ID",
            "CUSTOM_VISION_PUBLISHED_NAME",
            "CUSTOM_VISION_TRAINING_ENDPOINT",
            "CUSTOM_VISION_TRAINING_KEY",
        ),
        prices=("azure-custom-vision/prediction",),
        ends=("azure-custom-vision",),
        rate_per_s=20.0,
        reads_text=False,
    ),
    "azure-document-intelligence": Details(
        does="documents: text, tables, typed fields of invoices, receipts, identity documents, PDFs too",
        extra="azure",
        package="azure.ai.formrecognizer",
        variables=("DOCUMENT_INTELLIGENCE_ENDPOINT", "DOCUMENT_INTELLIGENCE_KEY"),
        prices=tuple(
            f"azure-document-intelligence/{kind}"
            for kind in ("read", "layout", "prebuilt", "custom-extraction", "add-on")
        ),
        ends=("azure-document-intelligence", "azure-ai-formrecognizer"),
        rate_per_s=15.0,
        polls_per_s=50.0,
        reads_documents=True,
    ),
    "azure-image-analysis": Details(
        does="text, captions, tags, objects, people, crops",
        extra="azure",
        package="azure.ai.vision.imageanalysis",
        variables=("VISION_ENDPOINT", "VISION_KEY"),
        prices=("azure-image-analysis/text", "azure-image-analysis/visual"),
        ends=("azure-image-analysis",),
        rate_per_s=10.0,
    ),
    "local-ocr": Details(does="text: lines and words, on this machine", local=True, extra="local", package="rapidocr"),
    "onnx": Details(
        does="labels or regions, by a model of one's own on this machine",
        local=True,
        variables=("ONNX_MODEL",),
        reads_text=False,
    ),
    "fake": Details(does="made-up answers for tests", local=True),
}


@runtime_checkable
class Provider(Protocol):
    """A service that looks at one picture. Instances are used by many threads at once."""

    name: str
    """Registry name, such as "aws-rekognition"."""

    fingerprint: str
    """All that changes the answer: API version, model, features, language, version of our own preparation."""

    def call(self, image: Image | Remote, /) -> Raw:
        """Ask the service once; this is what costs money.

        Raises:
            ProviderError: never an SDK's own error. `billed` says whether the attempt costs money all the same.
            ConfigError: a key is missing (it is only asked for here), or this kind of picture is not supported.
        """
        ...

    def parse(self, raw: Raw, /) -> Analysis:
        """Read an answer. Pure: needs no SDK, no picture, no key, and may be run again for free.

        Raises:
            ProviderError: the answer is an error answer (status other than 2xx): the error that `call` would raise.
            UnexpectedAnswerError: status 200 and not the known shape.
        """
        ...

    def worst_cost(self, image: Image | Remote, /) -> int:
        """The most that one call for this picture can cost, in millionths of a US dollar, at the first price tier."""
        ...

    def cost(self, raw: Raw, /) -> int:
        """What this answer cost, in millionths of a US dollar."""
        ...


@runtime_checkable
class LongRunning(Protocol):
    """A provider whose service answers later. A pipeline writes down what was accepted before it waits for the answer."""

    def submit(self, image: Image | Remote, /) -> Pending:
        """Ask the service once; this is what costs money. Raises like `Provider.call`."""
        ...

    def resume(self, pending: Pending, /, polling: Polling | None = None) -> Raw:
        """Wait for the answer, in any process, as often as it takes; costs nothing.

        Raises:
            UnfinishedError, UncertainError, AuthError, ConfigError: the answer can still be had.
            ProviderError: any other one: there is no answer, and there will be none.
        """
        ...


@runtime_checkable
class SelfChecking(Protocol):
    """A provider that can tell whether it is set up, without a call."""

    def ready(self) -> str:
        """Where calls would go and as whom, in a few words without secrets. Asks the service nothing.

        Raises:
            ConfigError: an extra, an endpoint, a region or keys are missing or wrong.
        """
        ...


@runtime_checkable
class ReadsDocuments(Protocol):
    """A provider that takes files of several pages as they are."""

    document_formats: frozenset[str]
    """Names of these formats, such as "PDF"."""


def criterion_of(name: str, criterion: Criterion = Criterion()) -> Criterion:
    """The criterion on the scale of that provider's confidences; `name` may be one that this version does not know."""
    return replace(criterion, min_confidence=DETAILS[name].sure) if name in DETAILS else criterion


class _ProviderClass(Protocol):
    @classmethod
    def from_env(cls, options: Options, *, env: Mapping[str, str]) -> Provider: ...


def open_provider(name: str, options: Options = Options(), *, env: Mapping[str, str] | None = None) -> Provider:
    """The provider of that registry name, set up from the environment (or `env`).

    Keys are not asked for before the first `call`, so `parse` works without any. A service that ends within a year is
    worth a warning in the log.

    Raises:
        ConfigError: the name is unknown (the known ones are listed), or a setting is not one of this provider's.
    """
    try:
        module, _, cls = PROVIDERS[name].partition(":")
    except KeyError:
        raise ConfigError(f"unknown provider {name!r}; known: {', '.join(sorted(PROVIDERS))}") from None
    found = cast(_ProviderClass, getattr(import_module(module), cls))
    for notice in prices.notices(DETAILS[name].ends, today=datetime.now(UTC).date()):
        log.warning("%s: %s", name, notice)
    return found.from_env(options, env=os.environ if env is None else env)
