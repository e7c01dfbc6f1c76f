"""Keys, tokens and errors of both Custom Vision clients, and the service's documented answers."""

from __future__ import annotations

import inspect
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import AccessToken

from cloudvision.annotations import Annotated, Mark
from cloudvision.customvision import Project, TrainingResource, check, list_projects, list_tags, upload
from cloudvision.customvision.answers import created_in, each, iteration_in, tag_in
from cloudvision.errors import (
    AuthError,
    CloudVisionError,
    ConfigError,
    RejectedError,
    SettingsRejectedError,
    ThrottledError,
    UnavailableError,
    UnexpectedAnswerError,
)
from cloudvision.providers._azure_custom_vision_credential import EntraCredential, KeyCredential
from cloudvision.providers._azure_custom_vision_errors import failed, refused
from cloudvision.providers._azure_errors import Resource
from cloudvision.raw import Raw
from cloudvision.retry import RetryPolicy
from tests.customvision_rig import KEY, PROJECT, Scripted, annotations, scripted
from tests.pictures import png

pytest.importorskip("azure.cognitiveservices.vision.customvision", reason="needs the extra azure")

TOKEN = "token-that-nobody-may-see-0123456789"
RESOURCE = Resource("azure-custom-vision", "CUSTOM_VISION_TRAINING_ENDPOINT", "CUSTOM_VISION_TRAINING_KEY")
ONCE = RetryPolicy(attempts=1, throttled=1)


class Tokens:
    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []

    def get_token(self, *scopes: str, **_: object) -> AccessToken:
        self.asked.append(scopes)
        return AccessToken(f"{TOKEN}-{len(self.asked)}", 4_000_000_000)


@pytest.fixture
def service() -> Iterator[Scripted]:
    with scripted(("200 OK", [])) as running:
        yield running


def test_the_key_goes_into_its_header_and_nowhere_else(service: Scripted, caplog: pytest.LogCaptureFixture) -> None:
    asking = service.resource()
    with caplog.at_level(logging.DEBUG, logger="cloudvision"):
        list_projects(asking)
    assert {KEY} == {request.headers["training-key"] for request in service.seen}
    assert KEY not in f"{asking!r} {caplog.text} {KeyCredential('Training-key', KEY)!r}"
    assert "/customvision/v3.4-preview/training/domains" in service.seen[0].line


def test_a_token_is_asked_for_each_request_and_sent_as_bearer(service: Scripted) -> None:
    tokens = Tokens()
    list_projects(service.resource(key=None, credential=tokens))
    assert [f"Bearer {TOKEN}-1", f"Bearer {TOKEN}-2"] == [request.headers["authorization"] for request in service.seen]
    assert {("https://cognitiveservices.azure.com/.default",)} == set(tokens.asked)
    assert TOKEN not in repr(EntraCredential(tokens))


def test_a_refused_token_is_renewed_once() -> None:
    gone = {"error": {"code": "401", "message": "The access token has expired"}}
    with scripted(("401 Unauthorized", gone), ("200 OK", [])) as service:
        list_projects(service.resource(key=None, credential=Tokens()))
        assert 3 == len(service.seen)
    with scripted(("401 Unauthorized", gone)) as service:
        with pytest.raises(AuthError, match="with Entra ID the token was refused"):
            list_projects(service.resource(key=None, credential=Tokens()))
        assert 2 == len(service.seen)


@pytest.mark.parametrize(
    ("endpoint", "says"),
    [(None, "CUSTOM_VISION_TRAINING_ENDPOINT is not set"), ("http://fruit.example", "must begin with https")],
)
def test_a_wrong_endpoint_is_told_before_anything_is_sent(endpoint: str | None, says: str) -> None:
    asking = TrainingResource(endpoint=endpoint, key=KEY)
    for call in (asking.ready, lambda: list_projects(asking)):
        with pytest.raises(ConfigError, match=says):
            call()


