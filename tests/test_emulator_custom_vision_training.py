"""Custom Vision of the emulator with a trainer plugged in: from training to published predictions, by the SDK."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from cloudvision.emulator import Emulator, running
from tests.custom_vision_clients import (
    BLUE,
    DETECTION,
    GREEN,
    RED,
    ColourTrainer,
    code_of,
    entries,
    picture,
    prediction,
    training,
    uploaded,
)
from tests.emulation import MadeUpReader

pytest.importorskip("azure.cognitiveservices.vision.customvision", reason="needs the extra azure")

COMPACT = "0732100f-1a38-4e49-a514-c9b44c697ab5"


@pytest.fixture(scope="module")
def trainer() -> ColourTrainer:
    return ColourTrainer()


@pytest.fixture(scope="module")
def emulator(trainer: ColourTrainer) -> Iterator[Emulator]:
    with running(reader=MadeUpReader(), trainer=trainer) as running_:
        yield running_


@pytest.fixture
def fruit(emulator: Emulator) -> Iterator[tuple[Any, str]]:
    """A client and a project with five apples and five pears, ready to train."""
    client = training(emulator)
    project = client.create_project("fruit", domain_id=COMPACT, classification_type="Multiclass")
    for name, colour in (("apple", RED), ("pear", GREEN)):
        tag = client.create_tag(project.id, name)
        uploaded(client, project.id, entries([picture(colour, number) for number in range(5)], tag.id))
    yield client, project.id
    for iteration in client.get_iterations(project.id):
        if iteration.publish_name:
            client.unpublish_iteration(project.id, iteration.id)
    client.delete_project(project.id)


def trained(client: Any, project: str, **settings: Any) -> Any:
    """The finished iteration of a training."""
    begun = client.train_project(project, **settings)
    assert "Training" == begun.status
    while (iteration := client.get_iteration(project, begun.id)).status == "Training":
        pass
    return iteration


def published(emulator: Emulator, client: Any, project: str) -> Any:
    iteration = trained(client, project)
    resource = emulator.environment["CUSTOM_VISION_PREDICTION_RESOURCE_ID"]
    assert client.publish_iteration(project, iteration.id, "live", resource)
    return iteration


def test_a_published_iteration_tells_apples_from_pears(emulator: Emulator, fruit: tuple[Any, str]) -> None:
    client, project = fruit
    published(emulator, client, project)
    asking = prediction(emulator)
    before = emulator.bill().total("custom-vision predictions")
    for colour, name in ((RED, "apple"), (GREEN, "pear")):
        answer = asking.classify_image(project, "live", picture(colour, 9))
        assert name == answer.predictions[0].tag_name
        assert pytest.approx(1.0) == sum(one.probability for one in answer.predictions)
    assert "pear" == asking.classify_image_with_no_store(project, "live", picture(GREEN, 8)).predictions[0].tag_name
    assert before + 3 == emulator.bill().total("custom-vision predictions")


def test_stored_predictions_can_be_asked_for_trained_on_and_deleted(emulator: Emulator, fruit: tuple[Any, str]) -> None:
    from azure.cognitiveservices.vision.customvision.training.models import (
        ImageIdCreateBatch,
        ImageIdCreateEntry,
        PredictionQueryToken,
    )

    client, project = fruit
    published(emulator, client, project)
    asking = prediction(emulator)
    stored = asking.classify_image(project, "live", picture(BLUE))
    asking.classify_image_with_no_store(project, "live", picture(BLUE, 1))
    assert [stored.id] == [one.id for one in client.query_predictions(project, PredictionQueryToken()).results]
    batch = ImageIdCreateBatch(images=[ImageIdCreateEntry(id=stored.id, tag_ids=[client.get_tags(project)[0].id])])
    assert client.create_images_from_predictions(project, batch).is_batch_successful
    client.delete_prediction(project, [stored.id])
    assert [] == client.query_predictions(project, PredictionQueryToken()).results


def test_publishing_is_checked_and_taken_back(emulator: Emulator, fruit: tuple[Any, str]) -> None:
    client, project = fruit
    iteration = trained(client, project)
    resource = emulator.environment["CUSTOM_VISION_PREDICTION_RESOURCE_ID"]
    publish = client.publish_iteration
    wrong = code_of(lambda: publish(project, iteration.id, "live", "not-a-resource"))
    assert (400, "BadRequestInvalidPublishTarget") == wrong
    assert (400, "BadRequestInvalidPublishName") == code_of(lambda: publish(project, iteration.id, "", resource))
    publish(project, iteration.id, "live", resource)
    twice = code_of(lambda: publish(project, iteration.id, "other", resource))
    assert (400, "BadRequestIterationIsPublished") == twice
    assert (400, "BadRequestIterationIsPublished") == code_of(lambda: client.delete_iteration(project, iteration.id))
    client.unpublish_iteration(project, iteration.id)
    gone = code_of(lambda: client.unpublish_iteration(project, iteration.id))
    assert (400, "BadRequestIterationNotPublished") == gone
    from azure.cognitiveservices.vision.customvision.prediction.models import CustomVisionErrorException

    with pytest.raises(CustomVisionErrorException) as caught:
        prediction(emulator).classify_image(project, "live", picture(RED))
    assert (404, "NotFoundIteration") == (caught.value.response.status_code, caught.value.error.code)


def test_training_again_needs_a_change_or_force(fruit: tuple[Any, str]) -> None:
    client, project = fruit
    assert "Iteration 1" == trained(client, project).name
    assert (400, "BadRequestTrainingNotNeeded") == code_of(lambda: client.train_project(project))
    assert "Iteration 2" == trained(client, project, force_train=True).name
    tag = client.get_tags(project)[0]
    uploaded(client, project, entries([picture(RED, 20)], tag.id))
    assert "Completed" == trained(client, project).status


def test_advanced_training_reserves_hours_and_is_billed_for_them(emulator: Emulator, fruit: tuple[Any, str]) -> None:
    client, project = fruit
    none = code_of(lambda: client.train_project(project, training_type="Advanced"))
    assert (400, "BadRequestReservedBudgetInHoursNotEnoughForAdvancedTraining") == none
    trained(client, project, training_type="Advanced", reserved_budget_in_hours=3)
    assert 3 == emulator.bill().total("custom-vision advanced training hours")


def test_a_training_that_cannot_be_done_fails(fruit: tuple[Any, str], trainer: ColourTrainer) -> None:
    client, project = fruit
    trainer.refusal = "all pictures are alike"
    try:
        iteration = trained(client, project)
    finally:
        trainer.refusal = ""
    assert ("Failed", "all pictures are alike") == (iteration.status, iteration.training_error_details)
    untrained = code_of(lambda: client.get_iteration_performance(project, iteration.id))
    assert (400, "BadRequestIterationIsNotTrained") == untrained


def test_performance_is_the_models_own(fruit: tuple[Any, str]) -> None:
    client, project = fruit
    iteration = trained(client, project)
    performance = client.get_iteration_performance(project, iteration.id, threshold=0.25, overlap_threshold=0.4)
    assert (1.0, 0.75) == (performance.precision, performance.recall)
    assert {"apple": 0.4, "pear": 0.4} == {one.name: one.recall for one in performance.per_tag_performance}


def test_a_compact_model_is_exported(fruit: tuple[Any, str]) -> None:
    client, project = fruit
    iteration = trained(client, project)
    assert "Exporting" == client.export_iteration(project, iteration.id, "ONNX").status
    (export,) = client.get_exports(project, iteration.id)
    assert "Done" == export.status
    with urllib.request.urlopen(export.download_uri, timeout=5) as answer:
        assert b"PK ONNX" == answer.read()
    assert (400, "BadRequestExportAlreadyInProgress") == code_of(
        lambda: client.export_iteration(project, iteration.id, "ONNX")
    )
    assert (400, "BadRequestExportValidationFailed") == code_of(
        lambda: client.export_iteration(project, iteration.id, "OpenVino")
    )


def test_objects_are_detected_where_they_were_marked(emulator: Emulator, trainer: ColourTrainer) -> None:
    from azure.cognitiveservices.vision.customvision.training.models import Region

    client = training(emulator)
    project = client.create_project("forks", domain_id=DETECTION)
    tag = client.create_tag(project.id, "fork")
    place = Region(tag_id=tag.id, left=0.25, top=0.5, width=0.25, height=0.125)
    few = entries([picture(RED, number) for number in range(14)], tag.id, regions=[place])
    uploaded(client, project.id, few)
    refused = code_of(lambda: client.train_project(project.id))
    assert (400, "BadRequestDetectionTrainingValidationFailed") == refused
    uploaded(client, project.id, entries([picture(RED, 15)], tag.id, regions=[place]))
    published(emulator, client, project.id)
    assert ("detect", ("fork",), 15) == (trainer.jobs[-1].kind, trainer.jobs[-1].tags, len(trainer.jobs[-1].samples))
    asking = prediction(emulator)
    (found,) = asking.detect_image(project.id, "live", picture(RED)).predictions
    box = found.bounding_box
    assert ("fork", 0.25, 0.5, 0.25, 0.125) == (found.tag_name, box.left, box.top, box.width, box.height)
    from azure.cognitiveservices.vision.customvision.prediction.models import CustomVisionErrorException

    with pytest.raises(CustomVisionErrorException) as caught:
        asking.classify_image(project.id, "live", picture(RED))
    assert "BadRequestNotSupported" == caught.value.error.code


def test_what_is_no_picture_or_too_large_is_not_predicted(emulator: Emulator, fruit: tuple[Any, str]) -> None:
    from azure.cognitiveservices.vision.customvision.prediction.models import CustomVisionErrorException

    client, project = fruit
    published(emulator, client, project)
    for data, code in ((b"text", "BadRequestImageFormat"), (bytes(4 * 2**20 + 1), "BadRequestImageSizeBytes")):
        with pytest.raises(CustomVisionErrorException) as caught:
            prediction(emulator).classify_image(project, "live", data)
        assert code == caught.value.error.code


def test_a_quick_test_needs_no_publishing(fruit: tuple[Any, str]) -> None:
    client, project = fruit
    iteration = trained(client, project)
    answer = client.quick_test_image(project, picture(RED, 7), iteration_id=iteration.id, store=False)
    assert "apple" == answer.predictions[0].tag_name
