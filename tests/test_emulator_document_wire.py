"""Document Intelligence of the emulator: its wire, as the unmodified SDK and a plain client see it."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from cloudvision.emulator import Emulator, running
from cloudvision.results import Line
from tests.documents import analysed, as_pdf, as_png, as_tiff, client, typed
from tests.emulation import MadeUpReader, encoded, plain
from tests.loopback import Request, serving

pytest.importorskip("azure.ai.formrecognizer", reason="needs the extra azure")

MODELS = "/formrecognizer/documentModels"
QUERY = "api-version=2023-07-31"


def asked(emulator: Emulator, method: str, place: str, *, body: bytes | None = None, kind: str = "") -> Any:
    """Status, headers and body of a request that the SDK would not send; `place` is a path or a whole URL."""
    url = place if place.startswith("http") else emulator.url + place
    headers = {
        "Ocp-Apim-Subscription-Key": emulator.accounts[0].key,
        "Content-Type": kind or "application/octet-stream",
    }
    request = urllib.request.Request(url, data=body, headers=headers, method=method)
    try:
        answer = urllib.request.urlopen(request, timeout=5)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        data = answer.read()
        return answer.status, answer.headers, json.loads(data) if data else None


def refused(emulator: Emulator, model: str, data: bytes, **settings: Any) -> tuple[int, str, str]:
    """Status, code and inner code of the SDK's error."""
    from azure.core.exceptions import HttpResponseError

    with pytest.raises(HttpResponseError) as caught:
        client(emulator).begin_analyze_document(model, data, **settings)
    error = caught.value.error
    assert error is not None
    inner = getattr(error, "innererror", None) or {}
    return caught.value.status_code or 0, str(error.code), str(inner.get("code", ""))


def blank(pages: int) -> bytes:
    return as_pdf(*(Image.new("RGB", (100, 140), "white") for _ in range(pages)))


def test_the_sdk_gets_every_page_with_its_words_and_their_places(
    cloudvision_emulator: Emulator, reader: MadeUpReader
) -> None:
    reader.lines = typed("Hello there", "General Kenobi")
    result = analysed(cloudvision_emulator, "prebuilt-read", as_tiff(*[Image.new("RGB", (200, 100))] * 2))
    assert ("prebuilt-read", [1, 2]) == (result.model_id, [page.page_number for page in result.pages])
    assert "Hello there\nGeneral Kenobi\nHello there\nGeneral Kenobi" == result.content
    for page in result.pages:
        assert ("pixel", 200, 100) == (page.unit, page.width, page.height)
        for word in page.words:
            assert word.content == result.content[word.span.offset : word.span.offset + word.span.length]
        assert ["Hello there", "General Kenobi"] == [line.content for line in page.lines]
    start = result.pages[0].words[0].polygon
    assert [(10, 3), (18, 3), (18, 5), (10, 5)] == [(point.x, point.y) for point in start]


def test_a_pdf_is_measured_in_inches(cloudvision_emulator: Emulator, reader: MadeUpReader) -> None:
    reader.lines = typed("Hello")
    result = analysed(cloudvision_emulator, "prebuilt-read", as_pdf(Image.new("RGB", (600, 450), "white")))
    assert "inch" == result.pages[0].unit
    assert pytest.approx((8.0, 6.0), abs=0.01) == (result.pages[0].width, result.pages[0].height)
    assert pytest.approx(0.4, abs=0.01) == result.pages[0].words[0].polygon[0].x


@pytest.mark.parametrize(("pages", "read"), [(None, [1, 2, 3, 4, 5]), ("1-2,5", [1, 2, 5]), ("4-9", [4, 5])])
def test_ranges_of_pages_are_read_and_billed(
    cloudvision_emulator: Emulator, reader: MadeUpReader, pages: str | None, read: list[int]
) -> None:
    reader.lines = ()
    settings = {"pages": pages} if pages else {}
    result = analysed(cloudvision_emulator, "prebuilt-layout", blank(5), **settings)
    assert read == [page.page_number for page in result.pages]
    assert len(read) == cloudvision_emulator.bill().total("document-intelligence layout pages")


def test_the_free_tier_reads_two_pages_and_says_nothing(reader: MadeUpReader) -> None:
    reader.lines = ()
    with running(reader=reader, tier="F0") as emulator:
        assert [1, 2] == [page.page_number for page in analysed(emulator, "prebuilt-read", blank(3)).pages]
        assert 2 == emulator.bill().total("document-intelligence read pages")


