"""The Open Inference Protocol: JSON and bytes by hand, and a vendor's client where it is installed."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest

from cloudvision.serve import Settings, running
from tests import model_files
from tests.serving import Client, client_of, in_base64, picture


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    folder = tmp_path_factory.mktemp("models")
    names = [str(model_files.colours(folder / "colours")), f"spots={model_files.spots(folder / 'spots')}", "gate:fast"]
    with (
        running(names, settings=Settings(max_batch=4, threads=2, adapt=False)) as serving,
        client_of(serving) as client,
    ):
        yield client


def tensor(data: list[Any], **changes: Any) -> dict[str, Any]:
    return {"name": "image", "shape": [len(data)], "datatype": "BYTES", "data": data, **changes}


def infer(client: Client, *inputs: Any, model: str = "colours", **more: Any) -> Any:
    return client.post(f"/v2/models/{model}/infer", {"inputs": list(inputs), **more})


def outputs(answer: Any) -> dict[str, Any]:
    return {each["name"]: each for each in answer["outputs"]}


def test_pictures_as_base64_in_json(client: Client) -> None:
    sent = [in_base64(picture(colour)) for colour in ("red", "blue")]
    answer = infer(client, tensor(sent), id="42").json
    assert ("colours", "1", "42") == (answer["model_name"], answer["model_version"], answer["id"])
    found = outputs(answer)
    assert ("BYTES", [2], ["red", "blue"]) == tuple(found["label"][key] for key in ("datatype", "shape", "data"))
    probabilities = np.reshape(found["probabilities"]["data"], found["probabilities"]["shape"])
    assert [0, 2] == probabilities.argmax(axis=1).tolist()
    assert found["confidence"]["data"] == probabilities.max(axis=1).tolist()
    nested = infer(client, tensor([[each] for each in sent], shape=[2, 1]))
    assert found == outputs(nested.json)


def test_pictures_and_answers_as_bytes(client: Client) -> None:
    pictures = [picture("green"), picture("red")]
    tail = b"".join(struct.pack("<I", len(each)) + each for each in pictures)
    asked = {
        "inputs": [tensor([], shape=[2], parameters={"binary_data_size": len(tail)})],
        "outputs": [{"name": "confidence", "parameters": {"binary_data": True}}, {"name": "label"}],
    }
    head = json.dumps(asked).encode()
    reply = client.post("/v2/models/colours/infer", head + tail, {"Inference-Header-Content-Length": str(len(head))})
    assert "application/octet-stream" == reply.headers["Content-Type"]
    length = int(reply.headers["Inference-Header-Content-Length"])
    found = outputs(json.loads(reply.body[:length]))
    assert ["green", "red"] == found["label"]["data"]
    assert {"binary_data_size": 8} == found["confidence"]["parameters"]
    assert all(0.9 < each <= 1 for each in np.frombuffer(reply.body[length:], "<f4"))


def test_detectors_count_their_regions_and_gates_give_score_and_worth(client: Client) -> None:
    sent = tensor([in_base64(picture("red")), in_base64(picture("black"))])
    found = outputs(infer(client, sent, model="spots").json)
    assert [16, 0] == found["counts"]["data"]
    assert ([16, 4], 64) == (found["boxes"]["shape"], len(found["boxes"]["data"]))
    assert ["red"] * 16 == found["labels"]["data"]
    judged = outputs(infer(client, sent, model="gate").json)
    assert (("FP32", [2]), ("BOOL", [2])) == tuple(
        (judged[name]["datatype"], judged[name]["shape"]) for name in ("score", "worth")
    )


def test_health_and_metadata(client: Client) -> None:
    for path in ("/v2/health/live", "/v2/health/ready", "/v2/models/colours/ready", "/v2/models/gate/versions/1/ready"):
        assert 200 == client.get(path).status
    assert {"name": "colours", "ready": True} == client.get("/v2/models/colours/ready").json
    assert ["binary_tensor_data"] == client.get("/v2").json["extensions"]
    told = client.get("/v2/models/spots").json
    assert [{"name": "image", "datatype": "BYTES", "shape": [-1]}] == told["inputs"]
    assert {"name": "boxes", "datatype": "FP32", "shape": [-1, 4]} == told["outputs"][1]
    assert list(model_files.COLOURS) == told["parameters"]["labels"]


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({}, "inputs"),
        ({"inputs": []}, "inputs"),
        ({"inputs": [5]}, "inputs"),
        ({"inputs": [tensor([])]}, "shape"),
        ({"inputs": [tensor(["AAAA"], shape=[2])]}, "shape"),
        ({"inputs": [tensor(["AAAA"], name="other")]}, "unexpected inference input"),
        ({"inputs": [tensor([1.0], datatype="FP32")]}, "BYTES"),
        ({"inputs": [tensor([1])]}, "base64 text"),
        ({"inputs": [tensor(["AAAA"])]}, "not a picture"),
        ({"inputs": [tensor([], parameters={"binary_data_size": 9})]}, "stand behind"),
        ({"inputs": [tensor(["AAAA"])], "outputs": [{"name": "other"}]}, "unexpected inference output"),
        ({"inputs": [tensor(["AAAA"])], "outputs": 5}, "unexpected inference output"),
    ],
)
def test_what_does_not_fit_is_refused(client: Client, asked: Any, reason: str) -> None:
    reply = client.post("/v2/models/colours/infer", asked)
    assert 400 == reply.status
    assert reason in reply.json["error"]


def test_lengths_that_lie_are_refused(client: Client) -> None:
    for tail in (b"\x01", b"\xff\xff\xff\xffab"):
        asked = {"inputs": [tensor([], shape=[1], parameters={"binary_data_size": len(tail)})]}
        head = json.dumps(asked).encode()
        for length in (str(len(head)), str(10**9), "-1", "x", "9" * 5000):
            reply = client.post("/v2/models/colours/infer", head + tail, {"Inference-Header-Content-Length": length})
            assert 400 == reply.status


def test_an_unknown_model_is_not_found(client: Client) -> None:
    for path in ("/v2/models/nobody", "/v2/models/colours/versions/2", "/v2/models/nobody/ready"):
        reply = client.get(path)
        assert (404, ["error"]) == (reply.status, list(reply.json))
    assert 404 == infer(client, model="nobody").status


def test_tritons_own_client(client: Client) -> None:
    triton = pytest.importorskip("tritonclient.http", reason="needs tritonclient[http]")
    from tritonclient.utils import InferenceServerException

    with triton.InferenceServerClient(urlsplit(client.url).netloc) as theirs:
        assert theirs.is_server_live()
        assert theirs.is_server_ready()
        assert theirs.is_model_ready("colours", "1")
        assert "colours" == theirs.get_model_metadata("colours")["name"]
        images = np.array([picture("blue"), picture("green")], dtype=np.object_)
        for binary in (True, False):
            sent = triton.InferInput("image", [2], "BYTES")
            # In JSON the client sends text, so there the pictures go as base64.
            texts = np.array([in_base64(each).encode() for each in images], dtype=np.object_)
            sent.set_data_from_numpy(images if binary else texts, binary_data=binary)
            wanted = [triton.InferRequestedOutput(name, binary_data=binary) for name in ("label", "probabilities")]
            result = theirs.infer("colours", [sent], outputs=wanted, request_id="7")
            assert [b"blue", b"green"] == [
                each if isinstance(each, bytes) else each.encode() for each in result.as_numpy("label")
            ]
            assert (2, 3) == result.as_numpy("probabilities").shape
        with pytest.raises(InferenceServerException, match="nobody"):
            theirs.infer("nobody", [sent])
