"""DetectText of the emulator, asked by an unmodified boto3."""

from __future__ import annotations

import time
from typing import Any

import pytest
from PIL import Image as Pillow

from cloudvision.emulator import Emulator, running
from cloudvision.geometry import Box, Polygon
from cloudvision.results import Line, Word
from tests.emulation import MadeUpReader, encoded, line, overlap, plain, rekognition, written

pytest.importorskip("boto3", reason="needs the extra aws")


def detect(emulator: Emulator, data: bytes, **filters: Any) -> list[dict[str, Any]]:
    return rekognition(emulator).detect_text(Image={"Bytes": data}, Filters=filters)["TextDetections"]


def refused(emulator: Emulator, *, client: Any = None, **request: Any) -> tuple[str, int]:
    from botocore.exceptions import ClientError

    with pytest.raises(ClientError) as caught:
        (client or rekognition(emulator)).detect_text(**request)
    return caught.value.response["Error"]["Code"], caught.value.response["ResponseMetadata"]["HTTPStatusCode"]


def place_of(entry: dict[str, Any]) -> Box:
    box = entry["Geometry"]["BoundingBox"]
    return Box(box["Left"], box["Top"], box["Width"], box["Height"])


def test_the_text_of_the_picture_is_found_where_it_stands(reading_emulator: Emulator) -> None:
    data, places = written(("NO ENTRY", 40, 40), ("EXIT", 200, 200))
    found = detect(reading_emulator, data)
    assert ["NO ENTRY", "EXIT"] == [entry["DetectedText"] for entry in found if entry["Type"] == "LINE"]
    for entry, place in zip(found, places, strict=False):
        assert overlap(place_of(entry), place) > 0.5
        assert 80 < entry["Confidence"] <= 100
    # Lines come first, then their words.
    assert [("LINE", 0, None), ("LINE", 1, None), ("WORD", 2, 0), ("WORD", 3, 0), ("WORD", 4, 1)] == [
        (entry["Type"], entry["Id"], entry.get("ParentId")) for entry in found
    ]
    assert ["NO", "ENTRY", "EXIT"] == [entry["DetectedText"] for entry in found[2:]]
    assert all(len(entry["Geometry"]["Polygon"]) == 4 for entry in found)


@pytest.mark.parametrize(
    ("region", "kept"),
    [
        ({"BoundingBox": {"Left": 0.0, "Top": 0.0, "Width": 0.5, "Height": 1.0}}, ["left"]),
        ({"BoundingBox": {"Left": 0.22, "Top": 0.0, "Width": 0.5, "Height": 1.0}}, []),  # 40 % of each
        ({"Polygon": [{"X": 0.5, "Y": 0.0}, {"X": 1.0, "Y": 0.0}, {"X": 1.0, "Y": 1.0}]}, ["right"]),
    ],
)
def test_a_word_is_kept_that_lies_in_a_region_by_more_than_half(
    cloudvision_emulator: Emulator, reader: MadeUpReader, region: dict[str, Any], kept: list[str]
) -> None:
    reader.lines = (line(("left", 0.1, 0.2, 0.2, 0.1), ("right", 0.7, 0.2, 0.2, 0.1)),)
    found = detect(cloudvision_emulator, plain(), RegionsOfInterest=[region])
    assert kept == [entry["DetectedText"] for entry in found if entry["Type"] == "WORD"]
    assert kept == [entry["DetectedText"] for entry in found if entry["Type"] == "LINE"]


def test_words_are_left_out_by_confidence_and_size(cloudvision_emulator: Emulator, reader: MadeUpReader) -> None:
    reader.lines = (
        line(("sure", 0.1, 0.1, 0.2, 0.1), ("tiny", 0.4, 0.1, 0.01, 0.01)),
        line(("unsure", 0.1, 0.3, 0.2, 0.1), confidence=0.6),
    )

    def words(**wanted: float) -> list[str]:
        found = detect(cloudvision_emulator, plain(), WordFilter=wanted)
        return [entry["DetectedText"] for entry in found if entry["Type"] == "WORD"]

    assert ["sure", "tiny"] == words()
    assert ["sure", "tiny", "unsure"] == words(MinConfidence=50.0)
    assert [] == words(MinConfidence=99.5)
    assert ["sure"] == words(MinBoundingBoxWidth=0.1)
    assert ["sure"] == words(MinBoundingBoxHeight=0.1)


def test_there_are_at_most_a_hundred_words(cloudvision_emulator: Emulator, reader: MadeUpReader) -> None:
    row = [(f"w{number}", number / 80, 0.1, 0.01, 0.01) for number in range(60)]
    reader.lines = (line(*row), line(*row), line(*row))
    found = detect(cloudvision_emulator, plain())
    assert 100 == sum(entry["Type"] == "WORD" for entry in found)
    assert 2 == sum(entry["Type"] == "LINE" for entry in found)


