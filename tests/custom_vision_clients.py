"""What the tests of the emulated Custom Vision share: clients of the SDK, pictures, and a trainer that learns colours."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from statistics import mean
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cloudvision.emulator import Emulator
from cloudvision.emulator.custom_vision_trainer import Guess, Job, Quality, TrainingFailedError

DETECTION = "da2e3a8a-40a5-4171-82f4-58522f70fbc1"
"""The general domain of object detection."""

RED, GREEN, BLUE = (220, 40, 40), (40, 200, 60), (40, 60, 220)


def training(emulator: Emulator, *, key: str | None = None) -> Any:
    """A plain client of the vendor's SDK for training."""
    from azure.cognitiveservices.vision.customvision.training import CustomVisionTrainingClient
    from msrest.authentication import ApiKeyCredentials

    env = emulator.environment
    credentials = ApiKeyCredentials(in_headers={"Training-key": key or env["CUSTOM_VISION_TRAINING_KEY"]})
    return CustomVisionTrainingClient(env["CUSTOM_VISION_TRAINING_ENDPOINT"], credentials)


def prediction(emulator: Emulator) -> Any:
    """A plain client of the vendor's SDK for prediction."""
    from azure.cognitiveservices.vision.customvision.prediction import CustomVisionPredictionClient
    from msrest.authentication import ApiKeyCredentials

    env = emulator.environment
    credentials = ApiKeyCredentials(in_headers={"Prediction-key": env["CUSTOM_VISION_PREDICTION_KEY"]})
    return CustomVisionPredictionClient(env["CUSTOM_VISION_PREDICTION_ENDPOINT"], credentials)


def entries(pictures: Iterable[bytes], tag: str, **more: Any) -> list[Any]:
    """Entries of a batch of files, all with one tag."""
    from azure.cognitiveservices.vision.customvision.training.models import ImageFileCreateEntry

    return [
        ImageFileCreateEntry(name=f"{number}.png", contents=data, tag_ids=[tag], **more)
        for number, data in enumerate(pictures)
    ]


def uploaded(client: Any, project: str, batch: Sequence[Any]) -> Any:
    """The summary of a batch of files."""
    from azure.cognitiveservices.vision.customvision.training.models import ImageFileCreateBatch

    return client.create_images_from_files(project, ImageFileCreateBatch(images=list(batch)))


def picture(colour: tuple[int, int, int], number: int = 0, *, size: tuple[int, int] = (64, 48)) -> bytes:
    """A plain picture; each number gives other bytes and nearly the same colour."""
    stream = io.BytesIO()
    Image.new("RGB", size, (colour[0], colour[1], colour[2] + number % 30)).save(stream, "PNG")
    return stream.getvalue()


def published(emulator: Emulator, name: str, *, domain: str | None = None, project: str = "colours") -> str:
    """The id of a new project that tells red, green and blue pictures apart, its iteration published under that name.

    With the domain of detection, each colour fills the left half of its pictures.
    """
    from azure.cognitiveservices.vision.customvision.training.models import Region

    client = training(emulator)
    made = client.create_project(project, domain_id=domain).id
    for label, colour in (("red", RED), ("green", GREEN), ("blue", BLUE)):
        tag = client.create_tag(made, label).id
        region = Region(tag_id=tag, left=0.0, top=0.0, width=0.5, height=1.0)
        more = {} if domain is None else {"regions": [region]}
        uploaded(client, made, entries([picture(colour, number) for number in range(15)], tag, **more))
    iteration = client.train_project(made, force_train=True)
    while iteration.status != "Completed":
        assert iteration.status != "Failed", iteration.training_error_details
        iteration = client.get_iteration(made, iteration.id)
    client.publish_iteration(made, iteration.id, name, emulator.environment["CUSTOM_VISION_PREDICTION_RESOURCE_ID"])
    return str(made)


def code_of(call: Callable[[], Any]) -> tuple[int, str]:
    """Status and code of the SDK's error."""
    from azure.cognitiveservices.vision.customvision.training.models import CustomVisionErrorException

    with pytest.raises(CustomVisionErrorException) as caught:
        call()
    return caught.value.response.status_code, caught.value.error.code


class ColourModel:
    """Knows the mean colour of each tag, and where its boxes were on average."""

    def __init__(self, job: Job) -> None:
        marks = [(mark, _colour(sample.data)) for sample in job.samples for mark in sample.marks]
        self._means = {tag: np.mean([colour for mark, colour in marks if mark.tag == tag], axis=0) for tag in job.tags}
        self._boxes = {tag: [mark.box for mark, _ in marks if mark.tag == tag and mark.box] for tag in job.tags}

    def predict(self, data: bytes, /) -> Sequence[Guess]:
        nearness = {tag: 1 / (1 + float(np.linalg.norm(_colour(data) - mean_))) for tag, mean_ in self._means.items()}
        return [Guess(tag, near / sum(nearness.values()), self._box(tag)) for tag, near in nearness.items()]

    def quality(self, *, threshold: float, overlap: float) -> Quality:
        return Quality(1.0, 1 - threshold, 0.5, {tag: Quality(1.0, overlap, 0.5) for tag in self._means})

    def export(self, platform: str, flavor: str | None, /) -> bytes | None:
        return b"PK " + platform.encode() if platform == "ONNX" else None

    def _box(self, tag: str) -> tuple[float, float, float, float] | None:
        boxes = [box for box in self._boxes[tag] if box is not None]
        return (mean(b[0] for b in boxes), *(mean(b[i] for b in boxes) for i in (1, 2, 3))) if boxes else None  # type: ignore[return-value]


class ColourTrainer:
    """Learns colours; refuses to while `refusal` is set."""

    def __init__(self) -> None:
        self.refusal = ""
        self.jobs: list[Job] = []

    def train(self, job: Job, /) -> ColourModel:
        self.jobs.append(job)
        if self.refusal:
            raise TrainingFailedError(self.refusal)
        return ColourModel(job)


def _colour(data: bytes) -> Any:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"), dtype=float).mean(axis=(0, 1))