ERRORS: list[tuple[str, object, type[CloudVisionError], str]] = [
    ("401 Unauthorized", {"error": {"code": "401", "message": "Access denied"}}, AuthError, "Access denied"),
    ("401 Unauthorized", b"", AuthError, "CUSTOM_VISION_TRAINING_KEY is wrong"),
    ("403 Forbidden", {"code": "ForbiddenUser", "message": "no"}, AuthError, "no"),
    ("429 Too Many", {"error": {"code": "429", "message": "Rate limit is exceeded."}}, ThrottledError, "Rate limit"),
    (
        "404 Not Found",
        {"code": "NotFoundProject", "message": "Invalid project"},
        SettingsRejectedError,
        "is the project's id",
    ),
    ("404 Not Found", b"<html>nothing</html>", AuthError, "nothing of this kind answers there"),
    (
        "400 Bad Request",
        {"code": "BadRequestImageFormat", "message": "bad"},
        RejectedError,
        "BadRequestImageFormat: bad",
    ),
    ("400 Bad Request", {"code": "BadRequestTrainingNotNeeded", "message": "n"}, SettingsRejectedError, "NotNeeded"),
    ("400 Bad Request", b"", RejectedError, "status 400"),
    ("503 Busy", b"", UnavailableError, "503"),
    ("504 Slow", {"code": "ErrorServerTimeOut", "message": "slow"}, UnavailableError, "slow"),
    ("302 Found", b"", AuthError, "nothing of this kind answers there"),
    ("200 OK", b"", UnexpectedAnswerError, "no JSON"),
    ("200 OK", b"<html>Sign in</html>", UnexpectedAnswerError, "no JSON"),
    ("200 OK", {"not": "a list"}, UnexpectedAnswerError, "a list was expected"),
    ("200 OK", [{"id": 5}], UnexpectedAnswerError, "id is 5"),
]


@pytest.mark.parametrize(("status", "body", "kind", "says"), ERRORS, ids=lambda value: str(value)[:40])
def test_every_answer_becomes_an_error_of_ours(
    status: str, body: object, kind: type[CloudVisionError], says: str
) -> None:
    with scripted((status, body)) as service:
        with pytest.raises(kind, match=re.escape(says)) as caught:
            list_tags(service.resource(retry=ONCE), PROJECT)
        assert type(caught.value) is kind
        assert 1 == len(service.seen)  # the SDK repeats nothing by itself
        assert KEY not in str(caught.value)


def test_nobody_there_is_an_outage_that_was_not_billed() -> None:
    asking = TrainingResource(endpoint="http://127.0.0.1:9", key=KEY, retry=ONCE)
    with pytest.raises(UnavailableError, match=r"no connection to 127\.0\.0\.1:9") as caught:
        list_projects(asking)
    assert caught.value.billed is False


def test_every_error_of_the_sdk_is_mapped() -> None:
    import azure.core.exceptions as core
    import msrest.exceptions as sdk

    kinds = [
        kind
        for module in (sdk, core)
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, sdk.ClientException | core.AzureError | core.SerializationError | core.DeserializationError)
    ]
    assert 15 < len(kinds)
    for kind in kinds:
        error: Any = kind.__new__(kind)
        Exception.__init__(error, "https://secret.example?sig=SECRET")
        error.message = error.args[0]
        ours = failed(error, RESOURCE, host="fruit.example")
        assert isinstance(ours, CloudVisionError), kind
        assert "SECRET" not in str(ours), kind


def test_all_documented_codes_are_refusals_of_ours(shared: Path) -> None:
    specs = shared / "conformance" / "specs"
    text = (specs / "customvision-training-v3.4-preview.derived-from-sdk-3.1.1.json").read_text()
    codes = set(re.findall(r'"((?:BadRequest|NotFound|Forbidden|Error)\w+)"', text))
    assert 100 < len(codes)
    for code in codes:
        status = 404 if code.startswith("NotFound") else 403 if code.startswith("Forbidden") else 400
        error = refused(Raw(json.dumps({"code": code, "message": "m"}), status=status), RESOURCE)
        assert isinstance(error, AuthError | RejectedError), code
        picture = (
            code.startswith("BadRequestImage") and "m" in str(error) and not isinstance(error, SettingsRejectedError)
        )
        assert error.fatal is not (picture or type(error) is RejectedError), code