def test_text_upside_down_is_not_found(cloudvision_emulator: Emulator, reader: MadeUpReader) -> None:
    turned = Polygon.of_box(Box(0.8, 0.5, -0.5, -0.1))
    reader.lines = (Line("down", 0.99, turned, (Word("down", 0.99, turned),)),)
    assert [] == detect(cloudvision_emulator, plain())


def too_many(number: int) -> list[dict[str, Any]]:
    return [{"BoundingBox": {"Left": 0.0, "Top": 0.0, "Width": 0.5, "Height": 0.5}}] * number


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"Image": {"Bytes": plain(79, 200)}}, "InvalidParameterException"),
        ({"Image": {}}, "InvalidParameterException"),
        ({"Image": {"Bytes": plain(), "S3Object": {"Bucket": "abc", "Name": "d"}}}, "InvalidParameterException"),
        ({"Image": {"Bytes": plain()}, "Filters": {"RegionsOfInterest": too_many(11)}}, "InvalidParameterException"),
        (
            {"Image": {"Bytes": plain()}, "Filters": {"WordFilter": {"MinConfidence": 101.0}}},
            "InvalidParameterException",
        ),
        ({"Image": {"Bytes": plain(format="GIF")}}, "InvalidImageFormatException"),
        ({"Image": {"Bytes": plain(format="JPEG")[:300]}}, "InvalidImageFormatException"),
        ({"Image": {"Bytes": b"text"}}, "InvalidImageFormatException"),
        ({"Image": {"Bytes": bytes(5_242_881)}}, "ImageTooLargeException"),
        ({"Image": {"Bytes": bytes(13_000_000)}}, "ImageTooLargeException"),
        ({"Image": {"Bytes": encoded(Pillow.new("1", (10_001, 80)))}}, "ImageTooLargeException"),
        ({"Image": {"S3Object": {"Bucket": "abc", "Name": "missing.jpg"}}}, "InvalidS3ObjectException"),
    ],
)
def test_what_the_service_does_not_take_is_refused(
    cloudvision_emulator: Emulator, request_: dict[str, Any], code: str
) -> None:
    assert (code, 400) == refused(cloudvision_emulator, **request_)
    assert {} == cloudvision_emulator.bill().units


def test_an_s3_object_is_read_once_it_is_there(cloudvision_emulator: Emulator) -> None:
    named = {"S3Object": {"Bucket": "holiday", "Name": "a.png"}}
    cloudvision_emulator.put_object("holiday", "a.png", plain())
    found = rekognition(cloudvision_emulator).detect_text(Image=named)["TextDetections"]
    assert found == detect(cloudvision_emulator, plain())


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"aws_access_key_id": "AKIAUNKNOWN"}, "UnrecognizedClientException"),
        ({"aws_session_token": "left over"}, "UnrecognizedClientException"),
        ({"aws_secret_access_key": "wrong"}, "InvalidSignatureException"),
        ({"region_name": "eu-west-1"}, "InvalidSignatureException"),
    ],
)
def test_requests_must_be_signed_by_a_known_key_for_this_region(
    cloudvision_emulator: Emulator, changes: dict[str, str], code: str
) -> None:
    client = rekognition(cloudvision_emulator, **changes)
    assert (code, 400) == refused(cloudvision_emulator, client=client, Image={"Bytes": plain()})


@pytest.mark.parametrize(("ahead", "word"), [(400, "Signature expired"), (-400, "Signature not yet current")])
def test_a_signature_must_be_of_this_moment(ahead: int, word: str) -> None:
    from botocore.exceptions import ClientError

    with (
        running(reader=MadeUpReader(), now=lambda: time.time() + ahead) as emulator,
        pytest.raises(ClientError, match=word) as caught,
    ):
        rekognition(emulator).detect_text(Image={"Bytes": plain()})
    assert "InvalidSignatureException" == caught.value.response["Error"]["Code"]


def test_a_changed_body_breaks_the_signature(cloudvision_emulator: Emulator) -> None:
    def change(request: Any, **_: Any) -> None:
        request.body = request.body.replace(b'"Image"', b'"image"')

    client = rekognition(cloudvision_emulator)
    client.meta.events.register("before-send.rekognition.DetectText", change, unique_id="change")
    code = refused(cloudvision_emulator, client=client, Image={"Bytes": plain()})
    client.meta.events.unregister("before-send.rekognition.DetectText", unique_id="change")
    assert ("InvalidSignatureException", 400) == code


def test_other_operations_do_not_exist(cloudvision_emulator: Emulator) -> None:
    from botocore.exceptions import ClientError

    with pytest.raises(ClientError, match="UnknownOperationException"):
        rekognition(cloudvision_emulator).detect_faces(Image={"Bytes": plain()})
