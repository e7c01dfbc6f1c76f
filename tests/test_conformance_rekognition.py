"""Answers that the service really gave: all of them parse, and the errors give their error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cloudvision.errors import ProviderError, RejectedError
from cloudvision.providers.aws_rekognition import AwsRekognition
from cloudvision.raw import Raw
from cloudvision.results import Analysis

FOLDER = Path(__file__).parents[2] / "shared" / "conformance" / "rekognition"
FILES = sorted(FOLDER.glob("*.json"))
ANSWERS = [file for file in FILES if not file.name.startswith("rek_error_")]
ERRORS = [file for file in FILES if file.name.startswith("rek_error_")]
PROVIDER = AwsRekognition()

pytestmark = pytest.mark.skipif(not FILES, reason=f"no saved answers at {FOLDER}")


def saved(name: str | Path) -> tuple[Raw, Any]:
    envelope = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    headers = envelope.get("ResponseMetadata", {}).get("HTTPHeaders", {}) | envelope.get("response_headers", {})
    raw = Raw(json.dumps(envelope["body"]), status=envelope["status"], headers=tuple(headers.items()))
    return raw, envelope["body"]


def detections(body: Any) -> list[dict[str, Any]]:
    return body if isinstance(body, list) else body["TextDetections"]


@pytest.mark.parametrize("file", ANSWERS, ids=lambda file: file.stem)
def test_a_saved_answer_keeps_all_its_lines_and_words(file: Path) -> None:
    raw, body = saved(file)
    analysis = PROVIDER.parse(raw)
    assert analysis.lines is not None
    given = [d["DetectedText"] for d in detections(body) if d["Type"] == "LINE"]
    assert [line.text for line in analysis.lines][: len(given)] == given
    words = sorted(word.text for line in analysis.lines for word in line.words)
    assert words == sorted(d["DetectedText"] for d in detections(body) if d["Type"] == "WORD")
    assert all(len(line.polygon.points) == 4 for line in analysis.lines)
    assert all(line.confidence is not None and 0 <= line.confidence <= 1 for line in analysis.lines)


@pytest.mark.parametrize("file", ANSWERS, ids=lambda file: file.stem)
def test_a_saved_answer_survives_its_own_json(file: Path) -> None:
    analysis = PROVIDER.parse(saved(file)[0])
    assert Analysis.from_json(json.loads(json.dumps(analysis.to_json()))) == analysis


@pytest.mark.parametrize("file", ERRORS, ids=lambda file: file.stem)
def test_a_saved_error_gives_the_error_that_it_stands_for(file: Path) -> None:
    raw, body = saved(file)
    with pytest.raises(ProviderError) as caught:
        PROVIDER.parse(raw)
    assert caught.value.code == body["Code"]
    assert caught.value.status == 400


def test_an_s3_object_that_cannot_be_read_is_rejected_with_all_causes() -> None:
    with pytest.raises(RejectedError, match=r"key is wrong.*another region.*s3:GetObject"):
        PROVIDER.parse(saved("rek_error_InvalidS3Object.json")[0])


def test_turned_text_has_an_outline_and_no_negative_box() -> None:
    lines = PROVIDER.parse(saved("rek_license_plate_negative_box.json")[0]).lines
    assert lines is not None
    assert all(line.polygon.box.width > 0 and line.polygon.box.height > 0 for line in lines)


def test_geometry_outside_the_picture_is_not_clipped() -> None:
    lines = PROVIDER.parse(saved("rek_out_of_range_geometry.json")[0]).lines
    assert lines is not None
    box = lines[0].polygon.box
    assert box.left < 0
    assert box.right > 1
    assert box.bottom > 1


def test_a_word_of_a_cut_off_answer_becomes_a_line_with_a_warning() -> None:
    analysis = PROVIDER.parse(saved("rek_truncated_orphan_word.json")[0])
    assert len(analysis.warnings) == 1
    assert "no line" in analysis.warnings[0]
    assert analysis.lines is not None
    assert any(line.words and line.words[0].text == line.text for line in analysis.lines)


def test_the_headers_of_a_saved_answer_give_the_request_id() -> None:
    provenance = PROVIDER.parse(saved("rek_with_response_metadata.json")[0]).provenance
    assert provenance is not None
    assert provenance.request_id == "ecdffd95-4f5a-415b-bf32-fa5479ccedd0"
