"""What a request to analyse a document asks for, checked as the service does before it begins to work."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from cloudvision.emulator import azure_wire, document_errors
from cloudvision.emulator.document_models import Model, find_model
from cloudvision.emulator.reading.spans import INDEX_TYPES
from cloudvision.emulator.reply import Refusal
from cloudvision.emulator.service import Call
from cloudvision.errors import ImageError

VERSIONS = ("2022-08-31", "2023-07-31")
"""Versions of the API that are answered; their answers have the same shape."""

RETIRED = ("2021-09-30-preview", "2022-01-30-preview", "2022-06-30-preview", "2023-02-28-preview")
"""Versions that are answered with 410."""

FEATURES = ("ocrHighResolution", "languages", "barcodes", "formulas", "keyValuePairs", "styleFont")
"""What the service knows; `features_of` says what can be had here."""

HERE = ("ocrHighResolution", "keyValuePairs")
_PICTURES = frozenset(
    {"application/octet-stream", "application/pdf", "image/jpeg", "image/png", "image/bmp", "image/tiff", "image/heif"}
)
_LOCALE = re.compile(r"([A-Za-z]{2})(?:-[A-Za-z]{4})?(?:-(?:[A-Za-z]{2}|\d{3}))?")
_LANGUAGES = frozenset(
    re.findall(
        "..",
        "afarbgbscacscydadeelenesetkkfifrgaglhihrhuiditjajvkoltlvmkmrmsmtnbnenlnnnoplptroruskslsqsrsvswthtltrukvizh",
    )
)
"""Of ISO 639-1: those that the documentation lists for printed text."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request that may be worked on."""

    version: str
    model: Model
    data: bytes
    pages: str | None
    locale: str | None
    high_resolution: bool
    pairs: bool
    """Key-value pairs are asked for."""

    index_type: str


def check_version(call: Call) -> str:
    """The `api-version` of a request.

    Raises:
        Refusal: 404 without a known one, 410 for a retired one.
    """
    version = azure_wire.parameters_of(call.query).get("api-version", "")
    if version in RETIRED:
        raise document_errors.gone(version)
    if version not in VERSIONS:
        raise Refusal(azure_wire.gateway_error(404, "Resource not found"))
    return version


def read_request(call: Call, *, fetch: Callable[[str], bytes], max_bytes: int) -> Request:
    """The request with its document, downloaded where only its address was sent.

    Raises:
        Refusal: the service's own answer to what it does not take.
    """
    version = check_version(call)
    model = find_model(call.places["model"])
    if model is None:
        raise document_errors.model_not_found()
    query = azure_wire.parameters_of(call.query)
    locale = query.get("locale")
    if locale is not None:
        match = _LOCALE.fullmatch(locale)
        if match is None or match[1].lower() not in _LANGUAGES:
            raise document_errors.invalid_parameter("Locale", "The language code is invalid or not supported.")
    index_type = query.get("stringindextype", "textElements")
    if index_type not in INDEX_TYPES:
        raise document_errors.invalid_parameter("StringIndexType", "The value is invalid or not supported.")
    features = [name for name in query.get("features", "").split(",") if name]
    if set(features) - features_of(model):
        raise document_errors.invalid_parameter("Features", "The feature is invalid or not supported.")
    data = _document(call, fetch)
    if len(data) > max_bytes:
        raise document_errors.refuse(*document_errors.LENGTH)
    return Request(
        version=version,
        model=model,
        data=data,
        pages=query.get("pages"),
        locale=locale,
        high_resolution="ocrHighResolution" in features,
        pairs="keyValuePairs" in features,
        index_type=index_type,
    )


def features_of(model: Model) -> frozenset[str]:
    """What can be asked of a model: the pairs only of one that looks for tables too."""
    return frozenset(HERE if model.tables else HERE[:1])


def _document(call: Call, fetch: Callable[[str], bytes]) -> bytes:
    kind = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in _PICTURES:
        return call.body
    if kind != "application/json":
        raise document_errors.unsupported_media_type()
    try:
        asked = json.loads(call.body)
    except ValueError:
        asked = None
    if not isinstance(asked, dict):
        raise document_errors.missing_parameter("urlSource")
    if isinstance(encoded := asked.get("base64Source"), str):
        try:
            return base64.b64decode(encoded, validate=True)
        except binascii.Error as error:
            raise document_errors.refuse(*document_errors.CONTENT) from error
    return _fetched(asked.get("urlSource"), fetch)


def _fetched(url: object, fetch: Callable[[str], bytes]) -> bytes:
    if not isinstance(url, str) or not url:
        raise document_errors.missing_parameter("urlSource")
    try:
        return fetch(url)
    except ImageError as error:
        message = "Content is not accessible: Unable to download the file from the given URL."
        raise document_errors.refuse("ContentSourceNotAccessible", message) from error
