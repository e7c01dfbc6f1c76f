"""Saved answers of the real Custom Vision, of its documentation and of exported containers; skipped where not at hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cloudvision.errors import SettingsRejectedError
from cloudvision.provider import open_provider
from cloudvision.raw import Raw
from cloudvision.results import Analysis

FOLDER = Path(__file__).parents[2] / "shared" / "conformance" / "custom_vision"
ANSWERS = sorted([*FOLDER.glob("cv_pred_*.json"), *FOLDER.glob("spec_prediction_*.json")])
REFUSALS = sorted(FOLDER.glob("err_*.json"))

pytestmark = pytest.mark.skipif(not ANSWERS, reason=f"no saved answers in {FOLDER}")


def saved(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


@pytest.mark.parametrize("path", ANSWERS, ids=lambda path: path.stem)
def test_a_saved_answer_parses_completely(path: Path) -> None:
    body = saved(path)["body"]
    analysis = open_provider("azure-custom-vision", env={}).parse(Raw(json.dumps(body)))
    predictions = body["predictions"]
    expected = sorted(((one["tagName"], one["probability"]) for one in predictions), key=lambda one: -one[1])
    found = analysis.regions if "boundingBox" in predictions[0] else analysis.labels
    assert found is not None
    assert expected == [(one.name, one.confidence) for one in found]
    assert (None, ()) == (analysis.labels if found is analysis.regions else analysis.regions, analysis.warnings)
    sides = ("left", "top", "width", "height")
    boxes = {tuple(one["boundingBox"][side] for side in sides) for one in predictions if "boundingBox" in one}
    assert boxes == {(one.box.left, one.box.top, one.box.width, one.box.height) for one in analysis.regions or ()}
    assert analysis.provenance is not None
    assert (body["iteration"] or None) == analysis.provenance.model_version
    assert analysis == Analysis.from_json(json.loads(json.dumps(analysis.to_json())))


@pytest.mark.parametrize("path", REFUSALS, ids=lambda path: path.stem)
def test_a_saved_refusal_is_ours_with_its_code(path: Path) -> None:
    refusal = saved(path)
    with pytest.raises(SettingsRejectedError, match=refusal["body"]["message"][:20]) as caught:
        open_provider("azure-custom-vision", env={}).parse(Raw(json.dumps(refusal["body"]), status=refusal["status"]))
    assert refusal["body"]["code"] == caught.value.code
