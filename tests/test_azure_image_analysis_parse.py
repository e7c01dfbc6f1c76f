"""Image Analysis answers become typed results, partial ones included."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudvision.errors import UnexpectedAnswerError
from cloudvision.geometry import Box, Polygon
from cloudvision.providers._options import Options
from cloudvision.providers.azure_image_analysis import FEATURES, AzureImageAnalysis
from cloudvision.raw import Raw
from cloudvision.results import Analysis, Caption, Crop, Label, Line, Region, Word

BOX = {"x": 10, "y": 20, "w": 30, "h": 40}
PLACE = Box(0.1, 0.1, 0.3, 0.2)
CORNERS = [{"x": 0, "y": 0}, {"x": 100, "y": 0}, {"x": 100, "y": -2}, {"x": 0, "y": 20}]
OUTLINE = Polygon(((0.0, 0.0), (1.0, 0.0), (1.0, -0.01), (0.0, 0.1)))
SIZE = {"metadata": {"width": 100, "height": 200}}


def parsed(body: object, *, features: tuple[str, ...] = (), width: int | None = None) -> Analysis:
    text = body if isinstance(body, str) else json.dumps(body)
    raw = Raw(text, width=width, height=width, headers=(("apim-request-id", "id-1"),), latency_s=0.5)
    return AzureImageAnalysis(options=Options(features=features)).parse(raw)


def lines(*entries: object) -> dict[str, object]:
    return {**SIZE, "readResult": {"blocks": [{"lines": list(entries)}]}}


def test_every_feature_has_its_part() -> None:
    word = {"text": "NO", "boundingPolygon": CORNERS, "confidence": 1}
    analysis = parsed(
        {
            "modelVersion": "2023-10-01",
            **lines({"text": "NO", "boundingPolygon": CORNERS, "words": [word]}),
            "captionResult": {"text": "a sign", "confidence": 0.5},
            "denseCaptionsResult": {"values": [{"text": "a post", "confidence": 0.4, "boundingBox": BOX}]},
            "tagsResult": {"values": [{"name": "sign", "confidence": 0.9}]},
            "objectsResult": {"values": [{"boundingBox": BOX, "tags": [{"name": "pole", "confidence": 0.8}]}]},
            "peopleResult": {"values": [{"boundingBox": BOX, "confidence": 0.0016}]},
            "smartCropsResult": {"values": [{"aspectRatio": 0.9, "boundingBox": BOX}]},
        },
        features=FEATURES,
    )
    assert (analysis.width, analysis.height) == (100, 200)
    assert analysis.lines == (Line("NO", None, OUTLINE, (Word("NO", 1.0, OUTLINE),)),)
    assert analysis.caption == Caption("a sign", 0.5)
    assert analysis.dense_captions == (Caption("a post", 0.4, PLACE),)
    assert analysis.tags == (Label("sign", 0.9),)
    assert analysis.objects == (Region("pole", 0.8, PLACE),)
    assert analysis.people == (Region("person", 0.0016, PLACE),)
    assert analysis.smart_crops == (Crop(0.9, PLACE),)
    assert analysis.warnings == ()
    assert analysis.provenance is not None
    where = analysis.provenance
    expected = ("azure-image-analysis", "2023-10-01", "id-1", 0.5)
    assert (where.provider, where.model_version, where.request_id, where.latency_s) == expected


def test_not_asked_is_none_and_nothing_there_is_empty() -> None:
    analysis = parsed({**SIZE, "readResult": {"blocks": []}})
    assert analysis.lines == ()
    assert (analysis.tags, analysis.objects, analysis.caption) == (None, None, None)


def test_objects_of_the_preview_shape_are_read() -> None:
    old = {"name": "Laptop", "confidence": 0.85, "boundingBox": BOX}
    assert parsed({**SIZE, "objectsResult": {"values": [old]}}).objects == (Region("Laptop", 0.85, PLACE),)


def test_text_of_the_2022_preview_is_read_line_by_line_with_a_warning() -> None:
    line = {"content": "John Doe", "boundingBox": [0, 0, 50, 0, 50, 5, 0, 5]}
    pages = [{"width": 100, "height": 10, "lines": [line], "words": []}]
    analysis = parsed({"readResult": {"content": "John Doe", "pages": pages}})
    assert analysis.lines == (Line("John Doe", None, Polygon(((0, 0), (0.5, 0), (0.5, 0.5), (0, 0.5)))),)
    assert any("2022 preview" in warning for warning in analysis.warnings)


def test_text_without_blocks_or_pages_is_kept_without_places() -> None:
    assert parsed({**SIZE, "readResult": {"content": "a\nb"}}).text == "a\nb"


def test_without_metadata_the_size_of_the_sent_picture_counts() -> None:
    assert parsed({"peopleResult": {"values": [{"boundingBox": BOX, "confidence": 1}]}}, width=100).people == (
        Region("person", 1.0, Box(0.1, 0.2, 0.3, 0.4)),
    )


def test_without_any_size_the_text_stays_and_the_places_go_with_a_warning() -> None:
    body = lines({"text": "NO", "boundingPolygon": CORNERS, "words": []})
    del body["metadata"]
    analysis = parsed({**body, "objectsResult": {"values": [{"boundingBox": BOX, "name": "a", "confidence": 1}]}})
    assert analysis.lines == (Line("NO", None, Polygon(())),)
    assert analysis.objects == ()
    assert any("how large the picture is" in warning for warning in analysis.warnings)


@pytest.mark.parametrize(
    "broken",
    [
        {"text": "kept"},
        {"text": "kept", "boundingPolygon": None, "words": "?"},
        {"text": "kept", "boundingPolygon": [{"x": "1", "y": 2}], "words": [{"text": 5}, None]},
        {"text": "kept", "boundingPolygon": [{"x": 10**400, "y": 2}]},
    ],
)
def test_a_line_with_broken_places_or_words_keeps_its_text(broken: dict[str, object]) -> None:
    analysis = parsed(lines({"text": 5}, broken))
    assert analysis.text == "kept"
    assert analysis.warnings


def test_a_word_without_confidence_is_kept() -> None:
    words = [{"text": "NO", "boundingPolygon": CORNERS}]
    assert parsed(lines({"text": "NO", "boundingPolygon": CORNERS, "words": words})).lines == (
        Line("NO", None, OUTLINE, (Word("NO", None, OUTLINE),)),
    )


def test_half_an_emoji_does_not_make_text_that_cannot_be_saved() -> None:
    body = '{"metadata": {"width": 9, "height": 9}, "readResult": {"blocks": [{"lines": [{"text": "a\\ud83d"}]}]}}'
    assert parsed(body).text == "a�"


def test_a_feature_that_is_missing_beside_others_is_told() -> None:
    analysis = parsed({**SIZE, "tagsResult": {"values": []}}, features=("tags", "read"))
    assert analysis.warnings == ("read was asked for and is missing",)


def test_a_byte_order_mark_does_no_harm() -> None:
    assert parsed("\ufeff" + json.dumps(lines())).lines == ()


@pytest.mark.parametrize(
    "body", [{}, {"modelVersion": "2023-10-01", **SIZE}, {"readResult": None}, {"readResult": "x"}, [], 5]
)
def test_an_answer_without_any_result_is_unexpected(body: object) -> None:
    with pytest.raises(UnexpectedAnswerError, match=r"no result|instead of an object"):
        parsed(body)


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
junk = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["values", "blocks", "lines", "words", "text", "confidence", "tags", "boundingBox", "pages"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(
    st.dictionaries(
        st.sampled_from(["metadata", "captionResult", "tagsResult", "objectsResult", "readResult", "smartCropsResult"]),
        junk,
    )
)
def test_whatever_json_comes_the_outcome_is_an_analysis_or_unexpected(body: object) -> None:
    try:
        analysis = parsed(json.dumps(body), features=FEATURES)
    except UnexpectedAnswerError:
        return
    assert Analysis.from_json(json.loads(json.dumps(analysis.to_json()))) == analysis
