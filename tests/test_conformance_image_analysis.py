"""Saved answers of the real Image Analysis service parse as their index says; skipped where they are not at hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cloudvision.errors import AuthError, RejectedError
from cloudvision.providers._options import Options
from cloudvision.providers.azure_image_analysis import FEATURES, AzureImageAnalysis
from cloudvision.raw import Raw
from cloudvision.results import Analysis

FOLDER = Path(__file__).parents[2] / "shared" / "conformance" / "image_analysis"
FILES = sorted(FOLDER.glob("*.json"))
PARTS = {
    "captionResult": "caption",
    "denseCaptionsResult": "dense_captions",
    "tagsResult": "tags",
    "objectsResult": "objects",
    "peopleResult": "people",
    "smartCropsResult": "smart_crops",
    "readResult": "lines",
}
ERRORS = {401: AuthError, 400: RejectedError}

pytestmark = pytest.mark.skipif(not FILES, reason=f"no saved answers in {FOLDER}")


def envelope(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def raw_of(saved: dict[str, Any]) -> Raw:
    headers = tuple((name.lower(), value) for name, value in saved.get("response_headers", {}).items())
    return Raw(json.dumps(saved["body"]), status=saved["status"], headers=headers)


def count(part: str, result: dict[str, Any]) -> int:
    if part != "lines":
        return len(result["values"])
    groups = result.get("blocks") or result.get("pages") or []
    return sum(len(group["lines"]) for group in groups)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_saved_answer_parses_completely_or_is_the_error_it_says(path: Path) -> None:
    saved = envelope(path)
    provider = AzureImageAnalysis(options=Options(features=FEATURES))
    if saved["status"] != 200:
        with pytest.raises(ERRORS[saved["status"]]) as caught:
            provider.parse(raw_of(saved))
        assert caught.value.code
        return
    body = saved["body"]
    analysis = provider.parse(raw_of(saved))
    for member, part in PARTS.items():
        found = getattr(analysis, part)
        if member not in body:
            assert found is None
        elif part == "caption":
            assert found.text == body[member]["text"]
        else:
            assert len(found) == count(part, body[member])
    assert analysis.provenance is not None
    assert analysis.provenance.model_version == body.get("modelVersion")
    assert Analysis.from_json(json.loads(json.dumps(analysis.to_json()))) == analysis
    assert [w for w in analysis.warnings if "asked for" not in w and "2022 preview" not in w] == []


@pytest.mark.parametrize("path", [path for path in FILES if "error" not in path.stem], ids=lambda path: path.stem)
def test_places_of_a_saved_answer_lie_in_the_picture(path: Path) -> None:
    analysis = AzureImageAnalysis().parse(raw_of(envelope(path)))
    regions = (analysis.objects or ()) + (analysis.people or ()) + (analysis.smart_crops or ())
    outlines = [line.polygon for line in analysis.lines or ()]
    outlines += [word.polygon for line in analysis.lines or () for word in line.words]
    boxes = [region.box for region in regions] + [outline.box for outline in outlines]
    boxes += [caption.box for caption in analysis.dense_captions or () if caption.box is not None]
    for box in boxes:
        assert -0.05 <= box.left <= box.right <= 1.05
        assert -0.05 <= box.top <= box.bottom <= 1.05
