"""Document Intelligence answers as `Analysis`: every part that is there is read, what cannot be read becomes a warning."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from cloudvision.errors import UnexpectedAnswerError
from cloudvision.layout import Page
from cloudvision.providers import _document_parts as parts
from cloudvision.providers._azure_answers import json_object, unexpected
from cloudvision.providers._document_errors import RESOURCE, failed
from cloudvision.providers._document_fields import read_document
from cloudvision.providers._document_reader import Reader, optional_text, sizes_of
from cloudvision.providers._document_sdk_form import as_sent, is_sdk_form
from cloudvision.providers._json_read import Object
from cloudvision.raw import Raw
from cloudvision.results import Analysis, Provenance

FAILED = frozenset({"failed", "canceled"})
UNREAD = ("entities", "figures", "sections")
"""Parts of previews and of later versions that have no place in an `Analysis`."""


def parse_answer(raw: Raw) -> Analysis:
    """Read an answer of status 200.

    Shapes of API 2022-08-31 and 2023-07-31 are known, and the previews before them as far as they are alike.

    Raises:
        RejectedError, UnavailableError: the analysis failed.
        UnexpectedAnswerError: no JSON, not finished, about a model instead of a document, or of API v2.
    """
    result = _result(raw)
    given = result.get("pages")
    assert isinstance(given, Sequence)
    reader = Reader(optional_text(result, "content") or "", sizes_of(given))
    pages = reader.each(given, "pages", lambda entry: parts.read_page(reader, entry))
    lines = reader.each(given, "pages", lambda entry: parts.read_lines(reader, entry))
    for name in UNREAD:
        if result.get(name):
            reader.warn(f"{name} are not read")
    _compare_pages(reader, raw, pages)
    width, height = _picture_size(pages)
    return Analysis(
        width=width,
        height=height,
        lines=tuple(line for of_page in lines for line in of_page),
        pages=pages,
        paragraphs=reader.part(result.get("paragraphs"), "paragraphs", lambda e: parts.read_paragraph(reader, e)),
        tables=reader.part(result.get("tables"), "tables", lambda e: parts.read_table(reader, e)),
        key_value_pairs=reader.part(result.get("keyValuePairs"), "keyValuePairs", lambda e: parts.read_pair(reader, e)),
        styles=reader.part(result.get("styles"), "styles", lambda e: parts.read_style(reader, e)),
        languages=reader.part(result.get("languages"), "languages", lambda e: parts.read_language(reader, e)),
        documents=reader.part(result.get("documents"), "documents", lambda e: read_document(reader, e)),
        warnings=tuple(reader.warnings),
        provenance=Provenance(
            RESOURCE.provider,
            model_version=_model(result),
            request_id=raw.header("apim-request-id"),
            latency_s=raw.latency_s,
        ),
    )


def pages_in(raw: Raw) -> int | None:
    """How many pages were read, and so billed; None where the answer is none."""
    try:
        pages = _result(raw).get("pages")
    except UnexpectedAnswerError:
        return None
    return len(pages) if isinstance(pages, Sequence) else None


def operation_status(body: str) -> str | None:
    """What the answer to a poll says of the operation ("running"); None where it is no such answer."""
    try:
        found = json.loads(body.removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        return None
    status = found.get("status") if isinstance(found, dict) else None
    return status if isinstance(status, str) else None


def _result(raw: Raw) -> Object:
    body = json_object(raw, RESOURCE.provider)
    result = body.get("analyzeResult")
    if isinstance(result, Mapping):
        if "version" in result or "readResults" in result:
            version = str(result.get("version", "2"))
            raise unexpected(
                raw, RESOURCE.provider, f"it is of API v{version:.10}, which this library does not read; ask anew"
            )
    elif is_sdk_form(body):
        result = as_sent(body)
    elif "modelId" in body and "pages" in body:
        result = body  # somebody kept the result alone
    else:
        _complain(raw, body)
    if not isinstance(result, Mapping) or not isinstance(result.get("pages"), list | tuple):
        raise unexpected(raw, RESOURCE.provider, "its result has no pages")
    return result


def _complain(raw: Raw, body: Object) -> None:
    status, kind = body.get("status"), body.get("kind")
    if isinstance(kind, str) and "operationId" in body:
        raise unexpected(
            raw, RESOURCE.provider, f"it is about an operation on a model ({kind:.40}), not about a document"
        )
    if isinstance(status, str) and status in FAILED:
        raise failed(raw)
    if isinstance(status, str) and status in ("notStarted", "running"):
        raise unexpected(raw, RESOURCE.provider, f"the analysis is not finished ({status})")
    if "fields" in body or "recognitionResults" in body or "readResults" in body:
        raise unexpected(raw, RESOURCE.provider, "it is of API v1 or v2, which this library does not read; ask anew")
    raise unexpected(
        raw, RESOURCE.provider, f"no result in it, only {', '.join(sorted(body))[:200] or 'an empty object'}"
    )


def _compare_pages(reader: Reader, raw: Raw, pages: tuple[Page, ...]) -> None:
    if raw.pages is not None and len(pages) < raw.pages:
        reader.warn(
            f"{len(pages)} of {raw.pages} pages were read; a resource of the free tier F0 reads the first two pages"
            " of a document and does not say so"
        )


def _picture_size(pages: tuple[Page, ...]) -> tuple[int | None, int | None]:
    """Pixels of the one page, where it is measured in pixels."""
    if len(pages) == 1 and pages[0].unit == "pixel" and pages[0].width and pages[0].height:
        return round(pages[0].width), round(pages[0].height)
    return None, None


def _model(result: Object) -> str | None:
    return " ".join(filter(None, (optional_text(result, name) for name in ("modelId", "apiVersion")))) or None
