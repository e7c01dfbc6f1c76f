"""Answers: frozen, readable, and the same after a trip through JSON."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudvision import results
from cloudvision.geometry import Box, Polygon
from cloudvision.raw import Raw
from cloudvision.results import Analysis, Caption, Line, Provenance, Word

# Types that refer to themselves need a bound that `from_type` does not set by itself.
fields = st.deferred(lambda: st.builds(results.Field, items=st.just(()), fields=st.just(()), value=scalars))
scalars = st.none() | st.text() | st.integers() | st.booleans() | st.floats(allow_nan=False)
floats = st.floats(allow_nan=False)
st.register_type_strategy(float, floats)
documents = st.builds(results.Document, fields=st.lists(st.tuples(st.text(), fields), max_size=2).map(tuple))
analyses = st.builds(Analysis, documents=st.none() | st.lists(documents, max_size=2).map(tuple))


@given(analyses)
def test_an_analysis_is_the_same_after_a_trip_through_json(analysis: Analysis) -> None:
    assert analysis == Analysis.from_json(json.loads(json.dumps(analysis.to_json())))


@given(st.builds(Raw))
def test_a_raw_answer_is_the_same_after_a_trip_through_json(raw: Raw) -> None:
    assert raw == Raw.from_json(json.loads(json.dumps(raw.to_json())))


def test_not_asked_and_nothing_there_are_told_apart() -> None:
    assert "lines" not in Analysis().to_json()
    assert [] == Analysis(lines=()).to_json()["lines"]


@pytest.mark.parametrize(
    ("values", "place"),
    [
        ({"lines": [{"text": 5}]}, r"\$\.lines\[0\]\.text"),
        ({"lines": [{"text": "a", "confidence": None}]}, r"\$\.lines\[0\]\.polygon: missing"),
        ({"width": True}, r"\$\.width"),
        ({"schema": 2}, "schema 2 is not 1"),
        ([], "expected a JSON object"),
    ],
)
def test_json_of_another_shape_is_refused_with_the_place(values: object, place: str) -> None:
    with pytest.raises(ValueError, match=place):
        Analysis.from_json(values)  # type: ignore[arg-type]


def test_fields_that_a_later_version_added_are_passed_over() -> None:
    assert Analysis(width=5) == Analysis.from_json({"schema": 1, "width": 5, "mood": "calm"})


def test_answers_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        Analysis().width = 5  # type: ignore[misc]


def test_the_text_is_all_lines_and_the_repr_is_short() -> None:
    outline = Polygon.of_box(Box(0.1, 0.2, 0.3, 0.4))
    line = Line("Hello world", 0.9, outline, (Word("Hello", 0.9, outline), Word("world", 0.9, outline)))
    analysis = Analysis(
        width=640,
        height=480,
        caption=Caption("a sign", 0.8),
        lines=(line, line),
        provenance=Provenance("aws-rekognition", cost_usd=0.001),
    )
    assert "Hello world\nHello world" == analysis.text
    assert (
        "Analysis(640x480, caption='a sign', 2 lines 'Hello world\\nHello world', aws-rekognition, 0.0010 USD)"
        == repr(analysis)
    )


@given(st.lists(st.tuples(st.floats(-2, 3), st.floats(-2, 3)), min_size=1))
def test_the_box_of_an_outline_holds_all_its_corners(points: list[tuple[float, float]]) -> None:
    box = Polygon(tuple(points)).box
    assert box.width >= 0
    assert box.height >= 0
    assert all(box.left <= x <= box.right + 1e-9 and box.top <= y <= box.bottom + 1e-9 for x, y in points)


def test_the_body_of_a_raw_answer_is_not_shown() -> None:
    raw = Raw(body="a letter to somebody", headers=(("x-ms-region", "East US"),))
    assert "letter" not in repr(raw)
    assert ("East US", None) == (raw.header("X-MS-Region"), raw.header("retry-after"))
