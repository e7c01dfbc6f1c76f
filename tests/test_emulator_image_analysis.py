"""Image Analysis of the emulator, asked by the unmodified SDK."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from cloudvision.emulator import Emulator, running
from cloudvision.geometry import Box
from cloudvision.images import load
from cloudvision.providers.azure_image_analysis import AzureImageAnalysis
from tests.emulation import MadeUpReader, encoded, image_analysis, line, overlap, plain, written
from tests.loopback import Request, serving

pytest.importorskip("azure.ai.vision.imageanalysis", reason="needs the extra azure")


def refused(emulator: Emulator, data: bytes, features: list[str], **settings: Any) -> tuple[int, str, str]:
    from azure.core.exceptions import HttpResponseError

    with pytest.raises(HttpResponseError) as caught:
        image_analysis(emulator).analyze(data, features, **settings)  # type: ignore[arg-type]
    error = caught.value.error
    assert error is not None
    inner = getattr(error, "innererror", None) or {}
    return caught.value.status_code or 0, str(inner.get("code", error.code)), str(error.message)


def posted(emulator: Emulator, query: str, *, body: bytes = b"", kind: str = "application/octet-stream") -> Any:
    """Status and error of a request that the SDK would not send."""
    url = f"{emulator.url}/computervision/imageanalysis:analyze?{query}"
    headers = {"Ocp-Apim-Subscription-Key": emulator.accounts[0].key, "Content-Type": kind}
    with (
        pytest.raises(urllib.error.HTTPError) as caught,
        urllib.request.urlopen(urllib.request.Request(url, data=body, headers=headers), timeout=30),
    ):
        pass
    with caught.value as answer:
        return answer.status, json.loads(answer.read())["error"]["code"]


def test_the_text_of_the_picture_is_found_where_it_stands(reading_emulator: Emulator) -> None:
    data, places = written(("NO ENTRY", 40, 40), ("EXIT", 200, 200))
    answer = image_analysis(reading_emulator).analyze(data, ["read"])  # type: ignore[list-item]
    assert answer.read is not None
    lines = answer.read.blocks[0].lines
    assert ["NO ENTRY", "EXIT"] == [found.text for found in lines]
    assert [["NO", "ENTRY"], ["EXIT"]] == [[word.text for word in found.words] for found in lines]
    for found, place in zip(lines, places, strict=True):
        corners = [(point.x, point.y) for point in found.bounding_polygon]
        assert all(isinstance(value, int) for corner in corners for value in corner)
        box = Box(corners[0][0], corners[0][1], corners[2][0] - corners[0][0], corners[2][1] - corners[0][1])
        assert overlap(Box(box.left / 480, box.top / 320, box.width / 480, box.height / 320), place) > 0.5
    assert (480, 320) == (answer.metadata.width, answer.metadata.height)


def test_a_picture_without_text_has_no_block(cloudvision_emulator: Emulator, reader: MadeUpReader) -> None:
    reader.lines = ()
    answer = image_analysis(cloudvision_emulator).analyze(plain(), ["read"])  # type: ignore[list-item]
    assert answer.read is not None
    assert [] == answer.read.blocks


def test_crops_have_the_ratios_asked_for_and_hold_what_stands_out(cloudvision_emulator: Emulator) -> None:
    canvas = np.full((400, 800, 3), 120, np.uint8)
    canvas[60:140, 560:660] = np.random.default_rng(3).integers(0, 255, (80, 100, 3))
    data = encoded(Pillow.fromarray(canvas))
    client = image_analysis(cloudvision_emulator)
    answer = client.analyze(data, ["smartCrops"], smart_crops_aspect_ratios=[0.75, 1.0, 1.8])  # type: ignore[list-item]
    assert answer.smart_crops is not None
    assert [0.75, 1.0, 1.8] == [crop.aspect_ratio for crop in answer.smart_crops.list]
    for crop in answer.smart_crops.list:
        box = crop.bounding_box
        assert abs(box.width / box.height - crop.aspect_ratio) < 0.02
        assert 0 <= box.x <= 560
        assert 660 <= box.x + box.width <= 800
        assert 0 <= box.y <= 60
        assert 140 <= box.y + box.height <= 400


def test_without_ratios_there_is_one_crop(cloudvision_emulator: Emulator) -> None:
    answer = image_analysis(cloudvision_emulator).analyze(plain(300, 51), ["smartCrops"])  # type: ignore[list-item]
    assert answer.smart_crops is not None
    (crop,) = answer.smart_crops.list
    assert 0.5 <= crop.aspect_ratio <= 2.0
    box = crop.bounding_box
    assert box.x + box.width <= 300
    assert box.y + box.height <= 51


@pytest.mark.parametrize("feature", ["caption", "denseCaptions", "tags", "objects", "people"])
def test_what_no_local_model_can_tell_is_not_offered_in_this_region(
    cloudvision_emulator: Emulator, feature: str
) -> None:
    shown = feature[0].upper() + feature[1:]
    message = f"The feature '{shown}' is not supported in this region."
    assert (400, "InvalidRequest", message) == refused(cloudvision_emulator, plain(), ["read", feature])


@pytest.mark.parametrize(
    ("data", "features", "settings", "code"),
    [
        (b"", ["read"], {}, "InvalidRequest"),
        (b"text", ["read"], {}, "InvalidImageFormat"),
        (plain(50, 200), ["read"], {}, "InvalidRequest"),
        (bytes(20 * 2**20 + 1), ["read"], {}, "InvalidRequest"),
        (plain(), [], {}, "InvalidRequest"),
        (plain(), ["faces"], {}, "NotSupportedVisualFeature"),
        (plain(), ["read"], {"language": "klingon"}, "NotSupportedLanguage"),
        (plain(), ["caption"], {"language": "de"}, "NotSupportedLanguage"),
        (plain(), ["smartCrops"], {"smart_crops_aspect_ratios": [0.7]}, "BadArgument"),
        (plain(), ["read"], {"model_version": "newest"}, "BadArgument"),
    ],
)
def test_what_the_service_does_not_take_is_refused(
    cloudvision_emulator: Emulator, data: bytes, features: list[str], settings: dict[str, Any], code: str
) -> None:
    assert (400, code) == refused(cloudvision_emulator, data, features, **settings)[:2]
    assert {} == cloudvision_emulator.bill().units


def test_versions_and_content_types_are_checked(cloudvision_emulator: Emulator) -> None:
    assert (400, "ApiVersionUnspecified") == posted(cloudvision_emulator, "features=read")
    assert (400, "UnsupportedApiVersion") == posted(cloudvision_emulator, "api-version=2030-01-01&features=read")
    version = "api-version=2024-02-01&features=read"
    assert (400, "InvalidRequest") == posted(cloudvision_emulator, version, body=plain(), kind="image/png")
    assert (400, "InvalidRequest") == posted(cloudvision_emulator, version, body=b"{}", kind="application/json")


def test_a_wrong_key_is_refused_by_the_gateway(cloudvision_emulator: Emulator) -> None:
    from azure.core.exceptions import ClientAuthenticationError

    client = image_analysis(cloudvision_emulator, key="0" * 32)
    with pytest.raises(ClientAuthenticationError, match="invalid subscription key") as caught:
        client.analyze(plain(), ["read"])  # type: ignore[list-item]
    assert caught.value.response is not None
    assert {"apim-request-id"} <= set(caught.value.response.headers)


def test_a_token_of_entra_id_is_taken_for_a_key(cloudvision_emulator: Emulator) -> None:
    class Static:
        def get_token(self, *_: object, **__: object) -> Any:
            from azure.core.credentials import AccessToken

            return AccessToken(cloudvision_emulator.accounts[0].token, 4_000_000_000)

    provider = AzureImageAnalysis(endpoint=cloudvision_emulator.url, credential=Static())
    assert 200 == provider.call(load(plain())).status


def test_an_unknown_path_is_not_found(cloudvision_emulator: Emulator) -> None:
    from azure.ai.vision.imageanalysis import ImageAnalysisClient
    from azure.core.credentials import AzureKeyCredential
    from azure.core.exceptions import ResourceNotFoundError

    credential = AzureKeyCredential(cloudvision_emulator.accounts[0].key)
    client = ImageAnalysisClient(f"{cloudvision_emulator.url}/other", credential, retry_total=0)
    with pytest.raises(ResourceNotFoundError, match="Resource not found"):
        client.analyze(plain(), ["read"])  # type: ignore[list-item]


def test_urls_of_this_network_are_not_accessible_and_billed_all_the_same(cloudvision_emulator: Emulator) -> None:
    from azure.core.exceptions import HttpResponseError

    with pytest.raises(HttpResponseError, match="The provided image url is not accessible") as caught:
        image_analysis(cloudvision_emulator).analyze_from_url(cloudvision_emulator.url, ["read"])  # type: ignore[list-item]
    assert caught.value.response is not None
    assert "CognitiveServices.ComputerVision.Transaction=1" == caught.value.response.headers["CSP-Billing-Usage"]
    assert 1 == cloudvision_emulator.bill().total("image-analysis text transactions")


def test_urls_of_this_network_are_fetched_where_that_is_allowed(reader: MadeUpReader) -> None:
    reader.lines = (line(("fetched", 0.1, 0.1, 0.2, 0.1)),)

    def handler(request: Request) -> None:
        request.answer(plain())

    with serving(handler) as web, running(reader=reader, allow_private_hosts=True) as emulator:
        answer = image_analysis(emulator).analyze_from_url(web.url(), ["read"])  # type: ignore[list-item]
    assert answer.read is not None
    assert "fetched" == answer.read.blocks[0].lines[0].text
