"""What the adapter for Document Intelligence sends, how it waits, and what it keeps of the answer."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from cloudvision import images
from cloudvision.errors import ConfigError, NotAnImageError, TooSmallError
from cloudvision.images import Remote
from cloudvision.polling import Polling
from cloudvision.providers._options import Options
from cloudvision.providers.azure_document_intelligence import AzureDocumentIntelligence
from cloudvision.raw import Raw
from tests.document_double import KEY, TOKEN, Double, Reply, Watch, document_double, running
from tests.document_files import document
from tests.pictures import png

QUERY = {"api-version": "2023-07-31", "stringIndexType": "unicodeCodePoint"}


@pytest.fixture
def double() -> Iterator[Double]:
    with document_double() as started:
        yield started


def azure(double: Double, *, clock: Watch | None = None, **options: object) -> AzureDocumentIntelligence:
    time = clock or Watch()
    return AzureDocumentIntelligence(
        endpoint=double.url,
        key=KEY,
        options=Options(**options),  # type: ignore[arg-type]
        polling=Polling(clock=time, sleep=time.sleep),
    )


def test_the_bytes_of_a_picture_travel_untouched_and_its_text_comes_back(double: Double) -> None:
    provider = azure(double)
    raw = provider.call(images.load(png()))
    (post,), (poll,) = double.posts, double.polls
    assert png() == post.body
    assert ("/formrecognizer/documentModels/prebuilt-read:analyze", QUERY) == (post.path, post.query)
    assert ("application/octet-stream", KEY) == (
        post.headers["content-type"],
        post.headers["ocp-apim-subscription-key"],
    )
    assert {"api-version": "2023-07-31"} == poll.query
    assert f"text of {len(png())} bytes" == provider.parse(raw).text
    assert (1, 1) == (raw.pages, raw.units)


def test_every_setting_reaches_the_query(double: Double) -> None:
    features = ("style_font", "ocrHighResolution")
    azure(double, model="prebuilt-invoice", pages="1-3, 5", language="en-US", features=features).call(
        images.load(png())
    )
    asked = {"pages": "1-3,5", "locale": "en-US", "features": "ocrHighResolution,styleFont"}
    assert QUERY | asked == double.posts[0].query
    assert double.posts[0].path.endswith("/prebuilt-invoice:analyze")


@pytest.mark.parametrize("format", ["PDF", "TIFF"])
def test_all_pages_of_a_file_are_sent_as_they_are(double: Double, format: str) -> None:
    data = document("one", "two", "three", format=format)
    double.pages = 3
    raw = azure(double).call(images.load(data, documents=True))
    assert data == double.posts[0].body
    assert (3, 3, None) == (raw.pages, raw.units, raw.width)


def test_no_page_of_a_tiff_is_lost_that_was_loaded_as_a_picture(double: Double) -> None:
    data, double.pages = document("one", "two", format="TIFF"), 2
    provider, picture = azure(double), images.load(data)
    assert 2 * 1500 == provider.worst_cost(picture)
    assert 2 * 1500 == provider.cost(provider.call(picture))
    assert data == double.posts[0].body


def test_a_url_is_fetched_by_the_service(double: Double) -> None:
    url = "https://store.example/a.pdf?sig=secret"
    azure(double).call(Remote("https://store.example/a.pdf", url=url))
    assert {"urlSource": url} == json.loads(double.posts[0].body)
    assert "application/json" == double.posts[0].headers["content-type"]


def test_an_s3_object_and_a_picture_that_is_too_small_are_refused_without_a_request(double: Double) -> None:
    with pytest.raises(ConfigError, match="s3://bucket/key"):
        azure(double).call(Remote("s3://bucket/key", bucket="bucket", key="key"))
    with pytest.raises(TooSmallError, match="50"):
        azure(double).call(images.load(png(side=49)))
    assert [] == double.seen


def test_the_first_poll_is_delayed_and_the_wish_of_the_service_is_met(double: Double) -> None:
    time = Watch()
    double.answer_polls(running(), running(retry_after="7"), running())
    azure(double, clock=time).call(images.load(png()))
    assert [1.0, 1.0, 7.0, 2.25] == time.slept
    assert 4 == len(double.polls)
    assert 1 == len(double.posts)


def test_the_key_is_not_sent_to_another_host_that_an_answer_names(double: Double) -> None:
    place = "https://elsewhere.example/formrecognizer/documentModels/m/analyzeResults/123?api-version=2023-07-31"
    double.operations["123"] = 7
    double.answer(Reply(202, b"", {"operation-location": place}))
    raw = azure(double).call(images.load(png()))
    assert ["/formrecognizer/documentModels/m/analyzeResults/123"] == [poll.path for poll in double.polls]
    assert "7 bytes" in raw.body


def test_the_body_is_kept_as_it_came_with_the_headers_worth_keeping(double: Double) -> None:
    body = '{"status": "succeeded", "analyzeResult": {"odd": "\\u00e9"}}'
    double.answer_polls(Reply(200, body, {"apim-request-id": "42", "x-not-kept": "1"}))
    raw = azure(double).call(images.load(png()))
    assert body == raw.body
    assert (("apim-request-id", "42"),) == raw.headers


def test_a_token_is_sent_where_there_is_no_key(double: Double) -> None:
    from azure.core.credentials import AccessToken

    class Credential:
        def get_token(self, *scopes: str, **_: object) -> AccessToken:
            assert ("https://cognitiveservices.azure.com/.default",) == scopes
            return AccessToken(TOKEN, 4_000_000_000)

    time = Watch()
    polling = Polling(clock=time, sleep=time.sleep)
    AzureDocumentIntelligence(endpoint=double.url, credential=Credential(), polling=polling).call(images.load(png()))
    assert {f"Bearer {TOKEN}"} == {seen.headers["authorization"] for seen in double.seen}


def test_a_token_that_has_run_out_is_renewed_once(double: Double) -> None:
    from azure.core.credentials import AccessToken

    tokens = iter(["stale", TOKEN])

    class Credential:
        def get_token(self, *scopes: str, **_: object) -> AccessToken:
            return AccessToken(next(tokens), 4_000_000_000)

    time = Watch()
    polling = Polling(clock=time, sleep=time.sleep)
    AzureDocumentIntelligence(endpoint=double.url, credential=Credential(), polling=polling).call(images.load(png()))
    assert ["Bearer stale", f"Bearer {TOKEN}"] == [post.headers["authorization"] for post in double.posts]
    assert 1 == len(double.polls)


def test_a_regional_endpoint_wants_a_key() -> None:
    provider = AzureDocumentIntelligence(endpoint="https://eastus.api.cognitive.microsoft.com")
    with pytest.raises(ConfigError, match="set DOCUMENT_INTELLIGENCE_ENDPOINT to the resource's custom subdomain"):
        provider.call(images.load(png()))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pages": "3-1"}, "'3-1' is no list of pages such as 1-3,5"),
        ({"pages": "1;2"}, "no list of pages"),
        ({"pages": "0"}, "no list of pages"),
        ({"model": "a/b"}, "'a/b' is no model id"),
        ({"features": ("faces",)}, r"no feature faces; it has barcodes, .*styleFont"),
        ({"crop_ratios": (1.0,)}, "has no setting crop_ratios"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_before_anything_is_sent(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        AzureDocumentIntelligence(options=Options(**options))  # type: ignore[arg-type]


def test_pages_features_model_and_locale_are_part_of_the_key() -> None:
    asked: list[dict[str, object]] = [
        {},
        {"pages": "1"},
        {"features": ("barcodes",)},
        {"model": "m1"},
        {"language": "de"},
    ]
    prints = {AzureDocumentIntelligence(options=Options(**each)).fingerprint for each in asked}  # type: ignore[arg-type]
    assert len(asked) == len(prints)
    assert len({AzureDocumentIntelligence(options=Options(pages=p)).fingerprint for p in ("1-3,5", "1-3, 5")}) == 1


@pytest.mark.parametrize(
    ("options", "pages", "micros"),
    [
        ({}, 3, 3 * 1500),
        ({"model": "prebuilt-layout"}, 3, 3 * 10_000),
        ({"model": "prebuilt-invoice", "features": ("styleFont", "barcodes")}, 3, 3 * 16_000),
        ({"model": "mine"}, 3, 3 * 30_000),
        ({"pages": "2-9"}, 3, 2 * 1500),
        ({"pages": "1-2,2,9"}, 3, 2 * 1500),
    ],
)
def test_the_worst_cost_is_that_of_the_pages_asked_for(options: dict[str, object], pages: int, micros: int) -> None:
    provider = AzureDocumentIntelligence(options=Options(**options))  # type: ignore[arg-type]
    file = images.load(document(*"x" * pages), documents=True)
    assert micros == provider.worst_cost(file)
    assert sum(provider.units(file).values()) >= 1


def test_what_nobody_can_count_may_have_as_many_pages_as_the_service_reads() -> None:
    remote = Remote("https://a.example/b.pdf", url="https://a.example/b.pdf")
    assert 2000 * 1500 == AzureDocumentIntelligence().worst_cost(remote)
    assert 3 * 1500 == AzureDocumentIntelligence(options=Options(pages="4-6")).worst_cost(remote)


def test_the_cost_is_that_of_the_pages_in_the_answer(double: Double) -> None:
    double.pages = 2
    provider = azure(double)
    raw = provider.call(images.load(document("a", "b", "c"), documents=True))
    assert 2 * 1500 == provider.cost(raw)
    assert provider.parse(raw).warnings == (
        "2 of 3 pages were read; a resource of the free tier F0 reads the first two pages of a document and does not"
        " say so",
    )
    assert 0 == provider.cost(Raw("{}", status=400))


def test_other_providers_refuse_a_pdf_by_name() -> None:
    from cloudvision.provider import open_provider

    pdf = images.load(document("a"), documents=True, name="bill.pdf")
    for name in ("aws-rekognition", "azure-image-analysis", "local-ocr"):
        with pytest.raises(NotAnImageError, match=r"bill\.pdf: a PDF document"):
            open_provider(name, env={"AWS_REGION": "us-east-1", "VISION_ENDPOINT": "https://a.example"}).call(pdf)
