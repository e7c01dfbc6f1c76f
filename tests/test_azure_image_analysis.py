"""What the adapter for Image Analysis sends, and what it keeps of the answer."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import responses
from PIL import Image as Pillow

from cloudvision import images
from cloudvision.errors import ConfigError, ProviderError, TooSmallError, UnexpectedAnswerError
from cloudvision.images import Remote
from cloudvision.providers._options import Options
from cloudvision.providers.azure_image_analysis import FEATURES, AzureImageAnalysis
from tests.image_analysis_double import KEY, Double, Reply, error, image_analysis_double
from tests.pictures import png


@pytest.fixture
def double() -> Iterator[Double]:
    with image_analysis_double() as running:
        yield running


def azure(double: Double, **options: object) -> AzureImageAnalysis:
    return AzureImageAnalysis(endpoint=double.url, key=KEY, options=Options(**options))  # type: ignore[arg-type]


def picture(number: int = 0) -> images.Image:
    return images.load(png(number))


def test_the_bytes_of_a_picture_travel_untouched_and_text_is_asked_for(double: Double) -> None:
    azure(double).call(picture())
    (request,) = double.seen
    assert request.body == png()
    assert request.query == {"api-version": "2023-10-01", "features": "read"}
    assert request.headers["content-type"] == "application/octet-stream"
    assert request.headers["ocp-apim-subscription-key"] == KEY


@responses.activate
def test_the_real_endpoint_is_asked_over_https_at_the_documented_address() -> None:
    url = "https://name.cognitiveservices.azure.com/computervision/imageanalysis:analyze"
    responses.post(url, json={"metadata": {"width": 9, "height": 9}, "readResult": {"blocks": []}})
    provider = AzureImageAnalysis(endpoint="https://name.cognitiveservices.azure.com/", key=KEY)
    assert provider.parse(provider.call(picture())).lines == ()
    request = responses.calls[0].request
    assert request.url == f"{url}?api-version=2023-10-01&features=read"
    assert request.headers["Ocp-Apim-Subscription-Key"] == KEY
    assert request.body == png()


def test_a_turned_picture_is_sent_upright_with_its_upright_size(double: Double) -> None:
    stream, exif = io.BytesIO(), Pillow.Exif()
    exif[0x0112] = 6
    Pillow.new("RGB", (120, 60)).save(stream, "JPEG", exif=exif)
    raw = azure(double).call(images.load(stream.getvalue()))
    with Pillow.open(io.BytesIO(double.seen[0].body)) as sent:
        assert sent.size == (60, 120) == (raw.width, raw.height)
        assert 0x0112 not in sent.getexif()


def test_a_picture_that_is_too_small_for_the_service_is_not_sent(double: Double) -> None:
    with pytest.raises(TooSmallError, match="51"):
        azure(double).call(images.load(png(side=50)))
    assert double.seen == []


def test_a_remote_picture_is_named_by_its_url(double: Double) -> None:
    url = "https://store.example/a.jpg?sig=secret"
    raw = azure(double).call(Remote("https://store.example/a.jpg", url=url))
    (request,) = double.seen
    assert json.loads(request.body) == {"url": url}
    assert request.headers["content-type"] == "application/json"
    assert (raw.width, raw.height) == (None, None)


def test_an_s3_object_is_refused_without_a_request(double: Double) -> None:
    with pytest.raises(ConfigError, match="s3://bucket/key"):
        azure(double).call(Remote("s3://bucket/key", bucket="bucket", key="key"))
    assert double.seen == []


def test_all_seven_features_and_every_setting_reach_the_query(double: Double) -> None:
    everything = azure(
        double,
        features=FEATURES,
        language="en",
        gender_neutral=True,
        crop_ratios=(0.9, 1.33),
        model="2023-10-01",
    )
    everything.call(picture())
    query = double.seen[0].query
    assert set(query.pop("features").split(",")) == set(FEATURES)
    assert query == {
        "api-version": "2023-10-01",
        "language": "en",
        "gender-neutral-caption": "true",
        "smartcrops-aspect-ratios": "0.9,1.33",
        "model-version": "2023-10-01",
    }


def test_features_go_by_their_service_names_or_snake_case_in_any_order_and_once() -> None:
    one = AzureImageAnalysis(options=Options(features=("smart_crops", "read", "denseCaptions", "READ")))
    two = AzureImageAnalysis(options=Options(features=("dense_captions", "read", "smartCrops")))
    assert one.features == two.features == ("denseCaptions", "read", "smartCrops")
    assert one.fingerprint == two.fingerprint


def test_an_unknown_feature_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"no feature faces; .*caption.*denseCaptions.*tags"):
        AzureImageAnalysis(options=Options(features=("read", "faces")))


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (Options(features=("smartCrops",), crop_ratios=(0.7,)), "0.75 to 1.8"),
        (Options(features=("smartCrops",), crop_ratios=(1.81,)), "0.75 to 1.8"),
        (Options(features=("smartCrops",), crop_ratios=(float("nan"),)), "0.75 to 1.8"),
        (Options(crop_ratios=(1.0,)), "smartCrops"),
        (Options(gender_neutral=True), "caption"),
        (Options(min_confidence=0.5), "min_confidence"),
    ],
)
def test_settings_that_the_service_would_not_honour_are_refused(options: Options, word: str) -> None:
    with pytest.raises(ConfigError, match=word):
        AzureImageAnalysis(options=options)


@pytest.mark.parametrize(
    "changed",
    [
        Options(features=("tags",)),
        Options(language="de"),
        Options(model="latest"),
        Options(features=("smartCrops",), crop_ratios=(1.0,)),
        Options(features=("caption",), gender_neutral=True),
    ],
)
def test_whatever_changes_the_answer_changes_the_fingerprint(changed: Options) -> None:
    bare = Options(features=changed.features)
    assert AzureImageAnalysis(options=changed).fingerprint != AzureImageAnalysis().fingerprint
    if bare != changed:
        assert AzureImageAnalysis(options=changed).fingerprint != AzureImageAnalysis(options=bare).fingerprint


def test_time_outs_do_not_change_the_fingerprint() -> None:
    assert AzureImageAnalysis(options=Options(timeout_s=5)).fingerprint == AzureImageAnalysis().fingerprint


@pytest.mark.parametrize(
    "body",
    ["", "<html>Bad day</html>", '{"readResult": {"blocks": [', "[]", '"text"', "null", "[" * 100_000],
    ids=["empty", "html", "cut JSON", "list", "string", "null", "deep"],
)
@pytest.mark.parametrize("kind", ["application/json", "text/html"])
def test_a_paid_answer_is_kept_as_it_came_even_when_it_is_not_one(double: Double, body: str, kind: str) -> None:
    double.answer(Reply(200, body, {"content-type": kind}))
    provider = azure(double)
    raw = provider.call(picture())
    assert raw.body == body
    with pytest.raises(UnexpectedAnswerError) as caught:
        provider.parse(raw)
    assert (caught.value.status, caught.value.billed) == (200, True)


def test_bytes_that_are_not_utf8_are_kept_as_far_as_they_can_be_read(double: Double) -> None:
    double.answer(Reply(200, b'{"x": "\xff"}'))
    assert azure(double).call(picture()).body == '{"x": "�"}'


def test_the_answer_carries_what_is_worth_keeping_and_nothing_secret(double: Double) -> None:
    times = iter([10.0, 10.25])
    provider = AzureImageAnalysis(endpoint=double.url, key=KEY, clock=lambda: next(times), now=lambda: 1_795_000_000.0)
    raw = provider.call(picture())
    assert dict(raw.headers) == {
        "apim-request-id": f"id-{len(png())}",
        "content-type": "application/json; charset=utf-8",
        "csp-billing-usage": "CognitiveServices.ComputerVision.Transaction=1",
        "x-ms-region": "East US",
    }
    assert (raw.latency_s, raw.received_at, raw.units) == (0.25, 1_795_000_000.0, 1)
    assert KEY not in json.dumps(raw.to_json()) + repr(provider) + provider.fingerprint


@pytest.mark.parametrize("status", [400, 408, 429, 500, 502, 503, 504])
def test_a_refused_call_is_one_request_whatever_the_sdk_would_like_to_repeat(double: Double, status: int) -> None:
    double.answer(*[error(status, "code", "message", Retry_After="0")] * 5)
    with pytest.raises(ProviderError):
        azure(double).call(picture())
    assert len(double.seen) == 1


def test_a_redirect_is_not_followed_with_the_key(double: Double) -> None:
    with image_analysis_double() as elsewhere:
        double.answer(Reply(307, b"", {"location": elsewhere.url + "/computervision/imageanalysis:analyze"}))
        with pytest.raises(ProviderError, match="VISION_ENDPOINT"):
            azure(double).call(picture())
        assert elsewhere.seen == []


def test_threads_that_share_a_provider_get_their_own_answers(double: Double) -> None:
    provider = azure(double)
    sides = range(60, 92)

    def ask(side: int) -> tuple[int, str | None]:
        data = png(side=side)
        return len(data), provider.call(images.load(data)).header("apim-request-id")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, sides))
    assert answers == [(size, f"id-{size}") for size, _ in answers]
    assert len({size for size, _ in answers}) > 5


@pytest.mark.parametrize(
    ("features", "micros"),
    [(("read",), 1500), (("tags",), 1000), (("read", "tags", "objects"), 3500), (FEATURES, 8500)],
)
def test_each_feature_counts_although_the_header_says_one(
    double: Double, features: tuple[str, ...], micros: int
) -> None:
    provider = azure(double, features=features)
    assert provider.worst_cost(picture()) == provider.cost(provider.call(picture())) == micros


def test_a_header_that_says_more_than_the_features_is_believed(double: Double) -> None:
    double.answer(Reply(200, "{}", {"csp-billing-usage": "Some.Transaction=3"}))
    provider = azure(double)
    assert provider.cost(provider.call(picture())) == 3 * 1500
