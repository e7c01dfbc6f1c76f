"""What is asked of Document Intelligence for every document: checked once, part of the ledger's key, counted in money."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cloudvision.errors import ConfigError
from cloudvision.prices import document_cost, document_units
from cloudvision.providers import _document_pages
from cloudvision.providers._document_errors import RESOURCE
from cloudvision.providers._options import Options

API_VERSION = "2023-07-31"
PREPARATION = 1
"""Version of what we do to a picture before it is sent."""

FEATURES = ("barcodes", "formulas", "keyValuePairs", "languages", "ocrHighResolution", "styleFont")
DEFAULT_MODEL = "prebuilt-read"

_MODEL_ID = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._~-]{1,63}")


@dataclass(frozen=True, slots=True)
class Settings:
    """Model, add-ons, page ranges ("1-3,5", None for all) and locale, as the service takes them."""

    model: str
    features: tuple[str, ...]
    pages: str | None
    locale: str | None

    @staticmethod
    def of(options: Options) -> Settings:
        """Those of a caller's options.

        Raises:
            ConfigError: one is unknown or malformed.
        """
        options.refuse_unknown(RESOURCE.provider, frozenset({"features", "model", "language", "pages"}))
        pages = _document_pages.checked(RESOURCE.provider, options.pages)
        return Settings(_model(options.model), _features(options.features), pages, options.language)

    @property
    def fingerprint(self) -> str:
        """All that changes the answer."""
        settings = {
            "api": API_VERSION,
            "preparation": PREPARATION,
            "model": self.model,
            "features": self.features,
            "pages": self.pages,
            "locale": self.locale,
        }
        return json.dumps(settings, sort_keys=True)

    def asked(self, in_file: int | None) -> int | None:
        """How many pages are asked for; None where nobody knows how many the file has."""
        return None if in_file is None else _document_pages.count(self.pages, within=in_file)

    def most(self, in_file: int | None) -> int:
        """How many pages are billed at most: all that the service would read of a file that nobody can count."""
        within = _document_pages.MOST_PAGES if in_file is None else in_file
        return max(1, _document_pages.count(self.pages, within=within))

    def cost(self, pages: int) -> int:
        """What that many pages cost, in micros, at the first price tier."""
        return document_cost(self.model, self.features, pages=pages)

    def units(self, pages: int) -> Mapping[str, int]:
        """Billed units of that many pages by operation of the price list."""
        return document_units(self.model, self.features, pages=pages)


def _model(wanted: str | None) -> str:
    model = DEFAULT_MODEL if wanted is None else wanted
    if not _MODEL_ID.fullmatch(model):
        raise ConfigError(f"{RESOURCE.provider}: {model!r:.80} is no model id, such as {DEFAULT_MODEL}")
    return model


def _features(wanted: Iterable[str]) -> tuple[str, ...]:
    """The service's names, each once, in one order: the order of a request changes nothing in its answer."""
    known = {name.lower(): name for name in FEATURES}
    names = [(name, known.get(name.replace("_", "").lower())) for name in wanted]
    if unknown := [name for name, official in names if official is None]:
        raise ConfigError(f"{RESOURCE.provider} has no feature {', '.join(unknown)}; it has {', '.join(FEATURES)}")
    return tuple(name for name in FEATURES if name in {official for _, official in names})
