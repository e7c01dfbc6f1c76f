"""What AwsRekognition sends and hands back, against a server on loopback that checks like the real one."""

from __future__ import annotations

import hashlib
import io
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import boto3
import numpy as np
import PIL.Image
import pytest
from botocore.config import Config

from cloudvision.errors import ConfigError, ThrottledError, TooSmallError, UnexpectedAnswerError
from cloudvision.images import Image, Remote, load
from cloudvision.provider import Provider, open_provider
from cloudvision.providers._aws_client import AwsCredentials
from cloudvision.providers._options import Options
from cloudvision.providers.aws_rekognition import AwsRekognition
from tests.rekognition_double import KEY_ID, REGION, REQUEST_ID, SECRET, Double, Reply, error, rekognition_double

OBJECT = Remote("s3://photos/a/b.jpg", bucket="photos", key="a/b.jpg")


@pytest.fixture(scope="module")
def running() -> Iterator[Double]:
    with rekognition_double() as double:
        yield double


@pytest.fixture
def double(running: Double) -> Double:
    running.reset()
    return running


def rekognition(double: Double, options: Options = Options()) -> AwsRekognition:
    keys = AwsCredentials(KEY_ID, SECRET)
    return AwsRekognition(options=options, region=REGION, endpoint_url=double.url, credentials=keys)


def encoded(pixels: np.ndarray, format: str, **settings: object) -> bytes:
    out = io.BytesIO()
    PIL.Image.fromarray(pixels).save(out, format, **settings)
    return out.getvalue()


def flat(value: int = 128, width: int = 120, height: int = 90) -> np.ndarray:
    return np.full((height, width, 3), value, np.uint8)


def picture(value: int = 128) -> Image:
    return load(encoded(flat(value), "JPEG"))


def sent(double: Double) -> bytes:
    (request,) = double.requests
    assert request.picture is not None
    return request.picture


def test_it_is_a_provider_that_the_registry_opens_without_any_key() -> None:
    provider = open_provider("aws-rekognition", env={})
    assert isinstance(provider, Provider)
    assert provider.name == "aws-rekognition"


def test_a_jpeg_that_fits_is_sent_byte_for_byte_in_one_request(double: Double) -> None:
    image = picture()
    rekognition(double).call(image)
    assert sent(double) == image.data
    assert set(double.requests[0].body) == {"Image"}


@pytest.mark.parametrize("format", ["WEBP", "BMP", "TIFF", "GIF"])
def test_other_formats_become_png_or_jpeg(double: Double, format: str) -> None:
    rekognition(double).call(load(encoded(flat(), format)))
    assert PIL.Image.open(io.BytesIO(sent(double))).format in ("PNG", "JPEG")


def test_a_turned_picture_is_sent_upright_and_described_upright(double: Double) -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    raw = rekognition(double).call(load(encoded(flat(width=200, height=100), "JPEG", exif=exif)))
    assert (raw.width, raw.height) == (100, 200)
    assert PIL.Image.open(io.BytesIO(sent(double))).size == (100, 200)


def test_a_picture_above_five_megabytes_is_made_to_fit(double: Double) -> None:
    noise = np.random.default_rng(7).integers(0, 256, (1500, 1500, 3), np.uint8)
    image = load(encoded(noise, "PNG"))
    assert len(image.data) > 5_242_880
    rekognition(double).call(image)
    assert len(sent(double)) <= 5_242_880


def test_a_picture_below_eighty_pixels_is_refused_before_anything_is_sent(double: Double) -> None:
    with pytest.raises(TooSmallError, match="80"):
        rekognition(double).call(load(encoded(flat(width=500, height=79), "PNG")))
    assert double.requests == []


@pytest.mark.parametrize(
    ("version", "named"),
    [
        (None, {}),
        ("3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrH", {"Version": "3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrH"}),
        ('"d41d8cd98f00b204e9800998ecf8427e"', {}),
        ("d41d8cd98f00b204e9800998ecf8427e-12", {}),
    ],
)
def test_an_s3_object_is_named_with_its_version_but_never_with_an_etag(
    double: Double, version: str | None, named: dict[str, str]
) -> None:
    raw = rekognition(double).call(Remote("s3://photos/a", bucket="photos", key="a", version=version))
    assert double.requests[0].body == {"Image": {"S3Object": {"Bucket": "photos", "Name": "a", **named}}}
    assert (raw.width, raw.height) == (None, None)


def test_a_url_for_the_service_to_fetch_is_refused_with_the_remedy(double: Double) -> None:
    with pytest.raises(ConfigError, match=r"https://example\.com/a\.jpg: .*download"):
        rekognition(double).call(Remote("https://example.com/a.jpg", url="https://example.com/a.jpg?sig=x"))
    assert double.requests == []


def test_filters_and_regions_are_sent_in_the_services_units(double: Double) -> None:
    options = Options(
        min_confidence=0.5, min_word_width=0.02, min_word_height=0.01, regions_of_interest=((0.1, 0.2, 0.3, 0.4),)
    )
    rekognition(double, options).call(picture())
    assert double.requests[0].body["Filters"] == {
        "WordFilter": {"MinConfidence": 50.0, "MinBoundingBoxWidth": 0.02, "MinBoundingBoxHeight": 0.01},
        "RegionsOfInterest": [{"BoundingBox": {"Left": 0.1, "Top": 0.2, "Width": 0.3, "Height": 0.4}}],
    }


