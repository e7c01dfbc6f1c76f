"""TensorFlow Serving's API, Custom Vision's routes and /predict, over real HTTP."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cloudvision import images
from cloudvision.gate import Gate
from cloudvision.models import Model
from cloudvision.results import Analysis
from cloudvision.serve import Settings, running
from cloudvision.serve.served import LocalModel
from tests import loopback, model_files
from tests.custom_vision_exports import FULL_BGR, classifier, write_export
from tests.serving import OCTETS, Client, client_of, in_base64, picture

SENTENCES = {"red": "Stop.", "green": "Go."}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[Client]:
    model_files.colours(folder / "colours", sentences=SENTENCES)
    model_files.spots(folder / "spots")
    for version in ("2", "10"):
        model_files.colours(folder / "many" / version, version="another")
    many, spots = folder / "many", folder / "spots"
    names = [str(folder / "colours"), f"spots:v1.2.0={spots}", f"spots:v1.10.0={spots}", str(many), "gate:fast"]
    with (
        running(names, settings=Settings(max_batch=4, threads=2, adapt=False)) as serving,
        client_of(serving) as client,
    ):
        yield client


def b64(colour: str) -> dict[str, str]:
    return {"b64": in_base64(picture(colour))}


def expected(folder: Path, colour: str) -> list[float]:
    """Probabilities in the order of the labels."""
    labels = Model.open(folder / "colours").predict(images.load(picture(colour))).labels or ()
    return [{label.name: label.confidence for label in labels}[name] for name in model_files.COLOURS]


def test_predict_gives_probabilities_in_the_order_of_the_labels(client: Client, folder: Path) -> None:
    asked = {"instances": [b64("red"), {"image_bytes": b64("blue")}]}
    reply = client.post("/v1/models/colours:predict", asked)
    assert 200 == reply.status
    assert [expected(folder, "red"), expected(folder, "blue")] == [pytest.approx(p) for p in reply.json["predictions"]]


def test_predict_takes_columns_too(client: Client, folder: Path) -> None:
    for inputs in ([b64("red")], b64("red"), {"image": [b64("red")]}):
        reply = client.post("/v1/models/colours:predict", {"inputs": inputs})
        assert [pytest.approx(expected(folder, "red"))] == reply.json["outputs"]
    boxes = client.post("/v1/models/spots:predict", {"inputs": [b64("red")]}).json["outputs"]
    assert 16 == len(boxes["scores"][0])


def test_the_gate_gives_its_score_as_a_network_with_one_output_does(client: Client) -> None:
    verdict = Gate.load("fast").judge(images.load(picture("red")))
    asked = {"signature_name": "serving_default", "instances": [b64("red")]}
    assert {"predictions": [[verdict.score]]} == client.post("/v1/models/gate:predict", asked).json
    assert verdict.threshold == client.get("/v1/models/gate/metadata").json["threshold"]
    judged = client.post("/predict/gate", picture("red")).json
    shown = {"worth": verdict.worth, "score": verdict.score, "threshold": verdict.threshold}
    assert {"source": "the image", **shown, "stage": "fast", "model": verdict.model} == judged


def test_a_detector_gives_boxes_labels_and_scores(client: Client) -> None:
    (found,) = client.post("/v1/models/spots:predict", {"instances": [b64("blue")]}).json["predictions"]
    assert {"blue"} == set(found["labels"])
    assert [0.0, 0.0, 0.25, 0.25] in [pytest.approx(box) for box in found["boxes"]]


def test_classify_gives_names(client: Client) -> None:
    (pairs,) = client.post("/v1/models/colours:classify", {"examples": [{"image": b64("green")}]}).json["results"]
    assert "green" == pairs[0][0]
    assert 400 == client.post("/v1/models/spots:classify", {"examples": [b64("green")]}).status


def test_the_latest_version_answers_unless_another_is_asked_for(client: Client) -> None:
    status = client.get("/v1/models/spots").json["model_version_status"]
    assert ["v1.10.0", "v1.2.0"] == [each["version"] for each in status]
    assert {"error_code": "OK", "error_message": ""} == status[0]["status"]
    assert "10" == client.get("/v1/models/many/metadata").json["model_spec"]["version"]
    assert "2" == client.get("/v1/models/many/versions/2/metadata").json["model_spec"]["version"]
    assert 200 == client.post("/v1/models/many/versions/2:predict", {"instances": [b64("red")]}).status


@pytest.mark.parametrize(
    ("path", "body", "status", "error"),
    [
        ("half:predict", {"instances": [1]}, 404, "Servable not found for request: Latest(half)"),
        ("many/versions/3:predict", {"instances": [1]}, 404, "Servable not found for request: Specific(many, 3)"),
        ("colours:predict", b"{", 400, "JSON Parse error"),
        ("colours:predict", [], 400, "the body is no object"),
        ("colours:predict", {}, 400, "either 'instances' or 'inputs'"),
        ("colours:predict", {"instances": []}, 400, "at least one value"),
        ("colours:predict", {"instances": [[1, 2]]}, 400, "Failed to process element: 0 of 'instances'"),
        ("colours:predict", {"instances": [{"b64": "%%%"}]}, 400, "base64"),
        ("colours:predict", {"instances": [{"b64": "AAAA"}]}, 400, "not a picture"),
        ("colours:predict", {"instances": [{"b64": ""}]}, 400, "element 0"),
        ("colours:predict", {"signature_name": "other", "instances": [{"b64": ""}]}, 400, "signature name"),
        ("colours:regress", {}, 400, "Malformed request: POST /v1/models/colours:regress"),
    ],
)
def test_errors_are_those_of_tensorflow_serving(client: Client, path: str, body: Any, status: int, error: str) -> None:
    reply = client.post(f"/v1/models/{path}", body)
    assert status == reply.status
    assert error in reply.json["error"]
    assert ["error"] == list(reply.json)


def test_predict_gives_the_librarys_own_answer_with_a_sentence(client: Client, folder: Path) -> None:
    reply = client.upload("/predict", ("file", "a.png", picture("green")))
    analysis = Analysis.from_json(reply.json)
    assert (40, 30) == (analysis.width, analysis.height)
    assert Model.open(folder / "colours").predict(images.load(picture("green"))).labels == analysis.labels
    assert ("a.png", "Go.") == (reply.json["source"], reply.json["sentence"])
    assert "sentence" not in client.post("/predict/colours/1", picture("blue"), {"Content-Type": "image/png"}).json
    both = client.upload("/predict/spots", ("a", "a.png", picture("red")), ("b", "b.png", picture("blue"))).json
    assert ["red", "blue"] == [each["regions"][0]["name"] for each in both["answers"]]


def test_predict_refuses_what_is_no_picture(client: Client) -> None:
    for reply in (client.post("/predict"), client.upload("/predict", ("file", "a.txt", b"nothing"))):
        assert 400 == reply.status
        assert ["error"] == list(reply.json)
    assert "a.txt" in reply.json["error"]
    assert 404 == client.post("/predict/nobody", picture()).status


def test_the_containers_routes_answer_in_its_shape(client: Client) -> None:
    replies = [
        client.upload("/image", ("imageData", "red.png", picture("red"))),
        client.post("/image", picture("red"), OCTETS),
        client.post("/some-project/image/nostore", picture("red"), OCTETS),
    ]
    for reply in replies:
        answer = reply.json
        assert ["id", "project", "iteration", "created", "predictions"] == list(answer)
        first = answer["predictions"][0]
        assert ("red", None) == (first["tagName"], first["boundingBox"])
        assert 3 == len({each["tagId"] for each in answer["predictions"]})
    assert replies[0].json["id"] != replies[1].json["id"]
    assert replies[0].json["iteration"] == replies[1].json["iteration"]
    wrong = client.post("/image", b"nothing", OCTETS)
    assert (400, "BadRequestImageFormat") == (wrong.status, wrong.json["code"])


def test_the_unmodified_sdk_finds_models_by_their_published_names(client: Client) -> None:
    pytest.importorskip("azure.cognitiveservices.vision.customvision", reason="needs the extra azure")
    from azure.cognitiveservices.vision.customvision.prediction import CustomVisionPredictionClient
    from azure.cognitiveservices.vision.customvision.prediction.models import CustomVisionErrorException
    from msrest.authentication import ApiKeyCredentials

    sdk = CustomVisionPredictionClient(client.url, ApiKeyCredentials(in_headers={"Prediction-key": "any"}))
    project = "c3c8d02c-e05c-49ea-9a87-fb85975233a9"
    found = sdk.classify_image(project, "colours", picture("blue"))
    assert (project, "blue") == (found.project, found.predictions[0].tag_name)
    boxes = sdk.detect_image_with_no_store(project, "spots", picture("blue")).predictions
    assert 0.25 == pytest.approx(boxes[0].bounding_box.width)
    with pytest.raises(CustomVisionErrorException) as raised:
        sdk.detect_image(project, "colours", picture("blue"))
    assert "BadRequestNotSupported" == raised.value.error.code


def test_an_address_is_fetched_only_where_it_may_be(client: Client, folder: Path) -> None:
    def answer(request: loopback.Request) -> None:
        request.answer(picture("green") if "green" in request.line else b"gone", status="200 OK")

    with loopback.serving(answer) as server:
        refused = client.post("/url", {"url": server.url("/green.png")})
        assert (400, "BadRequestImageUrl") == (refused.status, refused.json["code"])
        assert server.host not in refused.body.decode()
        assert 0 == server.connections
        with (
            running([str(folder / "colours")], settings=Settings(allow_private_hosts=True, adapt=False)) as serving,
            client_of(serving) as open_client,
        ):
            asked = {"Url": server.url("/green.png")}
            assert "green" == open_client.post("/url", asked).json["predictions"][0]["tagName"]
            assert 400 == open_client.post("/url", {"url": server.url("/other")}).status
    for body in ({}, {"url": 5}, {"url": "file:///etc/passwd"}, {"url": "ftp://example.com/"}, b"["):
        assert 400 == client.post("/url", body).status


def test_a_data_url_is_taken_for_base64(client: Client) -> None:
    text = "data:image/png;base64," + base64.b64encode(picture("red")).decode()
    assert 200 == client.post("/v1/models/colours:predict", {"instances": [{"b64": text}]}).status


def test_exports_are_served_as_they_were_downloaded(tmp_path: Path) -> None:
    export = write_export(tmp_path / "fruit", classifier(named=True, metadata=FULL_BGR))
    packed = shutil.make_archive(str(tmp_path / "packed"), "zip", export)
    one_at_a_time = model_files.write_folder(tmp_path / "single", model_files.colour_graph(batch=1))
    names = [f"packed={packed}", f"single={one_at_a_time}"]
    with running(names, settings=Settings(threads=1)) as serving, client_of(serving) as client:
        assert serving.models[1].endswith("one by one")
        for name in ("packed", "single"):
            asked = {"examples": [b64("blue"), b64("red")]}
            results = client.post(f"/v1/models/{name}:classify", asked).json["results"]
            assert ["blue", "red"] == [pairs[0][0] for pairs in results]


def test_one_core_or_all_give_the_same_answers(folder: Path) -> None:
    one, all_cores = (Model.open(folder / "spots", threads=threads) for threads in (1, 2))
    runs = LocalModel(one, all_cores)
    prepared = [runs.prepare(images.load(picture(colour))) for colour in ("red", "blue")]
    assert runs.run(prepared, alone=False) == runs.run(prepared, alone=True)


def test_the_index_and_health_say_what_is_served(client: Client) -> None:
    names = [f"{each['name']}:{each['version']}" for each in client.get("/").json["models"]]
    assert names == ["colours:1", "spots:v1.10.0", "spots:v1.2.0", "many:10", "many:2", "gate:1"]
    assert {"status": "ok", "models": names} == client.get("/health").json
    assert 404 == client.get("/nothing").status
    assert 405 == client.get("/image").status
