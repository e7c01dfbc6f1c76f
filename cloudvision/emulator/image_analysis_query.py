"""What a request for Image Analysis asks: its query string, checked as the service checks it.

Wording after "Image Analysis 4.0 error codes" and, for API versions, after live answers of the framework that lists them.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from cloudvision.emulator import azure_wire
from cloudvision.emulator.reply import Refusal

FEATURES = ("tags", "caption", "denseCaptions", "objects", "read", "smartCrops", "people")
API_VERSIONS = ("2023-10-01", "2024-02-01")
"""The released versions of 4.0."""

_LANGUAGE = re.compile(
    "ar|az|bg|bs|ca|cs|cy|da|de|el|en|es|et|eu|fi|fr|ga|gl|he|hi|hr|hu|id|it|ja|kk|ko|lt|lv|mk|ms|nb|nl|pl|prs|pt|pt-br|"
    "pt-pt|ro|ru|sk|sl|sr-cyrl|sr-latn|sv|th|tr|uk|vi|zh|zh-hans|zh-hant"
)
_MODEL = re.compile(r"(latest|\d{4}-\d{2}-\d{2})(-preview)?")


@dataclass(frozen=True, slots=True)
class Query:
    """A checked query: features in the service's spelling; ratios of the crops, () for one of the service's choice."""

    features: tuple[str, ...]
    ratios: tuple[float, ...]


def read_query(text: str, *, url: str) -> Query:
    """The query string of a request to `url`.

    Raises:
        Refusal: 400, as the service words it.
    """
    given = azure_wire.parameters_of(text)
    _check_version(given.get("api-version"), url)
    features = _features(given.get("features", ""), model=given.get("model-name", ""))
    language = given.get("language", "en").lower()
    if not _LANGUAGE.fullmatch(language) or (language != "en" and {"caption", "denseCaptions"} & set(features)):
        raise _invalid("NotSupportedLanguage", "The input language is not supported.")
    if given.get("gender-neutral-caption", "false").lower() not in ("true", "false"):
        raise _invalid("BadArgument", "'gender-neutral-caption' is not a boolean.")
    if not _MODEL.fullmatch(given.get("model-version", "latest")):
        raise _invalid("BadArgument", "'model-version' is not valid.")
    return Query(features, _ratios(given.get("smartcrops-aspect-ratios", "")))


def _check_version(version: str | None, url: str) -> None:
    if not version:
        raise Refusal(
            azure_wire.error(400, "ApiVersionUnspecified", "An API version is required, but was not specified.")
        )
    if version not in API_VERSIONS:
        message = (
            f"The HTTP resource that matches the request URI '{url}' does not support the API version '{version}'."
        )
        raise Refusal(azure_wire.error(400, "UnsupportedApiVersion", message))


def _features(text: str, *, model: str) -> tuple[str, ...]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names and not model:
        message = "Either 'features' or 'model-name' needs to be specified in the query parameter."
        raise Refusal(azure_wire.error(400, "InvalidRequest", message))
    known = {name.lower(): name for name in FEATURES}
    # Models of one's own have gone from the service.
    if model or any(name.lower() not in known for name in names):
        raise _invalid("NotSupportedVisualFeature", "Specified feature type is not valid")
    return tuple(dict.fromkeys(known[name.lower()] for name in names))


def _ratios(text: str) -> tuple[float, ...]:
    try:
        ratios = tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError:
        ratios = (math.nan,)
    if not all(0.75 <= ratio <= 1.8 for ratio in ratios):
        message = "'smartcrops-aspect-ratios' aspect ratio is not in allowed range [0.75 to 1.8]"
        raise _invalid("BadArgument", message)
    return ratios


def _invalid(code: str, message: str) -> Refusal:
    inner = {"code": code, "message": message}
    return Refusal(azure_wire.error(400, "InvalidRequest", "Analyze query is invalid.", inner=inner))