def saved(shared: Path, name: str) -> Any:
    return json.loads((shared / "conformance" / "custom_vision" / f"{name}.json").read_text())["body"]


def test_documented_answers_are_read(shared: Path) -> None:
    created = each(saved(shared, "spec_training_v34_CreateImagesFromFiles_207")["images"], created_in)
    assert [("hemlock_10.jpg", "OK", 1), ("{url}", "ErrorLimitExceed", 0)] == [
        (one.source, one.status, len(one.tags)) for one in created
    ]
    assert {"Completed"} <= {one.status for one in each(saved(shared, "spec_training_GetIterations_200"), iteration_in)}
    assert all(tag.images >= 0 for tag in each(saved(shared, "spec_training_GetTags_200"), tag_in))
    for name in ("CreateImagesFromFiles", "CreateImagesFromUrls"):
        for one in each(saved(shared, f"spec_training_{name}_200")["images"], created_in):
            assert "OK" == one.status


def answered(tag: str, results: list[dict[str, object]]) -> list[tuple[str, object]]:
    tags = [{"id": tag, "name": "apple", "type": "Regular", "imageCount": 0}]
    return [("200 OK", tags), ("207 Multi-Status", {"isBatchSuccessful": False, "images": results})]


def urls(count: int, project: Project) -> Any:
    items = [
        Annotated(f"https://a.example/{n}.jpg?sig=SECRETSECRETSECRETSECRET", (Mark("apple"),)) for n in range(count)
    ]
    return check(annotations(*items), kind=project.kind).ready


def test_addresses_are_sent_as_they_are_and_told_without_their_signatures() -> None:
    ready = urls(2, PROJECT)
    results: list[dict[str, object]] = [
        {"sourceUrl": ready[1].sources[0], "status": "OK", "image": {"id": "b"}},
        {"sourceUrl": ready[0].sources[0], "status": "OKDuplicate"},
    ]
    with scripted(*answered("t", results)) as service:
        report = upload(service.resource(), PROJECT, ready)
        sent = json.loads(service.seen[1].body)
    assert ["duplicate", "uploaded"] == [result.state for result in report.results]  # matched by address, not by order
    assert [one.sources[0] for one in ready] == [entry["url"] for entry in sent["images"]]
    assert "SECRET" not in str(report)


def test_an_answer_that_speaks_of_other_images_is_not_believed() -> None:
    answers, says = (
        answered("t", [{"sourceUrl": "x", "status": "OK"}]),
        "2 images were sent, and the answer speaks of 1",
    )
    with scripted(*answers) as service, pytest.raises(UnexpectedAnswerError, match=says):
        upload(service.resource(retry=ONCE), PROJECT, urls(2, PROJECT))


def test_a_batch_that_is_refused_as_a_whole_is_cut_in_halves(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.png").write_bytes(png(number))
    items = [Annotated(str(tmp_path / f"{number}.png"), (Mark("apple"),)) for number in range(3)]
    refusal = ("400 Bad Request", {"code": "BadRequestImageBatch", "message": "too large"})
    one = ("200 OK", {"images": [{"sourceUrl": "?", "status": "OK", "image": {"id": "a"}}]})
    two = ("200 OK", {"images": [{"sourceUrl": "?", "status": "OK", "image": {"id": n}} for n in "bc"]})
    tags = answered("t", [])[0]
    with scripted(tags, refusal, one, two) as service:
        report = upload(service.resource(), PROJECT, check(annotations(*items), kind="multiclass").ready)
    assert ["a", "b", "c"] == [result.image for result in report.results]
    with scripted(tags, refusal) as service:
        report = upload(service.resource(), PROJECT, check(annotations(*items), kind="multiclass").ready)
    assert {"BadRequestImageBatch"} == {result.status for result in report.failed}
    assert 3 == len(report.failed)
