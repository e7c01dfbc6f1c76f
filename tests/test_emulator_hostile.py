"""Whatever is sent to the emulator, it answers as the service would: never with an error of its own."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cloudvision.emulator import Emulator

pytest.importorskip("boto3", reason="needs the extra aws")

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)


def shaped(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Requests with the right names, and anything for values."""
    box = st.fixed_dictionaries(dict.fromkeys(("Left", "Top", "Width", "Height"), inner))
    region = st.fixed_dictionaries(
        {}, optional={"BoundingBox": box | inner, "Polygon": st.lists(inner, max_size=4) | inner}
    )
    words = st.fixed_dictionaries({}, optional=dict.fromkeys(("MinConfidence", "MinBoundingBoxWidth"), inner))
    filters = st.fixed_dictionaries(
        {}, optional={"WordFilter": words | inner, "RegionsOfInterest": st.lists(region | inner)}
    )
    image = st.fixed_dictionaries({}, optional={"Bytes": inner | st.just("AAAA"), "S3Object": inner})
    return st.fixed_dictionaries({}, optional={"Image": image | inner, "Filters": filters | inner})


calm = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def posted(emulator: Emulator, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, Any]:
    connection = http.client.HTTPConnection(urlsplit(emulator.url).netloc, timeout=30)
    try:
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def detect_text(emulator: Emulator, body: bytes) -> tuple[int, Any]:
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "RekognitionService.DetectText"}
    request = AWSRequest("POST", f"{emulator.url}/", data=body, headers=headers)
    env = emulator.environment
    credentials = Credentials(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"])
    SigV4Auth(credentials, "rekognition", env["AWS_REGION"]).add_auth(request)
    return posted(emulator, "/", body, dict(request.headers.items()))


@calm
@given(asked=shaped(JSON) | JSON)
@example(asked={"Filters": {"RegionsOfInterest": [{"Polygon": 5}]}})
@example(asked={"Filters": {"RegionsOfInterest": 5}})
@example(asked={"Image": {"Bytes": 5}})
@example(asked={"Image": {"S3Object": 5}})
def test_detect_text_takes_or_refuses_every_json(cloudvision_emulator: Emulator, asked: Any) -> None:
    status, answer = detect_text(cloudvision_emulator, json.dumps(asked).encode())
    assert 400 == status
    assert answer["__type"].endswith("Exception")


@pytest.mark.parametrize("body", [b"", b"[" * 100_000, b"\xff\xfe", b'{"Image":', b"nonsense"])
def test_detect_text_refuses_what_is_no_json(cloudvision_emulator: Emulator, body: bytes) -> None:
    status, answer = detect_text(cloudvision_emulator, body)
    assert (400, "SerializationException") == (status, answer["__type"])


@calm
@given(
    authorization=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=60),
    stamp=st.text("0123456789TZ"),
)
def test_every_signature_that_is_none_is_refused(
    cloudvision_emulator: Emulator, authorization: str, stamp: str
) -> None:
    known = cloudvision_emulator.accounts[0].access_key_id
    for value in (authorization, f"AWS4-HMAC-SHA256 Credential={known}/{authorization}, SignedHeaders=a, Signature=b"):
        status, answer = posted(cloudvision_emulator, "/", b"{}", {"Authorization": value, "X-Amz-Date": stamp})
        assert 400 == status
        assert answer["__type"].endswith("Exception")


NAMES = ("api-version", "features", "language", "smartcrops-aspect-ratios", "gender-neutral-caption", "model-version")
QUERIES = st.dictionaries(
    st.sampled_from(NAMES), st.text(max_size=8) | st.sampled_from(["read", "en", "2023-10-01", "nan,1e999"])
)


@calm
@given(
    query=QUERIES,
    body=st.binary(max_size=40),
    kind=st.sampled_from(["application/octet-stream", "application/json", "x"]),
)
def test_image_analysis_refuses_every_query_and_body(
    cloudvision_emulator: Emulator, query: dict[str, str], body: bytes, kind: str
) -> None:
    asked = {"api-version": "2023-10-01", "features": "read", **query}
    path = "/computervision/imageanalysis:analyze?" + "&".join(f"{name}={quote(text)}" for name, text in asked.items())
    headers = {"Ocp-Apim-Subscription-Key": cloudvision_emulator.accounts[0].key, "Content-Type": kind}
    status, answer = posted(cloudvision_emulator, path, body, headers)
    assert 400 == status
    assert answer["error"]["message"]
