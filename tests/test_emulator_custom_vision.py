"""Custom Vision of the emulator, asked by the unmodified SDK: projects, tags and images, and what is refused."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from cloudvision.emulator import Emulator, running
from tests.custom_vision_clients import (
    BLUE,
    DETECTION,
    GREEN,
    RED,
    code_of,
    entries,
    picture,
    prediction,
    training,
    uploaded,
)
from tests.emulation import MadeUpReader
from tests.loopback import Request, serving

pytest.importorskip("azure.cognitiveservices.vision.customvision", reason="needs the extra azure")


@pytest.fixture
def client(cloudvision_emulator: Emulator) -> Any:
    asking = training(cloudvision_emulator)
    for project in asking.get_projects():
        asking.delete_project(project.id)
    return asking


def test_projects_are_made_found_changed_and_deleted(client: Any) -> None:
    project = client.create_project("fruit", description="apples", classification_type="Multiclass")
    assert ("fruit", "apples", "Multiclass") == (
        project.name,
        project.description,
        project.settings.classification_type,
    )
    assert [project.id] == [one.id for one in client.get_projects()]
    project.name = "vegetables"
    assert "vegetables" == client.update_project(project.id, project).name
    assert "vegetables" == client.get_project(project.id).name
    client.delete_project(project.id)
    assert (404, "NotFoundProject") == code_of(lambda: client.get_project(project.id))


def test_domains_are_listed_for_both_kinds(client: Any) -> None:
    domains = client.get_domains()
    assert {"Classification", "ObjectDetection"} == {domain.type for domain in domains}
    compact = next(domain for domain in domains if domain.name == "General (compact)")
    assert compact.exportable
    assert "ONNX" in compact.exportable_platforms
    assert compact.name == client.get_domain(compact.id).name


def test_a_name_can_be_had_once(client: Any) -> None:
    project = client.create_project("fruit")
    client.create_tag(project.id, "apple")
    assert (400, "BadRequestProjectNameNotUnique") == code_of(lambda: client.create_project("fruit"))
    assert (400, "BadRequestTagNameNotUnique") == code_of(lambda: client.create_tag(project.id, "apple"))


def test_tags_are_changed_counted_and_deleted_with_what_they_mark(client: Any) -> None:
    project = client.create_project("fruit")
    tag = client.create_tag(project.id, "apple", description="red")
    uploaded(client, project.id, entries([picture(RED)], tag.id))
    tag.name = "pear"
    assert "pear" == client.update_tag(project.id, tag.id, tag).name
    assert [("pear", "red", 1)] == [(one.name, one.description, one.image_count) for one in client.get_tags(project.id)]
    client.delete_tag(project.id, tag.id)
    assert (0, 1) == (client.get_tagged_image_count(project.id), client.get_untagged_image_count(project.id))


def test_an_image_comes_back_with_its_size_its_tags_and_its_bytes(client: Any) -> None:
    project = client.create_project("fruit")
    tag = client.create_tag(project.id, "apple")
    summary = client.create_images_from_data(project.id, picture(RED), [tag.id])
    assert summary.is_batch_successful
    (image,) = client.get_tagged_images(project.id)
    assert (64, 48, ["apple"]) == (image.width, image.height, [one.tag_name for one in image.tags])
    with urllib.request.urlopen(image.original_image_uri, timeout=5) as answer:
        assert picture(RED) == answer.read()


def test_a_batch_says_what_became_of_each_image(client: Any) -> None:
    project = client.create_project("fruit")
    tag = client.create_tag(project.id, "apple")
    assert uploaded(client, project.id, entries([picture(RED)], tag.id)).is_batch_successful
    odd = [picture(RED), b"no picture", picture(GREEN, size=(300, 10)), bytes(6 * 2**20 + 1), picture(GREEN)]
    batch = entries(odd, tag.id) + entries([picture(BLUE)], project.id)
    summary = uploaded(client, project.id, batch)
    assert not summary.is_batch_successful
    assert [
        "OKDuplicate",
        "ErrorImageFormat",
        "ErrorImageDimensions",
        "ErrorImageSize",
        "OK",
        "ErrorInvalidTag",
    ] == [image.status for image in summary.images]
    assert ["0.png", "1.png"] == [image.source_url for image in summary.images[:2]]
    assert 2 == client.get_tagged_image_count(project.id)


def test_sixty_four_images_are_a_batch_and_one_more_is_not(client: Any) -> None:
    project = client.create_project("fruit")
    tag = client.create_tag(project.id, "apple")
    pictures = [picture((number, 0, 0)) for number in range(65)]
    refused = code_of(lambda: uploaded(client, project.id, entries(pictures, tag.id)))
    assert (400, "BadRequestExceededBatchSize") == refused
    assert uploaded(client, project.id, entries(pictures[:64], tag.id)).is_batch_successful
    assert 50 == len(client.get_tagged_images(project.id))
    shown = client.get_tagged_images(project.id, take=256)
    assert [one.id for one in shown[50:64]] == [one.id for one in client.get_tagged_images(project.id, skip=50)]


def test_images_are_fetched_from_their_addresses() -> None:
    from azure.cognitiveservices.vision.customvision.training.models import ImageUrlCreateBatch, ImageUrlCreateEntry

    def answer(request: Request) -> None:
        request.answer(picture(RED))

    with serving(answer) as server, running(reader=MadeUpReader(), allow_private_hosts=True) as emulator:
        client = training(emulator)
        project = client.create_project("fruit")
        urls = [ImageUrlCreateEntry(url=server.url()), ImageUrlCreateEntry(url="http://127.0.0.1:9/none.png")]
        summary = client.create_images_from_urls(project.id, ImageUrlCreateBatch(images=urls))
        assert ["OK", "ErrorSource"] == [image.status for image in summary.images]


def test_images_are_tagged_untagged_and_deleted_later(client: Any) -> None:
    from azure.cognitiveservices.vision.customvision.training.models import ImageTagCreateEntry

    project = client.create_project("fruit")
    tag = client.create_tag(project.id, "apple")
    image = client.create_images_from_data(project.id, picture(RED)).images[0].image
    batch = [ImageTagCreateEntry(image_id=image.id, tag_id=tag.id)]
    assert 0 == client.get_tagged_image_count(project.id)
    assert 1 == len(client.create_image_tags(project.id, batch).created)
    assert 1 == len(client.create_image_tags(project.id, batch).duplicated)
    assert 1 == client.get_tagged_image_count(project.id, tag_ids=[tag.id])
    client.delete_image_tags(project.id, [image.id], [tag.id])
    assert 1 == client.get_untagged_image_count(project.id)
    assert client.update_image_metadata(project.id, [image.id], {"shelf": "left"}).is_batch_successful
    assert {"shelf": "left"} == client.get_images_by_ids(project.id, image_ids=[image.id])[0].metadata
    client.delete_images(project.id, image_ids=[image.id])
    assert [] == client.get_images(project.id)


def test_regions_mark_places_in_a_project_that_detects(client: Any) -> None:
    from azure.cognitiveservices.vision.customvision.training.models import (
        ImageRegionCreateEntry,
        Region,
    )

    project = client.create_project("forks", domain_id=DETECTION)
    tag = client.create_tag(project.id, "fork")
    place = {"tag_id": tag.id, "left": 0.1, "top": 0.2, "width": 0.3, "height": 0.4}
    summary = uploaded(client, project.id, entries([picture(RED)], tag.id, regions=[Region(**place)]))
    image = summary.images[0].image
    assert [(0.1, 0.2, 0.3, 0.4, "fork")] == [(r.left, r.top, r.width, r.height, r.tag_name) for r in image.regions]
    more = [ImageRegionCreateEntry(image_id=image.id, **{**place, "left": left}) for left in (0.1, 0.5)]
    result = client.create_image_regions(project.id, more)
    assert (1, 1) == (len(result.created), len(result.duplicated))
    client.delete_image_regions(project.id, [result.created[0].region_id, image.regions[0].region_id])
    assert 0 == client.get_tagged_image_count(project.id)
    wide = [ImageRegionCreateEntry(image_id=image.id, **{**place, "width": 1.5})]
    wrong = code_of(lambda: client.create_image_regions(project.id, wide))
    assert (400, "BadRequestImageRegions") == wrong


def test_the_free_tier_has_two_projects() -> None:
    with running(reader=MadeUpReader(), tier="F0") as emulator:
        client = training(emulator)
        for name in ("one", "two"):
            client.create_project(name)
        assert (400, "BadRequestExceedProjectLimit") == code_of(lambda: client.create_project("three"))


def test_the_free_tier_predicts_twice_a_second() -> None:
    from azure.cognitiveservices.vision.customvision.prediction.models import CustomVisionErrorException

    with running(reader=MadeUpReader(), tier="F0", clock=lambda: 7.0) as emulator:
        statuses, asking = [], prediction(emulator)
        for _ in range(3):
            with pytest.raises(CustomVisionErrorException) as caught:
                asking.classify_image("0" * 8, "published", picture(RED))
            statuses.append(caught.value.response.status_code)
        assert [404, 404, 429] == statuses
        assert "1" == caught.value.response.headers["Retry-After"]
        assert "429" == caught.value.response.json()["error"]["code"]


def test_many_may_upload_at_once(client: Any, cloudvision_emulator: Emulator) -> None:
    project = client.create_project("fruit")
    tag = client.create_tag(project.id, "apple")

    def upload(worker: int) -> list[str]:
        mine = [picture((worker, number, 0)) for number in range(5)] + [picture(RED)]
        summary = uploaded(training(cloudvision_emulator), project.id, entries(mine, tag.id))
        return [image.status for image in summary.images]

    with ThreadPoolExecutor(8) as pool:
        statuses = [status for found in pool.map(upload, range(8)) for status in found]
    assert (41, 7) == (statuses.count("OK"), statuses.count("OKDuplicate"))
    assert 41 == client.get_tagged_image_count(project.id)


def test_a_wrong_key_is_refused_in_the_gateways_own_shape(cloudvision_emulator: Emulator) -> None:
    from azure.cognitiveservices.vision.customvision.training.models import CustomVisionErrorException

    with pytest.raises(CustomVisionErrorException) as caught:
        training(cloudvision_emulator, key="0" * 32).get_projects()
    assert 401 == caught.value.response.status_code
    assert "401" == caught.value.response.json()["error"]["code"]


@pytest.mark.parametrize(("fault", "status"), [("throttle", 429), ("status", 503), ("expired-key", 401)])
def test_faults_arrive_as_the_sdks_errors(cloudvision_emulator: Emulator, fault: str, status: int) -> None:
    from azure.cognitiveservices.vision.customvision.prediction.models import CustomVisionErrorException

    cloudvision_emulator.misbehave(fault)
    with pytest.raises(CustomVisionErrorException) as caught:
        prediction(cloudvision_emulator).classify_image("0" * 8, "published", picture(RED))
    assert status == caught.value.response.status_code


def test_training_without_an_engine_is_an_error_of_the_service(client: Any) -> None:
    project = client.create_project("fruit")
    tags = [client.create_tag(project.id, name).id for name in ("apple", "pear")]
    failed = "BadRequestMultiLabelClassificationTrainingValidationFailed"
    assert (400, failed) == code_of(lambda: client.train_project(project.id))
    for tag, colour in zip(tags, (RED, GREEN), strict=True):
        uploaded(client, project.id, entries([picture(colour, number) for number in range(5)], tag))
    assert (500, "ErrorProjectTrainingRequestFailed") == code_of(lambda: client.train_project(project.id))
    assert [] == client.get_iterations(project.id)


def sent(emulator: Emulator, method: str, path: str, body: bytes, kind: str) -> tuple[int, Any]:
    """Status and JSON of a request that the SDK would not send."""
    request = urllib.request.Request(
        f"{emulator.url}/customvision/v3.4-preview/training{path}",
        data=body,
        headers={"Training-key": emulator.accounts[0].key, "Content-Type": kind},
        method=method,
    )
    try:
        answer = urllib.request.urlopen(request, timeout=5)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        return answer.status, json.loads(answer.read() or b"null")


@pytest.mark.parametrize(
    "route",
    [
        "PATCH /projects/{project}",
        "PATCH /projects/{project}/tags/{tag}",
        "POST /projects/{project}/images",
        "POST /projects/{project}/images/files",
        "POST /projects/{project}/images/urls",
        "POST /projects/{project}/images/predictions",
        "POST /projects/{project}/images/regions",
        "POST /projects/{project}/images/tags",
        "POST /projects/{project}/train?selectedTags=",
        "POST /projects/{project}/predictions/query",
        "POST /projects/{project}/quicktest/url",
    ],
)
def test_bodies_that_make_no_sense_are_refused_and_break_nothing(
    cloudvision_emulator: Emulator, client: Any, route: str
) -> None:
    project = client.create_project("forks", domain_id=DETECTION)
    tag = client.create_tag(project.id, "fork")
    method, path = route.format(project=project.id, tag=tag.id).split()
    bodies = [
        *(b"", b"[]", b"{", b"null", b"\xff\xfe", b'{"name": 5, "settings": [], "type": {}}'),
        *(b'{"settings": {"domainId": 5, "classificationType": [], "targetExportPlatforms": [5]}}',),
        *(b'{"images": [{"contents": 5, "url": {}, "id": [], "tagIds": 5, "regions": [{}]}]}', b'{"images": [5]}'),
        *(b'{"images": [{"contents": "=", "tagIds": [{}]}], "tagIds": [[]], "metadata": 5}', b'{"url": 5}'),
        *(b'{"regions": [{"imageId": [], "left": NaN}], "tags": [{}]}', b'{"selectedTags": [5], "maxCount": []}'),
    ]
    for body in bodies:
        for kind in ("application/json", "multipart/form-data; boundary=x"):
            status, answer = sent(cloudvision_emulator, method, path, body, kind)
            code = answer.get("code", "BadRequest") if isinstance(answer, dict) else "BadRequest"
            assert status < 500, (body, kind)
            assert code.startswith(("BadRequest", "NotFound", "Unsupported")), (body, kind)
    assert project.id == client.get_project(project.id).id
