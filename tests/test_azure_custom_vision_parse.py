"""Reading Custom Vision's answers, also those that nobody should get."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudvision.errors import UnexpectedAnswerError
from cloudvision.providers._options import Options
from cloudvision.providers.azure_custom_vision import AzureCustomVision
from cloudvision.raw import Raw
from cloudvision.results import Analysis
from tests.custom_vision_double import BOX, ITERATION, answer_of, tag


def parsed(body: object, **options: object) -> Analysis:
    return AzureCustomVision(options=Options(**options)).parse(Raw(json.dumps(body)))  # type: ignore[arg-type]


def test_labels_or_regions_are_told_apart_by_the_answer_itself() -> None:
    labelled, boxed = answer_of(tag("apple", 0.9)), answer_of(tag("apple", 0.9, boundingBox=BOX))
    for kind in ("classify", "detect"):
        assert (1, None) == (len(parsed(labelled, features=(kind,)).labels or ()), parsed(labelled).regions)
        assert (1, None) == (len(parsed(boxed, features=(kind,)).regions or ()), parsed(boxed).labels)
    assert (None, ()) == (
        parsed(answer_of(), features=("detect",)).labels,
        parsed(answer_of(), features=("detect",)).regions,
    )
    assert ((), None) == (parsed(answer_of()).labels, parsed(answer_of()).regions)


def test_a_threshold_that_leaves_nothing_leaves_the_kind() -> None:
    analysis = parsed(answer_of(tag("apple", 0.2, boundingBox=BOX)), min_confidence=0.5)
    assert (None, ()) == (analysis.labels, analysis.regions)


def test_places_are_kept_where_they_leave_the_picture() -> None:
    (region,) = parsed(answer_of(tag("apple", 1, boundingBox={**BOX, "left": -0.1, "width": 1.4}))).regions or ()
    assert (-0.1, 1.4, -0.02) == (region.box.left, region.box.width, region.box.top)


def test_ids_of_a_container_are_no_ids() -> None:
    body = answer_of({"probability": 0.6, "tagId": 0, "tagName": "pool"}) | {"id": "", "project": "", "iteration": ""}
    analysis = parsed(body)
    assert analysis.provenance is not None
    assert (None, None) == (analysis.provenance.model_version, analysis.provenance.request_id)
    told = parsed(answer_of(tag("apple", 1))).provenance
    assert told is not None
    assert (ITERATION, "d588fff0-5567-484b-9235-8338f227c567") == (told.model_version, told.request_id)


@pytest.mark.parametrize("body", [{}, {"predictions": None}, {"predictions": "x"}, {"predictions": {}}, [], 5, None])
def test_an_answer_without_predictions_is_unexpected(body: object) -> None:
    with pytest.raises(UnexpectedAnswerError, match=r"predictions|instead of an object"):
        parsed(body)


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
names = st.sampled_from(["tagName", "probability", "boundingBox", "left", "top", "width", "height", "tagId"])
junk = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=6), max_leaves=12
)


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.sampled_from(["id", "iteration", "predictions", "created"]), junk))
def test_whatever_json_comes_the_outcome_is_an_analysis_or_unexpected(body: dict[str, object]) -> None:
    try:
        analysis = parsed(body)
    except UnexpectedAnswerError:
        return
    assert Analysis.from_json(json.loads(json.dumps(analysis.to_json()))) == analysis