@pytest.mark.parametrize(
    "options",
    [
        Options(regions_of_interest=((0.0, 0.0, 0.5, 0.5),) * 11),
        Options(regions_of_interest=((0.6, 0.0, 0.5, 0.5),)),
        Options(regions_of_interest=((float("nan"), 0.0, 0.5, 0.5),)),
        Options(regions_of_interest=((0.1, 0.1, 0.0, 0.5),)),
        Options(min_confidence=80.0),
        Options(min_word_width=-0.1),
        Options(language="en"),
        Options(features=("read",)),
    ],
)
def test_options_that_the_service_would_refuse_are_refused_at_once(options: Options) -> None:
    with pytest.raises(ConfigError):
        AwsRekognition(options=options)


def test_the_fingerprint_changes_with_all_that_changes_the_answer_and_with_nothing_else() -> None:
    plain = AwsRekognition().fingerprint
    assert "2016-06-27" in plain
    assert AwsRekognition(region="us-east-1", options=Options(timeout_s=3)).fingerprint == plain
    others = {
        AwsRekognition(options=Options(min_confidence=0.5)).fingerprint,
        AwsRekognition(options=Options(min_word_width=0.5)).fingerprint,
        AwsRekognition(options=Options(regions_of_interest=((0, 0, 0.5, 0.5),))).fingerprint,
    }
    assert len(others | {plain}) == 4


@pytest.mark.parametrize(
    "body",
    [
        b"<html><body>Welcome to the hotel network</body></html>",
        b"",
        b'{"TextDetections":[{"DetectedText":"cut o',
        b'[{"unexpected": 1}]',
        b"null",
        b'{"TextModelVersion":"3.0"}',
        b'  {"TextDetections": [ ] , "New": {"a":1.50} }\n',
    ],
)
def test_the_body_of_a_200_is_kept_exactly_as_received(double: Double, body: bytes) -> None:
    double.script.append(Reply(body=body))
    assert rekognition(double).call(picture()).body == body.decode()


@pytest.mark.parametrize("body", [b"<html>hotel</html>", b"", b"null", b'{"TextDetections":[{"Det', b"{}"])
def test_a_200_without_detections_is_never_taken_for_no_text(double: Double, body: bytes) -> None:
    double.script.append(Reply(body=body))
    provider = rekognition(double)
    raw = provider.call(picture())
    with pytest.raises(UnexpectedAnswerError, match="no TextDetections") as caught:
        provider.parse(raw)
    assert caught.value.request_id == REQUEST_ID
    assert provider.cost(raw) == 1000


def test_a_body_that_breaks_off_is_kept_as_far_as_it_came(double: Double) -> None:
    double.script.append(Reply(body=b'{"TextDetec', promise=500))
    assert rekognition(double).call(picture()).body == '{"TextDetec'


def test_headers_worth_keeping_are_kept_and_no_credential(double: Double) -> None:
    raw = rekognition(double).call(picture())
    assert raw.header("x-amzn-requestid") == REQUEST_ID
    assert raw.header("content-type") == "application/x-amz-json-1.1"
    assert raw.header("date")
    assert len(raw.headers) == 3
    assert (raw.width, raw.height, raw.status) == (120, 90, 200)


def test_latency_and_time_come_from_the_clocks_that_were_given(double: Double) -> None:
    ticks = iter([10.0, 10.25])
    provider = AwsRekognition(
        region=REGION,
        endpoint_url=double.url,
        credentials=AwsCredentials(KEY_ID, SECRET),
        clock=lambda: next(ticks),
        now=lambda: 1.7e9,
    )
    raw = provider.call(picture())
    assert (raw.latency_s, raw.received_at) == (0.25, 1.7e9)


def test_sixteen_threads_on_one_provider_each_get_their_own_answer(double: Double) -> None:
    double.reply = None
    provider = rekognition(double)
    images = [picture(value) for value in range(0, 256, 4)]
    gate = threading.Barrier(16)

    def ask(number: int) -> list[str]:
        gate.wait(10)
        return [provider.parse(provider.call(image)).text for image in images[number::16]]

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(ask, range(16)))
    wanted = [[hashlib.sha256(image.data).hexdigest() for image in images[n::16]] for n in range(16)]
    assert answers == wanted
    assert len(double.requests) == len(images)


def ready_client(double: Double, attempts: int) -> object:
    return boto3.Session(KEY_ID, SECRET, region_name=REGION).client(
        "rekognition", endpoint_url=double.url, config=Config(retries={"total_max_attempts": attempts})
    )


def test_a_client_that_retries_by_itself_makes_one_request_for_us(double: Double) -> None:
    double.reply = error("ThrottlingException")
    with pytest.raises(ThrottledError):
        AwsRekognition(client=ready_client(double, 5)).call(OBJECT)
    assert len(double.requests) == 1


def test_the_owner_of_a_ready_client_can_go_on_using_it(double: Double) -> None:
    client = ready_client(double, 2)
    AwsRekognition(client=client).call(OBJECT)
    answer = client.detect_text(Image={"S3Object": {"Bucket": "photos", "Name": "a"}})
    assert answer["TextModelVersion"] == "3.0"


def test_one_call_costs_one_image_at_the_first_price() -> None:
    provider = AwsRekognition()
    assert provider.worst_cost(OBJECT) == provider.worst_cost(picture()) == 1000


def test_an_answer_too_large_for_one_read_is_kept_whole(double: Double) -> None:
    detections = [{"DetectedText": f"word {n}", "Type": "LINE", "Id": n} for n in range(5000)]
    double.script.append(Reply(body=json.dumps({"TextDetections": detections}).encode()))
    provider = rekognition(double)
    lines = provider.parse(provider.call(picture())).lines
    assert lines is not None
    assert len(lines) == 5000
