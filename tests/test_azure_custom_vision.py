"""What the adapter for Custom Vision sends, and what it keeps of the answer."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image as Pillow

from cloudvision import images
from cloudvision.errors import ConfigError, UnexpectedAnswerError
from cloudvision.images import Remote
from cloudvision.provider import DETAILS, open_provider
from cloudvision.providers._options import Options
from cloudvision.providers.azure_custom_vision import LIMITS, AzureCustomVision
from cloudvision.raw import Raw
from tests.custom_vision_double import (
    BOX,
    ITERATION,
    KEY,
    PROJECT,
    PUBLISHED,
    Double,
    Reply,
    answer_of,
    custom_vision_double,
    tag,
)
from tests.pictures import png

pytest.importorskip("azure.cognitiveservices.vision.customvision", reason="needs the extra azure")

PREDICTION = f"/customvision/v3.1/prediction/{PROJECT}"


@pytest.fixture(scope="module")
def shared_double() -> Iterator[Double]:
    with custom_vision_double() as running:
        yield running


@pytest.fixture
def double(shared_double: Double) -> Double:
    shared_double.seen.clear()
    return shared_double


def picture(number: int = 0) -> images.Image:
    return images.load(png(number))


@pytest.mark.parametrize(
    ("options", "way"),
    [
        ({}, f"classify/iterations/{PUBLISHED}/image/nostore"),
        ({"store": True}, f"classify/iterations/{PUBLISHED}/image"),
        ({"features": ("detect",)}, f"detect/iterations/{PUBLISHED}/image/nostore"),
        ({"features": ("Detect",), "store": True}, f"detect/iterations/{PUBLISHED}/image"),
        ({"model": "best fruit"}, "classify/iterations/best%20fruit/image/nostore"),
    ],
)
def test_the_bytes_of_a_picture_travel_untouched(double: Double, options: dict[str, object], way: str) -> None:
    double.provider(**options).call(picture())
    (request,) = double.seen
    assert f"POST {PREDICTION}/{way} HTTP/1.1" == request.line
    assert KEY == request.headers["prediction-key"]
    assert "multipart/form-data" in request.headers["content-type"]
    assert b'name="imageData"' in request.body
    assert png() in request.body


@pytest.mark.parametrize("store", [True, False])
@pytest.mark.parametrize("kind", ["classify", "detect"])
def test_a_remote_picture_is_named_by_its_url(double: Double, kind: str, store: bool) -> None:
    url = "https://store.example/a.jpg?sig=secret"
    provider = double.provider(features=(kind,), store=store)
    raw = provider.call(Remote("https://store.example/a.jpg", url=url))
    (request,) = double.seen
    assert {"url": url} == json.loads(request.body)
    assert request.line.endswith(f"/{kind}/iterations/{PUBLISHED}/url{'' if store else '/nostore'} HTTP/1.1")
    assert (None, None) == (raw.width, raw.height)


@pytest.mark.parametrize("store", [True, False])
def test_an_iteration_by_its_id_is_asked_as_a_quick_test(double: Double, store: bool) -> None:
    provider = double.provider(model=ITERATION, store=store)
    provider.call(picture())
    provider.call(Remote("https://store.example/a.jpg", url="https://store.example/a.jpg"))
    sent, named = double.seen
    base = f"POST /customvision/v3.4-preview/training/projects/{PROJECT}/quicktest"
    for request, way in ((sent, "image"), (named, "url")):
        assert request.line.startswith(f"{base}/{way}?iterationId={ITERATION}&store={str(store).lower()} ")
        assert KEY == request.headers["training-key"]


def test_an_s3_object_is_refused_without_a_request(double: Double) -> None:
    with pytest.raises(ConfigError, match="s3://bucket/key"):
        double.provider().call(Remote("s3://bucket/key", bucket="bucket", key="key"))
    assert [] == double.seen


def test_a_picture_that_is_too_heavy_is_made_to_fit(double: Double) -> None:
    stream = io.BytesIO()
    Pillow.new("RGB", (1200, 1200), "olive").save(stream, "BMP")
    heavy = images.load(stream.getvalue())
    assert len(heavy.data) > LIMITS.max_bytes
    double.provider().call(heavy)
    (request,) = double.seen
    assert b"\x89PNG" in request.body
    assert len(request.body) < LIMITS.max_bytes


def test_labels_come_surest_first_and_regions_with_their_places(double: Double) -> None:
    labels = double.provider().parse(double.provider().call(picture()))
    assert [0.98, 0.02] == [label.confidence for label in labels.labels or ()]
    assert (None, 100, 100) == (labels.regions, labels.width, labels.height)
    provider = double.provider(features=("detect",))
    analysis = provider.parse(provider.call(picture()))
    assert analysis.labels is None
    assert analysis.regions is not None
    box = analysis.regions[0].box
    assert BOX == {"left": box.left, "top": box.top, "width": box.width, "height": box.height}
    assert analysis.provenance is not None
    assert ITERATION == analysis.provenance.model_version
    assert str(analysis.provenance.request_id).startswith("id-")


def test_a_threshold_is_applied_when_an_answer_is_read(double: Double) -> None:
    raw = double.provider().call(picture())
    sure = AzureCustomVision(options=Options(min_confidence=0.5)).parse(raw)
    assert 1 == len(sure.labels or ())
    assert () == AzureCustomVision(options=Options(min_confidence=1.0)).parse(raw).labels


def test_the_answer_is_kept_exactly_as_it_came(double: Double) -> None:
    body = b'{"predictions" : [ ], "created":"2026-11-21T14:29:37.8081234Z"}\r\n'
    double.answer(Reply(200, body))
    raw = double.provider().call(picture())
    assert body.decode() == raw.body
    assert () == AzureCustomVision().parse(raw).labels
    assert () == AzureCustomVision(options=Options(features=("detect",))).parse(raw).regions
    assert "x-not-kept" not in dict(raw.headers)


@pytest.mark.parametrize("body", [b"", b"<html></html>", b'{"created": "yesterday", "predictions"', b"[]", b"null"])
def test_a_paid_answer_that_breaks_the_sdk_is_kept(double: Double, body: bytes) -> None:
    double.answer(Reply(200, body))
    provider = double.provider()
    raw = provider.call(picture())
    assert body.decode() == raw.body
    assert 2000 == provider.cost(raw)
    with pytest.raises(UnexpectedAnswerError) as caught:
        provider.parse(raw)
    assert caught.value.billed


def test_an_answer_of_unreadable_parts_says_so() -> None:
    wrong = [{"probability": "high", "tagName": "a"}, {"probability": 1}, 5, tag("b", 0.5, boundingBox={"left": 0})]
    analysis = AzureCustomVision().parse(Raw(json.dumps(answer_of(tag("apple", 1), *wrong))))
    assert ["apple"] == [label.name for label in analysis.labels or ()]
    assert 4 == len(analysis.warnings)
    with pytest.raises(UnexpectedAnswerError, match=r"predictions\[0\]"):
        AzureCustomVision().parse(Raw(json.dumps(answer_of(*wrong))))


def test_many_threads_each_get_the_answer_to_their_own_picture(double: Double) -> None:
    provider = double.provider()
    pictures = [images.load(png(side=100 + number)) for number in range(24)]
    alone = [provider.call(each).body for each in pictures]
    with ThreadPoolExecutor(8) as pool:
        assert alone == [raw.body for raw in pool.map(provider.call, pictures)]


def test_one_picture_costs_one_transaction(double: Double) -> None:
    provider = double.provider()
    assert (2000, {"azure-custom-vision/prediction": 1}) == (provider.worst_cost(picture()), provider.units(picture()))
    assert (2000, 0) == (provider.cost(Raw("{}")), provider.cost(Raw("{}", status=400)))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"project": "fruit"}, "CUSTOM_VISION_PROJECT_ID is 'fruit'"),
        ({"options": Options(features=("classify", "detect"))}, "one of classify and detect"),
        ({"options": Options(features=("tags",))}, "one of classify and detect"),
        ({"options": Options(min_confidence=1.5)}, "from 0 to 1"),
        ({"options": Options(language="en")}, "no setting language"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        AzureCustomVision(**settings)  # type: ignore[arg-type]


ENV = {
    "CUSTOM_VISION_PREDICTION_ENDPOINT": "https://name-prediction.cognitiveservices.azure.com/",
    "CUSTOM_VISION_PREDICTION_KEY": KEY,
    "CUSTOM_VISION_PROJECT_ID": PROJECT,
    "CUSTOM_VISION_PUBLISHED_NAME": PUBLISHED,
}


@pytest.mark.parametrize(
    ("missing", "options", "named"),
    [
        *((name, Options(), name) for name in ENV if "KEY" not in name),
        ("", Options(model=ITERATION), "CUSTOM_VISION_TRAINING_ENDPOINT"),
    ],
)
def test_what_is_missing_is_named_at_the_first_call(missing: str, options: Options, named: str) -> None:
    provider = open_provider("azure-custom-vision", options, env={k: v for k, v in ENV.items() if k != missing})
    assert isinstance(provider, AzureCustomVision)
    for ask in (provider.ready, lambda: provider.call(picture())):
        with pytest.raises(ConfigError, match=named):
            ask()


def test_ready_says_where_and_whom_without_a_secret() -> None:
    provider = open_provider("azure-custom-vision", env=ENV)
    assert isinstance(provider, AzureCustomVision)
    told = provider.ready()
    assert f"name-prediction.cognitiveservices.azure.com, a key, project {PROJECT}, published as v1.2.0" in told
    assert KEY not in told + repr(provider) + provider.fingerprint
    assert set(ENV) < set(DETAILS["azure-custom-vision"].variables)


def test_whatever_changes_the_answer_changes_the_fingerprint_and_nothing_else_does() -> None:
    other = "00000000-0000-4000-8000-000000000000"
    changed = [
        open_provider("azure-custom-vision", options, env=env).fingerprint
        for options, env in (
            (Options(), ENV),
            (Options(features=("detect",)), ENV),
            (Options(model="v1.3.0"), ENV),
            (Options(), {**ENV, "CUSTOM_VISION_PROJECT_ID": other}),
        )
    ]
    assert 4 == len(set(changed))
    same = open_provider("azure-custom-vision", Options(store=True, min_confidence=0.5, timeout_s=3.0), env=ENV)
    assert changed[0] == same.fingerprint
