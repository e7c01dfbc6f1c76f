"""The models of Document Intelligence that are here, and what each finds in a layout."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cloudvision._json import JSON
from cloudvision.emulator.reading.answer import Answer
from cloudvision.emulator.reading.fields import Document
from cloudvision.emulator.reading.invoice import invoices_of
from cloudvision.emulator.reading.layout import Layout
from cloudvision.emulator.reading.pairs import pairs_of
from cloudvision.emulator.reading.pieces import rows_of_pages
from cloudvision.emulator.reading.receipt import receipts_of
from cloudvision.emulator.reading.spans import Index

CREATED = "2023-02-28T00:00:00Z"

Extract = Callable[[Layout, str | None], list[Document]]


@dataclass(frozen=True, slots=True)
class Model:
    """One model.

    Args:
        id: as in the route.
        description: as `get_document_model` gives it.
        page_class: "read", "layout" or "prebuilt": what its pages are billed as.
        tables: it finds tables and the roles of paragraphs.
        extract: finds documents with fields; None for a model that finds none.
    """

    id: str
    description: str
    page_class: str
    tables: bool = False
    extract: Extract | None = None


MODELS = (
    Model("prebuilt-read", "Extract text from documents.", "read"),
    Model("prebuilt-layout", "Extract text and layout information from documents.", "layout", tables=True),
    Model(
        "prebuilt-receipt",
        "Extract key information from receipts.",
        "prebuilt",
        extract=lambda layout, locale: receipts_of(layout, locale=locale),
    ),
    Model(
        "prebuilt-invoice",
        "Extract key information from invoices.",
        "prebuilt",
        tables=True,
        extract=lambda layout, locale: invoices_of(layout, locale=locale),
    ),
)


def find_model(model_id: str) -> Model | None:
    """The model of that id."""
    return next((model for model in MODELS if model.id == model_id), None)


def analyze_result(
    layout: Layout, model: Model, *, locale: str | None, index_type: str, version: str, pairs: bool
) -> JSON:
    """The `analyzeResult` of a model for what was read; with `pairs`, key-value pairs too."""
    answer = Answer(layout, Index(layout.content, index_type))
    result: dict[str, JSON] = {
        "apiVersion": version,
        "modelId": model.id,
        "stringIndexType": index_type,
        "content": layout.content,
        "pages": answer.pages(),
    }
    if model.tables:
        result["tables"] = answer.tables()
    result["paragraphs"] = answer.paragraphs(roles=model.tables)
    if pairs:
        result["keyValuePairs"] = answer.pairs(pairs_of(rows_of_pages(layout.pages)))
    result["styles"] = []
    if model.extract is not None:
        result["documents"] = answer.documents(model.extract(layout, locale))
    return result
