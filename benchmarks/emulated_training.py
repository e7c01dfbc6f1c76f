"""The tutorial of Custom Vision, offline: the vendor's SDKs against the emulator, beside the trainer asked directly.

    python benchmarks/local_models.py --data DIR --work WORK --only fruit emulated

On the folds of `fruit` in local_models.py: for each fold a project is made, the pictures of the others are uploaded, trained
on, and the iteration published; the pictures held back are then asked for. All of it by the unmodified SDKs.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from azure.cognitiveservices.vision.customvision.prediction import CustomVisionPredictionClient
from azure.cognitiveservices.vision.customvision.training import CustomVisionTrainingClient
from azure.cognitiveservices.vision.customvision.training.models import ImageFileCreateBatch, ImageFileCreateEntry
from msrest.authentication import ApiKeyCredentials

from cloudvision.emulator import Emulator, running
from cloudvision.emulator.local_trainer import LocalTrainer
from cloudvision.training.classify_data import Example

Folds = Sequence[tuple[Sequence[Example], Sequence[Example]]]
"""(learned from, held back) of each."""


def through_the_sdks(folds: Folds) -> list[int]:
    """Right answers of each fold."""
    with running(trainer=LocalTrainer()) as emulator:
        return [_fold(emulator, f"fruit {number}", *fold) for number, fold in enumerate(folds)]


def _fold(emulator: Emulator, name: str, known: Sequence[Example], held: Sequence[Example]) -> int:
    env = emulator.environment
    keys = {kind: env[f"CUSTOM_VISION_{kind.upper()}_KEY"] for kind in ("training", "prediction")}
    training = CustomVisionTrainingClient(
        env["CUSTOM_VISION_TRAINING_ENDPOINT"], ApiKeyCredentials(in_headers={"Training-key": keys["training"]})
    )
    asking = CustomVisionPredictionClient(
        env["CUSTOM_VISION_PREDICTION_ENDPOINT"], ApiKeyCredentials(in_headers={"Prediction-key": keys["prediction"]})
    )
    domain = next(d for d in training.get_domains() if (d.name, d.type) == ("General (compact)", "Classification"))
    project = training.create_project(name, domain_id=domain.id, classification_type="Multiclass")
    labels = sorted({label for one in known for label in one.labels})
    tags = {label: training.create_tag(project.id, label).id for label in labels}
    entries = [
        ImageFileCreateEntry(name=f"{n}.jpg", contents=_bytes(one), tag_ids=[tags[one.labels[0]]])
        for n, one in enumerate(known)
    ]
    for start in range(0, len(entries), 64):
        batch = ImageFileCreateBatch(images=entries[start : start + 64])
        assert training.create_images_from_files(project.id, batch).is_batch_successful
    iteration = training.train_project(project.id)
    while iteration.status == "Training":
        time.sleep(0.2)
        iteration = training.get_iteration(project.id, iteration.id)
    assert iteration.status == "Completed", iteration.training_error_details
    quality = training.get_iteration_performance(project.id, iteration.id, threshold=0.5)
    training.publish_iteration(project.id, iteration.id, "live", env["CUSTOM_VISION_PREDICTION_RESOURCE_ID"])
    answers = [asking.classify_image_with_no_store(project.id, "live", _bytes(one)) for one in held]
    right = sum(answer.predictions[0].tag_name == one.labels[0] for answer, one in zip(answers, held, strict=True))
    print(
        f"{name}: {right} of {len(held)} right; its own performance: precision {quality.precision:.2f}, "
        f"recall {quality.recall:.2f}, average precision {quality.average_precision:.2f}",
        flush=True,
    )
    return right


def _bytes(one: Example) -> bytes:
    return Path(str(one.picture)).read_bytes()
