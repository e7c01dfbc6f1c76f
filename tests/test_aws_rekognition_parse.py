"""Reading DetectText's answers: pure, without SDK, picture or key."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudvision.errors import ProviderError, RejectedError, UnexpectedAnswerError
from cloudvision.geometry import Polygon
from cloudvision.providers.aws_rekognition import AwsRekognition
from cloudvision.raw import Raw
from cloudvision.results import Analysis, Provenance

PROVIDER = AwsRekognition()
SQUARE = [{"X": 0.1, "Y": 0.2}, {"X": 0.3, "Y": 0.2}, {"X": 0.3, "Y": 0.4}, {"X": 0.1, "Y": 0.4}]
BOX = {"Left": 0.1, "Top": 0.2, "Width": 0.2, "Height": 0.2}


def detection(text: str, kind: str = "LINE", **fields: object) -> dict[str, object]:
    geometry = {"BoundingBox": BOX, "Polygon": SQUARE}
    return {"DetectedText": text, "Type": kind, "Confidence": 99.5, "Geometry": geometry, **fields}


def parsed(*detections: object, **outer: object) -> Analysis:
    return PROVIDER.parse(Raw(json.dumps({"TextDetections": detections, **outer})))


def texts(analysis: Analysis) -> list[tuple[str, list[str]]]:
    assert analysis.lines is not None
    return [(line.text, [word.text for word in line.words]) for line in analysis.lines]


def test_words_join_the_line_that_they_name_in_the_order_given() -> None:
    analysis = parsed(
        detection("IT'S MONDAY", Id=0),
        detection("keep smiling", Id=1),
        detection("IT'S", "WORD", Id=2, ParentId=0),
        detection("keep", "WORD", Id=4, ParentId=1),
        detection("MONDAY", "WORD", Id=3, ParentId=0),
        detection("smiling", "WORD", Id=5, ParentId=1),
    )
    assert texts(analysis) == [("IT'S MONDAY", ["IT'S", "MONDAY"]), ("keep smiling", ["keep", "smiling"])]
    assert analysis.text == "IT'S MONDAY\nkeep smiling"
    assert analysis.warnings == ()


def test_words_that_come_before_their_line_join_it_too() -> None:
    analysis = parsed(detection("a", "WORD", Id=1, ParentId=0), detection("a", Id=0))
    assert texts(analysis) == [("a", ["a"])]


def test_a_line_without_words_stays_a_line() -> None:
    assert texts(parsed(detection("alone", Id=0))) == [("alone", [])]


def test_a_word_whose_line_is_missing_becomes_a_line_with_a_warning() -> None:
    analysis = parsed(detection("first", Id=0), detection("lost", "WORD", Id=9, ParentId=4), detection("stray", "WORD"))
    assert texts(analysis) == [("first", []), ("lost", ["lost"]), ("stray", ["stray"])]
    assert analysis.warnings == ("2 words belong to no line of this answer; each became a line of its own",)


def test_of_two_lines_with_one_id_the_first_has_the_words() -> None:
    analysis = parsed(detection("a", Id=0), detection("b", Id=0), detection("w", "WORD", Id=1, ParentId=0))
    assert texts(analysis) == [("a", ["w"]), ("b", [])]


def test_no_detections_means_no_text_and_no_list_means_no_answer() -> None:
    assert parsed().lines == ()
    with pytest.raises(UnexpectedAnswerError):
        PROVIDER.parse(Raw('{"TextModelVersion":"3.0"}'))
    with pytest.raises(UnexpectedAnswerError):
        PROVIDER.parse(Raw('{"TextDetections":null}'))


def test_confidence_runs_from_0_to_1_whatever_number_came() -> None:
    wanted = {100: 1.0, 0: 0.0, 50.5: 0.505, 100.1: None, -1: None, "99": None, True: None, None: None}
    for given_, expected in wanted.items():
        lines = parsed(detection("x", Confidence=given_)).lines
        assert lines is not None
        assert lines[0].confidence == expected, given_


def polygon_of(geometry: object) -> Polygon:
    lines = parsed(detection("x", Geometry=geometry)).lines
    assert lines is not None
    return lines[0].polygon


def test_the_outline_is_taken_as_it_is_even_outside_the_picture() -> None:
    outside = [{"X": -0.02, "Y": 0.003}, {"X": 1.015, "Y": -0.01}, {"X": 1.018, "Y": 1.05}, {"X": -0.02, "Y": 1.06}]
    assert polygon_of({"Polygon": outside}).points == ((-0.02, 0.003), (1.015, -0.01), (1.018, 1.05), (-0.02, 1.06))


def test_without_an_outline_the_box_is_taken_also_with_negative_width_and_height() -> None:
    box = polygon_of({"BoundingBox": {"Left": 0.5, "Top": 0.5, "Width": -0.25, "Height": -0.125}}).box
    assert (box.left, box.top, box.width, box.height) == (0.25, 0.375, 0.25, 0.125)


@pytest.mark.parametrize("geometry", [None, {}, [], {"Polygon": []}, {"Polygon": [{"X": 1}], "BoundingBox": 3}])
def test_text_without_usable_geometry_is_kept_with_a_warning(geometry: object) -> None:
    analysis = parsed(detection("x", Geometry=geometry))
    assert analysis.text == "x"
    assert analysis.warnings == ("detection 0 has no usable geometry",)


@pytest.mark.parametrize("item", [None, 7, {}, {"Type": "LINE"}, detection("x", "PAGE"), detection(5)])  # type: ignore[arg-type]
def test_what_is_no_detection_is_left_out_with_a_warning(item: object) -> None:
    analysis = parsed(detection("kept", Id=0), item)
    assert analysis.text == "kept"
    assert len(analysis.warnings) == 1


def test_a_saved_list_of_detections_alone_is_read_as_well() -> None:
    assert PROVIDER.parse(Raw(json.dumps([detection("HP", Id=0)]))).text == "HP"


def test_the_provenance_tells_model_request_and_latency() -> None:
    body = json.dumps({"TextDetections": [], "TextModelVersion": "3.0"})
    raw = Raw(body, headers=(("x-amzn-requestid", "r-1"),), latency_s=0.25, width=640, height=480)
    analysis = PROVIDER.parse(raw)
    assert analysis.provenance == Provenance("aws-rekognition", model_version="3.0", request_id="r-1", latency_s=0.25)
    assert (analysis.width, analysis.height) == (640, 480)


def test_the_request_id_is_found_in_an_answer_saved_from_boto3() -> None:
    provenance = parsed(ResponseMetadata={"RequestId": "r-2"}).provenance
    assert provenance is not None
    assert provenance.request_id == "r-2"


def test_halves_of_surrogate_pairs_do_not_reach_the_text() -> None:
    body = r'{"TextDetections":[{"DetectedText":"a\ud83d","Type":"LINE","Id":0}]}'
    assert PROVIDER.parse(Raw(body)).text.encode("utf-8") == b"a?"


def test_an_error_body_raises_the_error_it_stands_for() -> None:
    with pytest.raises(RejectedError) as caught:
        PROVIDER.parse(Raw('{"__type":"InvalidS3ObjectException","Message":"no"}'))
    assert caught.value.code == "InvalidS3ObjectException"


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just(10**400)
KEYS = st.sampled_from(
    [
        "TextDetections",
        "DetectedText",
        "Type",
        "Id",
        "ParentId",
        "Confidence",
        "Geometry",
        "Polygon",
        "X",
        "Y",
        "__type",
    ]
)
JUNK = st.recursive(
    SCALARS | st.sampled_from(["LINE", "WORD"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=20,
)


@given(JUNK, JUNK, st.sampled_from([200, 204, 302, 400, 403, 404, 429, 500, 503]))
def test_any_json_gives_an_analysis_that_survives_its_own_json_or_one_of_our_errors(
    detections: object, whole: object, status: int
) -> None:
    for body in ({"TextDetections": detections}, {"TextDetections": [detections, whole]}, whole):
        try:
            analysis = PROVIDER.parse(Raw(json.dumps(body), status=status))
        except ProviderError:
            continue
        stored = json.loads(json.dumps(analysis.to_json(), allow_nan=False))
        assert Analysis.from_json(stored) == analysis


@given(st.text(max_size=200), st.sampled_from([200, 400, 503]))
def test_text_that_is_no_json_is_always_one_of_our_errors(body: str, status: int) -> None:
    with pytest.raises(ProviderError):
        PROVIDER.parse(Raw(f"{body}<", status=status))


@pytest.mark.parametrize("body", ["[" * 100_000, "1" * 5000, '{"TextDetections":[' + "[" * 100_000])
def test_monstrous_json_is_an_unexpected_answer(body: str) -> None:
    with pytest.raises(UnexpectedAnswerError):
        PROVIDER.parse(Raw(body))