def test_an_analysis_is_accepted_running_done_and_gone_after_a_day() -> None:
    class Slow:
        def __init__(self) -> None:
            self.going = threading.Event()

        def read(self, pixels: NDArray[np.uint8], /) -> tuple[Line, ...]:
            assert self.going.wait(10)
            return typed("Done at last")

    hour, slow = [1_700_000_000.0], Slow()
    with running(reader=slow, now=lambda: hour[0]) as emulator:
        status, headers, body = asked(
            emulator, "POST", f"{MODELS}/prebuilt-read:analyze?{QUERY}", body=plain(), kind="image/png"
        )
        place = headers["Operation-Location"]
        assert (202, None, "1") == (status, body, headers["Retry-After"])
        assert place.startswith(f"{emulator.url}{MODELS}/prebuilt-read/analyzeResults/{headers['apim-request-id']}?")
        status, headers, body = asked(emulator, "GET", place)
        assert (200, "1", "2023-11-14T22:13:20Z") == (status, headers["Retry-After"], body["createdDateTime"])
        assert body["status"] in ("notStarted", "running")
        slow.going.set()
        while body["status"] != "succeeded":
            status, headers, body = asked(emulator, "GET", place)
        assert (None, "Done at last") == (headers["Retry-After"], body["analyzeResult"]["content"])
        other = place.replace("prebuilt-read", "prebuilt-layout")
        assert "OperationNotFound" == asked(emulator, "GET", other)[2]["error"]["innererror"]["code"]
        hour[0] += 24 * 3600 + 1
        status, _, body = asked(emulator, "GET", place)
        assert (404, "OperationNotFound") == (status, body["error"]["innererror"]["code"])


def test_an_address_is_fetched_by_the_service(reader: MadeUpReader) -> None:
    reader.lines = typed("From afar")

    def answer(request: Request) -> None:
        request.answer(plain())

    with serving(answer) as server, running(reader=reader, allow_private_hosts=True) as emulator:
        asking = client(emulator)
        result = asking.begin_analyze_document_from_url("prebuilt-read", server.url()).result()
        assert "From afar" == result.content


def test_an_address_inside_is_not_fetched(cloudvision_emulator: Emulator) -> None:
    from azure.core.exceptions import HttpResponseError

    with pytest.raises(HttpResponseError) as caught:
        client(cloudvision_emulator).begin_analyze_document_from_url("prebuilt-read", "http://127.0.0.1:9/page.png")
    assert caught.value.error is not None
    assert "ContentSourceNotAccessible" == caught.value.error.innererror["code"]


@pytest.mark.parametrize(
    ("model", "data", "settings", "expected"),
    [
        ("prebuilt-nothing", plain(), {}, (404, "NotFound", "ModelNotFound")),
        ("prebuilt-read", b"", {}, (400, "InvalidRequest", "InvalidContent")),
        ("prebuilt-read", b"plain text", {}, (400, "InvalidRequest", "InvalidContent")),
        ("prebuilt-read", b"%PDF-1.7 broken", {}, (400, "InvalidRequest", "InvalidContent")),
        ("prebuilt-read", plain(40, 200), {}, (400, "InvalidRequest", "InvalidContentDimensions")),
        ("prebuilt-read", plain(), {"pages": "2"}, (400, "InvalidArgument", "InvalidParameter")),
        ("prebuilt-read", plain(), {"pages": "3-1"}, (400, "InvalidArgument", "InvalidParameter")),
        ("prebuilt-read", plain(), {"pages": "all"}, (400, "InvalidArgument", "InvalidParameter")),
        ("prebuilt-receipt", plain(), {"locale": "not a locale"}, (400, "InvalidArgument", "InvalidParameter")),
        ("prebuilt-read", plain(), {"features": ["keyValuePairs"]}, (400, "InvalidArgument", "InvalidParameter")),
        ("prebuilt-layout", plain(), {"features": ["formulas"]}, (400, "InvalidArgument", "InvalidParameter")),
    ],
)
def test_what_the_service_refuses_is_refused_in_its_words_and_not_billed(
    cloudvision_emulator: Emulator, model: str, data: bytes, settings: dict[str, Any], expected: tuple[int, str, str]
) -> None:
    assert expected == refused(cloudvision_emulator, model, data, **settings)
    assert {} == cloudvision_emulator.bill().units


def test_a_file_over_the_tiers_size_is_refused(reader: MadeUpReader) -> None:
    with running(reader=reader, tier="F0") as emulator:
        big = plain() + bytes(4 * 2**20)
        assert (400, "InvalidRequest", "InvalidContentLength") == refused(emulator, "prebuilt-read", big)


