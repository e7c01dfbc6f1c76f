"""Saved answers of the real Document Intelligence service parse as their index says; skipped where there are none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cloudvision.errors import RejectedError, SettingsRejectedError, ThrottledError, UnexpectedAnswerError
from cloudvision.providers.azure_document_intelligence import AzureDocumentIntelligence
from cloudvision.raw import Raw
from cloudvision.results import Analysis, Field
from cloudvision.saved import read_saved

FOLDER = Path(__file__).parents[2] / "shared" / "conformance" / "document_intelligence"
FILES = sorted(FOLDER.glob("*.json"))
ERRORS = {
    "err_400_InvalidArgument_InvalidParameter_3": SettingsRejectedError,
    "err_400_InvalidImage_v2_7": RejectedError,
    "err_400_InvalidRequest_InvalidContent_2": RejectedError,
    "err_400_NotSupportedLanguage_v2_6": RejectedError,
    "err_404_1022_v2_13": SettingsRejectedError,
    "err_404_NotFound_ModelNotFound_4": SettingsRejectedError,
    "err_429_429_v2_12": ThrottledError,
}
NO_ANALYSES = [path for path in FILES if path.stem.startswith(("di_operation", "lro_"))]
ANSWERS = [path for path in FILES if path.stem not in ERRORS and path not in NO_ANALYSES]

pytestmark = pytest.mark.skipif(not FILES, reason=f"no saved answers in {FOLDER}")


def envelope(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def raw_of(path: Path) -> Raw:
    saved = envelope(path)
    return Raw(json.dumps(saved["sdk_to_dict"])) if "sdk_to_dict" in saved else read_saved(path.read_text("utf-8"))


def result_of(path: Path) -> dict[str, Any]:
    saved = envelope(path)
    found: dict[str, Any] = saved.get("sdk_to_dict") or saved["body"]["analyzeResult"]
    return found


def all_fields(fields: tuple[tuple[str, Field], ...]) -> Iterator[Field]:
    for _, field in fields:
        yield field
        yield from all_fields(field.fields)
        for item in field.items:
            yield item
            yield from all_fields(item.fields)


@pytest.mark.parametrize("path", ANSWERS, ids=lambda path: path.stem)
def test_a_saved_answer_parses_completely(path: Path) -> None:
    analysis, result = AzureDocumentIntelligence().parse(raw_of(path)), result_of(path)
    assert [w for w in analysis.warnings if w != "entities are not read"] == []
    assert len(analysis.pages or ()) == len(result["pages"])
    words = [word for line in analysis.lines or () for word in line.words]
    assert sorted(word.text for word in words) == sorted(
        w["content"] for page in result["pages"] for w in page["words"]
    )
    assert len(analysis.lines or ()) == sum(len(page["lines"]) for page in result["pages"])
    for part, member in (("tables", "tables"), ("documents", "documents"), ("paragraphs", "paragraphs")):
        assert len(getattr(analysis, part) or ()) == len(result.get(member) or ())
    assert len(analysis.key_value_pairs or ()) == len(
        result.get("keyValuePairs") or result.get("key_value_pairs") or ()
    )
    assert Analysis.from_json(json.loads(json.dumps(analysis.to_json()))) == analysis


@pytest.mark.parametrize("path", ANSWERS, ids=lambda path: path.stem)
def test_no_field_of_a_saved_answer_loses_its_value(path: Path) -> None:
    analysis = AzureDocumentIntelligence().parse(raw_of(path))
    for document, given in zip(analysis.documents or (), result_of(path).get("documents") or (), strict=True):
        assert [name for name, _ in document.fields] == [name for name, value in given["fields"].items() if value]
        for field in all_fields(document.fields):
            compound = field.kind in ("array", "object")
            assert compound or field.value is not None or field.content is None


@pytest.mark.parametrize("path", ANSWERS, ids=lambda path: path.stem)
def test_places_of_a_saved_answer_lie_on_their_page(path: Path) -> None:
    analysis = AzureDocumentIntelligence().parse(raw_of(path))
    outlines = [line.polygon for line in analysis.lines or ()]
    outlines += [word.polygon for line in analysis.lines or () for word in line.words]
    outlines += [region.polygon for table in analysis.tables or () for cell in table.cells for region in cell.regions]
    for outline in outlines:
        assert len(outline.points) >= 4
        assert -0.05 <= outline.box.left <= outline.box.right <= 1.05
        assert -0.05 <= outline.box.top <= outline.box.bottom <= 1.05


@pytest.mark.parametrize("name", sorted(ERRORS))
def test_a_saved_error_is_the_error_it_says(name: str) -> None:
    with pytest.raises(ERRORS[name]) as caught:
        AzureDocumentIntelligence().parse(raw_of(FOLDER / f"{name}.json"))
    assert type(caught.value) is ERRORS[name]
    assert caught.value.code


@pytest.mark.parametrize("path", NO_ANALYSES, ids=lambda path: path.stem)
def test_what_is_no_analysis_says_so(path: Path) -> None:
    with pytest.raises(UnexpectedAnswerError, match="is not an analysis"):
        AzureDocumentIntelligence().parse(raw_of(path))
