"""Whatever is sent, the server answers in the protocol's own way, keeps to its bounds, and tells nobody's secrets."""

from __future__ import annotations

import http.client
import io
import json
import logging
import socket
import struct
import zlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cloudvision.serve import Settings, running
from tests import model_files
from tests.serving import OCTETS, Client, client_of, in_base64, picture

MOST = 100_000
KEY = "s3cret-key-of-the-server"
POSTED = (
    "/v1/models/colours:predict",
    "/v1/models/colours:classify",
    "/v2/models/colours/infer",
    "/predict",
    "/image",
    "/url",
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
calm = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    names = [str(model_files.colours(tmp_path_factory.mktemp("models") / "colours"))]
    bounds = Settings(max_body=MOST, max_pixels=10_000, threads=2, max_batch=2, adapt=False, body_timeout_s=0.3)
    with running(names, settings=bounds) as serving, client_of(serving) as client:
        yield client


def shaped(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Requests with the right names, and anything for values."""
    image = st.fixed_dictionaries({}, optional={"b64": inner | st.just("AAAA")})
    rows = {name: st.lists(image | inner, max_size=3) | inner for name in ("instances", "inputs", "examples")}
    columns = {"inputs": st.fixed_dictionaries({}, optional={"image": st.lists(image | inner, max_size=2)})}
    names = dict.fromkeys(("datatype", "shape", "parameters"), inner)
    tensor = st.fixed_dictionaries({"name": st.just("image")}, optional={**names, "data": st.lists(inner, max_size=3)})
    open_inference = {"inputs": st.lists(tensor, max_size=2), "outputs": inner, "id": inner}
    return st.one_of(
        st.fixed_dictionaries({}, optional={**rows, "signature_name": inner, "url": inner}),
        st.fixed_dictionaries(columns),
        st.fixed_dictionaries({}, optional=open_inference),
    )


@calm
@given(path=st.sampled_from(POSTED), asked=shaped(JSON) | JSON)
@example(path="/v2/models/colours/infer", asked={"inputs": [{"name": "image", "datatype": "BYTES", "shape": {}}]})
@example(path="/v2/models/colours/infer", asked={"inputs": 1, "outputs": [{"name": []}], "id": "\ud800"})
def test_every_json_is_answered_or_refused(client: Client, path: str, asked: Any) -> None:
    reply = client.post(path, json.dumps(asked).encode())
    assert reply.status in (200, 400, 404, 413)
    assert {"error"} <= set(reply.json) or {"code", "message"} == set(reply.json)


@calm
@given(
    path=st.sampled_from(POSTED),
    body=st.binary(max_size=300),
    kind=st.sampled_from(["", "multipart/form-data; boundary=b", "multipart/form-data", "application/json"]),
    length=st.sampled_from(["", "3", "-1", "1e3", "\xb2"]),
)
@example(path="/predict", body=b"--b\r\n\r\n\r\n--b--", kind="multipart/form-data; boundary=b", length="")
@example(
    path="/predict",
    body=b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\n",
    kind="multipart/form-data; boundary=b",
    length="",
)
def test_all_bytes_are_refused(client: Client, path: str, body: bytes, kind: str, length: str) -> None:
    headers = {"Content-Type": kind, "Inference-Header-Content-Length": length}
    reply = client.post(path, body, {name: value for name, value in headers.items() if value})
    assert 400 == reply.status
    assert reply.json


def test_damaged_pictures_are_refused(client: Client) -> None:
    whole = picture("red", format="JPEG")
    for data in (whole[:200], whole[: len(whole) // 2], picture("red")[:60], b"\x89PNG\r\n\x1a\n" + bytes(100)):
        for path in ("/predict", "/image"):
            assert 400 == client.post(path, data, OCTETS).status


def test_a_decompression_bomb_is_refused_before_it_is_decoded(client: Client) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    bomb = (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )
    instances = {"instances": [{"b64": in_base64(bomb)}]}
    for reply in (client.post("/image", bomb, OCTETS), client.post("/v1/models/colours:predict", instances)):
        assert 413 == reply.status
        assert "megapixels" in reply.body.decode()


@pytest.mark.parametrize("path", POSTED)
def test_a_body_that_is_too_large_is_refused_announced_or_not(client: Client, path: str) -> None:
    assert 413 == client.post(path, bytes(MOST + 1), OCTETS).status
    chunks = (bytes(10_000) for _ in range(30))
    assert 413 == client.post(path, chunks, OCTETS).status
    assert 400 == client.post(path, iter([b"{", b"]"])).status


def test_who_asks_before_sending_too_much_is_told_at_once(client: Client) -> None:
    address = urlsplit(client.url)
    with socket.create_connection((address.hostname, address.port), timeout=20) as wire:
        wire.sendall(b"POST /image HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 100000000\r\n\r\n")
        assert wire.recv(100).startswith(b"HTTP/1.1 413 ")


def test_json_that_is_nested_too_deep_is_refused(client: Client) -> None:
    for body in (b"[" * 90_000, b'{"instances":' + b"[" * 90_000, b'{"a":' * 15_000):
        assert 400 == client.post("/v1/models/colours:predict", body).status


def test_a_body_that_does_not_come_is_not_waited_for(client: Client) -> None:
    address = urlsplit(client.url)
    with socket.create_connection((address.hostname, address.port), timeout=20) as wire:
        wire.sendall(b"POST /image HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nsome")
        assert wire.recv(100).startswith(b"HTTP/1.1 408 ")


def test_a_head_without_end_is_cut_off(client: Client) -> None:
    address = urlsplit(client.url)
    with socket.create_connection((address.hostname, address.port), timeout=20) as wire:
        wire.sendall(b"GET /health HTTP/1.1\r\nHost: a\r\nX-Long: ")
        with pytest.raises(OSError):  # noqa: PT012 - the connection is closed at some time, and then reset
            for _ in range(10_000):
                wire.sendall(b"a" * 4096)
    connection = http.client.HTTPConnection(address.netloc, timeout=20)
    connection.request("GET", "/health", headers={"X-Long": "a" * 30_000})
    assert 200 == connection.getresponse().status
    connection.close()


def test_compressed_bodies_are_refused(client: Client) -> None:
    assert 415 == client.post("/image", zlib.compress(picture()), {"Content-Encoding": "deflate"}).status


def test_the_server_is_well_after_all_that(client: Client) -> None:
    assert 200 == client.post("/image", picture(), OCTETS).status


@pytest.mark.parametrize(
    "headers",
    [{"Authorization": f"Bearer {KEY}"}, {"X-Api-Key": KEY}, {"Api-Key": KEY}, {"Prediction-Key": KEY}],
)
def test_with_a_key_only_health_is_open_to_all(
    headers: dict[str, str], caplog: pytest.LogCaptureFixture, tmp_path_factory: pytest.TempPathFactory
) -> None:
    locked = Settings(api_key=KEY, threads=1, adapt=False)
    folder = model_files.colours(tmp_path_factory.mktemp("locked") / "colours")
    caplog.set_level(logging.INFO, "cloudvision")
    with running([str(folder)], settings=locked) as serving, client_of(serving) as client:
        for path in ("/health", "/v2/health/live", "/v2/health/ready"):
            assert 200 == client.get(path).status
        for wrong in ({}, {"Authorization": f"Basic {KEY}"}, {"X-Api-Key": KEY[:-1]}, {"X-Api-Key": "\xe4"}):
            for path in ("/", "/metrics", "/v1/models/colours", "/nothing"):
                assert 401 == client.get(path, **wrong).status
            assert 401 == client.post("/image", picture(), wrong).status
        assert 200 == client.post(f"/image?key={KEY}", picture(), headers).status
        told = client.get("/metrics", **headers).body.decode()
    written = io.StringIO("\n".join(record.getMessage() for record in caplog.records)).getvalue()
    assert "POST /image 200 " in written
    assert KEY not in told + written + repr(locked)