@pytest.mark.parametrize(
    ("query", "kind", "status"),
    [
        ("api-version=2022-01-30-preview", "application/octet-stream", 410),
        ("api-version=1999-01-01", "application/octet-stream", 404),
        ("", "application/octet-stream", 404),
        (QUERY, "text/html", 415),
        (f"{QUERY}&stringIndexType=words", "application/octet-stream", 400),
        (QUERY, "application/json", 400),
    ],
)
def test_requests_that_the_sdk_would_not_send(
    cloudvision_emulator: Emulator, query: str, kind: str, status: int
) -> None:
    place = f"{MODELS}/prebuilt-read:analyze?{query}"
    got, _, body = asked(cloudvision_emulator, "POST", place, body=b"x", kind=kind)
    assert status == got
    assert body["error"]["code"]


def test_a_retired_version_in_the_path_is_gone(cloudvision_emulator: Emulator) -> None:
    status, _, body = asked(cloudvision_emulator, "POST", "/formrecognizer/v2.0/layout/analyze", body=plain())
    assert (410, "Gone") == (status, body["error"]["code"])


def test_an_unknown_key_is_the_sdks_authentication_error(cloudvision_emulator: Emulator) -> None:
    from azure.core.exceptions import ClientAuthenticationError

    with pytest.raises(ClientAuthenticationError) as caught:
        client(cloudvision_emulator, key="0" * 32).begin_analyze_document("prebuilt-read", plain())
    assert 401 == caught.value.status_code


@pytest.mark.parametrize(("fault", "status"), [("throttle", 429), ("status", 503), ("expired-key", 401)])
def test_faults_arrive_as_the_sdks_errors(cloudvision_emulator: Emulator, fault: str, status: int) -> None:
    cloudvision_emulator.misbehave(fault)
    assert status == refused(cloudvision_emulator, "prebuilt-read", plain())[0]
    assert {} == cloudvision_emulator.bill().units


def test_a_placed_answer_is_given_for_its_document(cloudvision_emulator: Emulator) -> None:
    answer = {"apiVersion": "2023-07-31", "modelId": "m", "stringIndexType": "unicodeCodePoint", "content": "placed"}
    data = as_png(Image.new("RGB", (100, 100), "red"))
    cloudvision_emulator.place(data, {**answer, "pages": []}, service="document-intelligence")
    assert "placed" == analysed(cloudvision_emulator, "prebuilt-read", data).content


def test_a_picture_that_breaks_off_fails_while_it_is_worked_on(cloudvision_emulator: Emulator) -> None:
    from azure.core.exceptions import HttpResponseError

    noise = Image.fromarray(np.random.default_rng(1).integers(0, 255, (200, 200, 3), np.uint8))
    poller = client(cloudvision_emulator).begin_analyze_document("prebuilt-read", encoded(noise)[:60_000])
    with pytest.raises(HttpResponseError) as caught:
        poller.result()
    assert caught.value.error is not None
    assert "InternalServerError" == caught.value.error.code


def test_models_and_limits_can_be_asked_for(cloudvision_emulator: Emulator) -> None:
    from azure.ai.formrecognizer import DocumentModelAdministrationClient
    from azure.core.credentials import AzureKeyCredential

    env = cloudvision_emulator.environment
    credential = AzureKeyCredential(env["DOCUMENT_INTELLIGENCE_KEY"])
    with DocumentModelAdministrationClient(env["DOCUMENT_INTELLIGENCE_ENDPOINT"], credential) as admin:
        assert 5000 == admin.get_resource_details().custom_document_models.limit
        assert "prebuilt-invoice" in [model.model_id for model in admin.list_document_models()]
        assert "prebuilt-read" == admin.get_document_model("prebuilt-read").model_id
        assert [] == [*admin.list_document_classifiers(), *admin.list_operations()]


def test_a_page_that_is_too_large_to_decode_fails_the_analysis(
    cloudvision_emulator: Emulator, reader: MadeUpReader
) -> None:
    from azure.core.exceptions import HttpResponseError

    reader.lines = ()
    data = as_tiff(Image.new("1", (100, 100)), Image.new("1", (100, 12_000)))
    poller = client(cloudvision_emulator).begin_analyze_document("prebuilt-read", data)
    with pytest.raises(HttpResponseError) as caught:
        poller.result()
    assert caught.value.error is not None
    assert "InvalidContent" == caught.value.error.details[0].code
