"""A project of the emulator with five apples and five pears, and a trainer that learns colours: fixtures to import."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudvision.annotations import read_annotations
from cloudvision.customvision import (
    Iteration,
    Project,
    TrainingResource,
    check,
    create_project,
    delete_project,
    list_iterations,
    train,
    unpublish,
    upload,
    wait_for,
)
from cloudvision.emulator import Emulator, running
from tests.custom_vision_clients import ColourTrainer
from tests.customvision_rig import Waits, folder
from tests.emulation import MadeUpReader


@pytest.fixture(scope="module")
def trainer() -> ColourTrainer:
    return ColourTrainer()


@pytest.fixture(scope="module")
def emulator(trainer: ColourTrainer) -> Iterator[Emulator]:
    with running(reader=MadeUpReader(), trainer=trainer) as running_:
        yield running_


@pytest.fixture
def asking(emulator: Emulator, trainer: ColourTrainer) -> Iterator[TrainingResource]:
    # The trainer works on a thread of its own, so that these waits are real ones; they are some milliseconds long.
    waits = Waits()

    def sleep(seconds: float) -> None:
        waits.sleep(seconds)
        time.sleep(0.001)

    env = emulator.environment
    yield TrainingResource(
        endpoint=env["CUSTOM_VISION_TRAINING_ENDPOINT"], key=env["CUSTOM_VISION_TRAINING_KEY"], clock=waits, sleep=sleep
    )
    emulator.faults.clear()
    trainer.refusal = ""


@pytest.fixture
def fruit(asking: TrainingResource, tmp_path: Path) -> Iterator[Project]:
    """A project with five apples and five pears, ready to train."""
    project = create_project(asking, "fruit", kind="multiclass", domain="General (compact)")
    found = check(read_annotations(folder(tmp_path / "in", apple=5, pear=5)), kind=project.kind)
    upload(asking, project, found.ready)
    yield project
    for iteration in list_iterations(asking, project):
        unpublish(asking, project, iteration)
    delete_project(asking, project, confirm=project.name)


def trained(asking: TrainingResource, project: Project, *, force: bool = False) -> Iteration:
    return wait_for(asking, project, train(asking, project, force=force).iteration)


def target(emulator: Emulator) -> str:
    return emulator.environment["CUSTOM_VISION_PREDICTION_RESOURCE_ID"]
