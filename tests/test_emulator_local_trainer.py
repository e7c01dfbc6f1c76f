"""The whole way of Custom Vision on this machine: create, upload, train for real, performance, publish, predict, export."""

from __future__ import annotations

import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudvision.emulator import Emulator, running
from cloudvision.images import load
from cloudvision.models import InputSettings, Model
from tests.custom_vision_clients import GREEN, RED, entries, picture, prediction, training, uploaded
from tests.emulation import MadeUpReader

pytest.importorskip("torch", reason="training needs PyTorch")
pytest.importorskip("onnx", reason="training needs onnx")
pytest.importorskip("azure.cognitiveservices.vision.customvision", reason="needs the extra azure")

from cloudvision.emulator.custom_vision_trainer import Job, Sample, Trained, TrainingFailedError
from cloudvision.emulator.local_trainer import LocalTrainer
from cloudvision.training.classify import Settings
from cloudvision.training.classify_fit import Recipe
from cloudvision.training.network import Shape

COMPACT = "0732100f-1a38-4e49-a514-c9b44c697ab5"
TINY = Recipe(epochs=12, least_steps=6, batch=8, shape=Shape(widths=(4, 8, 8, 8, 8), depths=(1, 1, 1, 1)))
QUICK = Settings(backbone="scratch", size=InputSettings(width=64, height=64), quantise=False, recipe=TINY)


class Told(LocalTrainer):
    """Says when a training is over, so that nobody has to ask all the time."""

    def __init__(self) -> None:
        super().__init__(classifier=QUICK)
        self.done = threading.Event()

    def train(self, job: Job, /) -> Trained:
        try:
            return super().train(job)
        finally:
            self.done.set()


@pytest.fixture(scope="module")
def trainer() -> Told:
    return Told()


@pytest.fixture(scope="module")
def emulator(trainer: Told) -> Iterator[Emulator]:
    with running(reader=MadeUpReader(), trainer=trainer) as running_:
        yield running_


def test_pictures_become_a_published_model_and_an_export(emulator: Emulator, trainer: Told, tmp_path: Path) -> None:
    client = training(emulator)
    project = client.create_project("fruit", domain_id=COMPACT, classification_type="Multiclass")
    for name, colour in (("apple", RED), ("pear", GREEN)):
        tag = client.create_tag(project.id, name)
        uploaded(client, project.id, entries([picture(colour, number) for number in range(8)], tag.id))
    begun = client.train_project(project.id)
    assert trainer.done.wait(60)
    while (iteration := client.get_iteration(project.id, begun.id)).status == "Training":
        pass
    assert "Completed" == iteration.status

    found = client.get_iteration_performance(project.id, iteration.id, threshold=0.5, overlap_threshold=0.3)
    assert {"apple", "pear"} == {tag.name for tag in found.per_tag_performance}
    assert 1.0 == found.average_precision

    resource = emulator.environment["CUSTOM_VISION_PREDICTION_RESOURCE_ID"]
    client.publish_iteration(project.id, iteration.id, "live", resource)
    for colour, name in ((RED, "apple"), (GREEN, "pear")):
        answer = prediction(emulator).classify_image(project.id, "live", picture(colour, 20))
        assert name == answer.predictions[0].tag_name
        assert pytest.approx(1.0, abs=1e-3) == sum(one.probability for one in answer.predictions)

    client.export_iteration(project.id, iteration.id, "ONNX")
    (export,) = client.get_exports(project.id, iteration.id)
    with urllib.request.urlopen(export.download_uri, timeout=10) as download:
        (tmp_path / "export.zip").write_bytes(download.read())
    model = Model.open(tmp_path / "export.zip")
    assert ("apple", "pear") == model.labels
    assert "pear" == model.predict(load(picture(GREEN, 21))).labels[0].name  # type: ignore[index]


def test_what_cannot_be_learned_is_a_failed_training(trainer: Told) -> None:
    with pytest.raises(TrainingFailedError, match="no label"):
        trainer.train(Job("classify", ("apple", "pear"), (Sample(picture(RED), ()),)))
