"""Answers of Document Intelligence as `Analysis`: every part, every type of field, and what is broken in them."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloudvision.errors import ProviderError
from cloudvision.layout import Barcode, Cell, Formula, Language, PageRegion, SelectionMark
from cloudvision.providers.azure_document_intelligence import AzureDocumentIntelligence
from cloudvision.raw import Raw
from cloudvision.results import Analysis, Field
from tests.document_double import result

BOX = [10, 8, 90, 8, 90, 16, 10, 16]
REGIONS = [{"pageNumber": 1, "polygon": BOX}]


def parse(changes: dict[str, Any] | None = None, *, pages: int | None = None) -> Analysis:
    body = {"status": "succeeded", "analyzeResult": result("two words") | (changes or {})}
    return AzureDocumentIntelligence().parse(Raw(json.dumps(body), pages=pages))


def field(given: dict[str, Any]) -> tuple[Field, tuple[str, ...]]:
    analysis = parse({"documents": [{"docType": "d", "fields": {"F": given}, "confidence": 1}]})
    assert analysis.documents is not None
    found = analysis.documents[0].field("F")
    assert found is not None
    return found, analysis.warnings


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("string", "a", "a"),
        ("date", "2020-02-29", "2020-02-29"),
        ("time", "13:59:00", "13:59:00"),
        ("phoneNumber", "+11234567890", "+11234567890"),
        ("number", 2.5, 2.5),
        ("number", 2, 2.0),
        ("integer", 3, 3),
        ("countryRegion", "USA", "USA"),
        ("selectionMark", "selected", True),
        ("selectionMark", "unselected", False),
        ("signature", "signed", True),
        ("signature", "unsigned", False),
        ("boolean", False, False),
        ("newKind", "x", "x"),
    ],
)
def test_each_type_of_field_has_its_value(kind: str, value: object, expected: object) -> None:
    named = f"value{kind[0].upper()}{kind[1:]}"
    given = {"type": kind, named: value, "content": "as written", "confidence": 0.5, "boundingRegions": REGIONS}
    found, warnings = field(given)
    assert () == warnings
    assert (kind, "as written", expected, 0.5) == (found.kind, found.content, found.value, found.confidence)
    assert type(expected) is type(found.value)
    (region,) = found.regions
    assert (1, (0.1, 0.1), (0.9, 0.2)) == (region.page, region.polygon.points[0], region.polygon.points[2])


def test_a_currency_is_its_amount_with_symbol_and_code() -> None:
    money = {"amount": 110.5, "currencySymbol": "$", "currencyCode": "USD"}
    found, _ = field({"type": "currency", "valueCurrency": money, "content": "$110.50"})
    assert (110.5, ["$", "USD"]) == (found.value, [part.value for _, part in found.fields])
    code = found.field("currencyCode")
    assert code is not None
    assert "USD" == code.value


def test_an_address_is_one_line_with_its_parts() -> None:
    parts = {"houseNumber": "123", "road": "Main St", "city": "Redmond"}
    found, _ = field({"type": "address", "valueAddress": parts, "content": "123 Main St\nRedmond"})
    assert "123 Main St Redmond" == found.value
    assert tuple(parts.items()) == tuple((name, part.value) for name, part in found.fields)
    assert "123, Main St, Redmond" == field({"type": "address", "valueAddress": parts})[0].value


def test_arrays_and_objects_hold_fields() -> None:
    item = {"type": "object", "valueObject": {"Name": {"type": "string", "valueString": "tea"}, "None": None}}
    found, warnings = field({"type": "array", "valueArray": [item, item]})
    assert () == warnings
    assert [["Name"], ["Name"]] == [[name for name, _ in each.fields] for each in found.items]
    assert (None, None) == (found.value, found.content)


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        ("date", "yyyy-02-04", "'yyyy-02-04' is no date"),
        ("date", "2021-02-29", "is no date"),
        ("date", 20210228, "is no date"),
        ("time", "25:00:00", "is no time of day"),
        ("number", "7", "a number was expected"),
        ("number", True, "a number was expected"),
        ("integer", 1.5, "is no whole number"),
        ("boolean", "yes", "is neither true nor false"),
        ("selectionMark", "maybe", "is neither selected nor unselected"),
        ("currency", {"currencySymbol": "$"}, "amount"),
        ("address", "123 Main St", "an object was expected"),
    ],
)
def test_a_value_that_does_not_parse_is_lost_alone(kind: str, value: object, words: str) -> None:
    named = f"value{kind[0].upper()}{kind[1:]}"
    found, warnings = field({"type": kind, named: value, "content": "as written", "confidence": 0.4})
    assert ("as written", None, 0.4) == (found.content, found.value, found.confidence)
    (warning,) = warnings
    assert warning.startswith("d.F: its value was left out: ")
    assert words in warning


def test_fields_nested_without_end_are_left_out() -> None:
    deep: dict[str, Any] = {"type": "string", "valueString": "down here"}
    for _ in range(200):
        deep = {"type": "array", "valueArray": [deep]}
    found, warnings = field(deep)
    assert "array" == found.kind
    assert "more than 32 fields within each other" in warnings[0]


def test_words_lie_in_the_line_whose_text_holds_them_and_keep_their_page() -> None:
    (line,) = parse().lines or ()
    assert (1, "two words", ["two words"]) == (line.page, line.text, [word.text for word in line.words])
    assert (0.1, 0.125) == line.polygon.points[0]
    both = parse({"pages": [dict(page, pageNumber=n) for n in (1, 2) for page in result("two words")["pages"]]})  # type: ignore[attr-defined]
    assert [1, 2] == [line.page for line in both.lines or ()]
    assert 1 == len(both.lines_on(2))


def test_a_word_in_no_line_is_a_line_of_its_own() -> None:
    lonely = {"content": "lost", "polygon": BOX, "confidence": 0.3, "span": {"offset": 50, "length": 4}}
    page = result("two words")["pages"][0]  # type: ignore[index]
    analysis = parse({"pages": [page | {"words": [*page["words"], lonely]}]})
    assert ["two words", "lost"] == [line.text for line in analysis.lines or ()]


def test_the_parts_of_a_layout() -> None:
    span = {"offset": 0, "length": 3}
    mark = {"state": "selected", "polygon": BOX, "confidence": 0.9, "span": span}
    code = {"kind": "QRCode", "value": "https://a.example", "polygon": BOX, "span": span, "confidence": 1}
    formula = {"kind": "inline", "value": "x^2", "polygon": BOX, "span": span, "confidence": 0.8}
    page = result("two words")["pages"][0] | {"selectionMarks": [mark], "barcodes": [code], "formulas": [formula]}  # type: ignore[index]
    cells = [
        {"rowIndex": 0, "columnIndex": 0, "columnSpan": 2, "kind": "columnHeader", "content": "head", "spans": []},
        {"rowIndex": 1, "columnIndex": 1, "content": "b", "boundingRegions": REGIONS, "spans": []},
    ]
    analysis = parse(
        {
            "pages": [page],
            "paragraphs": [{"role": "title", "content": "two words", "boundingRegions": REGIONS, "spans": [span]}],
            "tables": [{"rowCount": 2, "columnCount": 2, "cells": cells, "spans": []}],
            "keyValuePairs": [{"key": {"content": "Total:", "spans": []}, "confidence": 0.7}],
            "styles": [{"isHandwritten": True, "spans": [span, {"offset": 4, "length": 5}], "confidence": 0.6}],
            "languages": [{"locale": "en", "spans": [span], "confidence": 0.5}],
        }
    )
    assert () == analysis.warnings
    (found,) = analysis.pages or ()
    outline = (analysis.lines or ())[0].polygon
    assert (100.0, 80.0, "pixel", 0.0) == (found.width, found.height, found.unit, found.angle)
    assert [SelectionMark, Barcode, Formula] == [
        type(each) for each in (*found.selection_marks, *found.barcodes, *found.formulas)
    ]
    assert found.selection_marks[0].selected
    (table,) = analysis.tables or ()
    assert (("head", ""), ("", "b")) == table.grid
    assert Cell(0, 0, "head", "columnHeader", 1, 2) == table.cells[0]
    (paragraph,) = analysis.paragraphs or ()
    assert ("title", 1) == (paragraph.role, len(paragraph.regions))
    assert isinstance(paragraph.regions[0], PageRegion)
    (pair,) = analysis.key_value_pairs or ()
    assert ("Total:", None) == (pair.key, pair.value)
    (style,) = analysis.styles or ()
    assert (True, ("two", "words")) == (style.handwritten, style.texts)
    assert (Language("en", ("two",), 0.5),) == analysis.languages
    assert outline.points


def test_what_was_not_asked_for_is_none_and_what_is_not_there_is_empty() -> None:
    assert parse().tables is None
    assert () == parse({"tables": []}).tables


def test_pages_that_are_missing_are_told() -> None:
    assert () == parse(pages=1).warnings
    assert "1 of 3 pages were read" in parse(pages=3).warnings[0]


def test_a_broken_part_does_not_break_the_others() -> None:
    analysis = parse({"tables": [{"rowCount": "two"}], "paragraphs": 5, "documents": [{"docType": "d", "fields": []}]})
    assert "two words" == analysis.text
    assert ((), ()) == (analysis.tables, analysis.paragraphs)
    assert 3 == len(analysis.warnings)


def test_a_page_without_a_size_keeps_its_words_and_loses_its_places() -> None:
    page = {name: value for name, value in result("two words")["pages"][0].items() if name != "width"}  # type: ignore[index]
    analysis = parse({"pages": [page]})
    (line,) = analysis.lines or ()
    assert ("two words", ()) == (line.text, line.polygon.points)
    assert analysis.warnings == ("the answer does not say how large page 1 is: places on it cannot be given",)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 10**6)
    | st.sampled_from(["", "x", "\ud800", "date", "selected", math.pi, -1.5]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "content", "spans", "offset", "length", "valueArray", "x"]), inner)
    ),
    max_leaves=8,
)
PLACES = ["pages", "tables", "paragraphs", "keyValuePairs", "styles", "languages", "documents", "content", "apiVersion"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(PLACES), VALUES | st.lists(VALUES, max_size=3)), st.booleans())
def test_whatever_stands_in_an_answer_it_is_an_analysis_or_an_error_of_ours(
    changes: dict[str, Any], bare: bool
) -> None:
    told = result("two words") | changes
    body = told if bare else {"status": "succeeded", "analyzeResult": told}
    try:
        analysis = AzureDocumentIntelligence().parse(Raw(json.dumps(body)))
    except ProviderError:
        return
    told_again = json.dumps(analysis.to_json(), ensure_ascii=False).encode()
    assert analysis == Analysis.from_json(json.loads(told_again))
