"""Training, waiting, evaluating, publishing, rolling back and exporting, through the unmodified SDK and the emulator."""

from __future__ import annotations

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
    download,
    ensure_tags,
    evaluate,
    export,
    find_iteration,
    list_iterations,
    predict,
    publish,
    train,
    training_cost,
    upload,
    wait_for,
)
from cloudvision.emulator import Emulator, Fault
from cloudvision.errors import (
    BlockedAddressError,
    ConfigError,
    SettingsRejectedError,
    TooLargeError,
    TrainingFailedError,
    UnavailableError,
    UnfinishedError,
)
from cloudvision.fetch import Fetcher
from tests.custom_vision_clients import GREEN, ColourTrainer, picture
from tests.customvision_rig import PROJECT, Waits, folder, resource, scripted
from tests.customvision_trained import asking, emulator, fruit, target, trained, trainer

__all__ = ["asking", "emulator", "fruit", "trainer"]  # fixtures
pytest.importorskip("azure.cognitiveservices.vision.customvision", reason="needs the extra azure")


def test_a_training_is_waited_for_and_measured(asking: TrainingResource, fruit: Project) -> None:
    seen: list[str] = []
    began = train(asking, fruit)
    done = wait_for(asking, fruit, began.iteration, progress=lambda one, _: seen.append(one.status))
    assert (True, "Training", "Completed") == (began.begun, began.iteration.status, done.status)
    assert "Completed" == seen[-1]
    for threshold in (0.2, 0.7):
        found = evaluate(asking, fruit, done, threshold=threshold, overlap=0.4)
        assert pytest.approx((1.0, 1 - threshold, 0.5)) == (
            found.overall.precision,
            found.overall.recall,
            found.overall.average_precision,
        )
        assert [("apple", 0.4), ("pear", 0.4)] == [(name, quality.recall) for name, quality in found.tags]
    with pytest.raises(ConfigError, match=r"the threshold goes from 0 to 1, got 1.5"):
        evaluate(asking, fruit, done, threshold=1.5)


def test_nothing_new_is_no_error_and_force_trains_all_the_same(asking: TrainingResource, fruit: Project) -> None:
    first = trained(asking, fruit)
    again = train(asking, fruit)
    assert (False, first.id) == (again.begun, again.iteration.id)
    assert "Iteration 2" == trained(asking, fruit, force=True).name


def test_a_failed_training_ends_the_wait_with_its_reason(
    asking: TrainingResource, fruit: Project, trainer: ColourTrainer
) -> None:
    trainer.refusal = "the pictures are all alike"
    with pytest.raises(TrainingFailedError, match="'Iteration 1' failed: the pictures are all alike"):
        trained(asking, fruit)


def test_too_few_images_are_the_services_error(asking: TrainingResource) -> None:
    project = create_project(asking, "empty", kind="detection")
    ensure_tags(asking, project, ["fork"])
    with pytest.raises(SettingsRejectedError, match="BadRequestDetectionTrainingValidationFailed: Not enough images"):
        train(asking, project)
    delete_project(asking, project, confirm="empty")


@pytest.mark.parametrize("fault", ["reset", "cut", "status"])
def test_a_training_whose_answer_was_lost_is_paid_once(
    asking: TrainingResource, fruit: Project, emulator: Emulator, fault: str
) -> None:
    billed = None if fault == "cut" else True
    before = emulator.bill().total("custom-vision advanced training hours")
    emulator.faults.script([Fault(fault, billed=billed, operation="TrainProject")])
    began = train(asking, fruit, hours=2, force=True)
    wait_for(asking, fruit, began.iteration)
    assert (True, 2) == (began.begun, began.iteration.hours)
    assert 2 == emulator.bill().total("custom-vision advanced training hours") - before
    assert 1 == len(list_iterations(asking, fruit))


def test_a_training_that_never_began_is_tried_again(
    asking: TrainingResource, fruit: Project, emulator: Emulator
) -> None:
    emulator.faults.script([Fault("throttle", operation="TrainProject"), Fault("status", operation="TrainProject")])
    assert train(asking, fruit).begun
    emulator.faults.rate(1.0, Fault("status", operation="TrainProject"))
    with pytest.raises(UnavailableError):
        train(asking, fruit, force=True)


def test_the_cost_of_an_advanced_training_is_known_before() -> None:
    assert 30_000_000 == training_cost(3)
    with scripted(("200 OK", [])) as service, pytest.raises(ConfigError, match="1 hour or more, got 0"):
        train(service.resource(), PROJECT, hours=0)


def test_a_wait_ends_at_its_deadline_and_can_be_taken_up_again() -> None:
    waits = Waits()
    iteration = {"id": "i", "name": "Iteration 1", "status": "Training", "created": "yyyy-02-04"}
    with scripted(("200 OK", iteration)) as service:
        asking = service.resource(waits)
        with pytest.raises(UnfinishedError, match=r"'Iteration 1' is not trained after .* it goes on, wait again"):
            wait_for(asking, PROJECT, Iteration("i", "", "", "", "", None, None, "", False, 0), longest_s=600)
    assert 500 < waits.now <= 601
    assert 20 < len(service.seen) < 45  # four times a second at first, every thirty later
    assert 30 == max(waits.slept)


def test_iterations_are_found_by_name_version_and_id(
    asking: TrainingResource, fruit: Project, emulator: Emulator
) -> None:
    with pytest.raises(ConfigError, match="no trained iteration in 'fruit'; there are: none"):
        find_iteration(asking, fruit)
    one = trained(asking, fruit)
    two = trained(asking, fruit, force=True)
    publish(asking, fruit, one, "v1.0.0", target(emulator))
    assert one.id == find_iteration(asking, fruit, "v1.0.0").id == find_iteration(asking, fruit, "Iteration 1").id
    assert two.id == find_iteration(asking, fruit).id == find_iteration(asking, fruit, two.id).id
    with pytest.raises(
        ConfigError, match=r"no iteration 'v2.0.0' in 'fruit'; there are: 'Iteration 1' \(v1.0.0\), 'Iter"
    ):
        find_iteration(asking, fruit, "v2.0.0")


def test_an_iteration_is_asked_without_being_published(
    asking: TrainingResource, fruit: Project, emulator: Emulator
) -> None:
    one = trained(asking, fruit)
    emulator.faults.script([Fault("reset", operation="QuickTestImage")])
    guesses = predict(asking, fruit, one, picture(GREEN, 20))
    assert ["pear", "apple"] == [guess.name for guess in guesses]
    assert pytest.approx(1.0) == sum(guess.probability for guess in guesses)


def test_a_model_is_exported_and_downloaded_through_the_guard(
    asking: TrainingResource, fruit: Project, emulator: Emulator, tmp_path: Path
) -> None:
    one, path = trained(asking, fruit), tmp_path / "model.zip"
    for _ in range(2):  # the second time it is there already
        ready = export(asking, fruit, one, "onnx")
    with Fetcher(allow_private_hosts=True) as fetcher:
        assert 7 == download(ready, path, fetcher=fetcher)
    assert b"PK ONNX" == path.read_bytes()
    assert "http" not in repr(ready)
    with pytest.raises(BlockedAddressError):
        download(ready, path, fetcher=Fetcher())
    with pytest.raises(TooLargeError):
        download(ready, path, fetcher=Fetcher(allow_private_hosts=True, max_bytes=3))
    assert [path] == list(tmp_path.glob("model*"))
    with pytest.raises(Exception, match="'Iteration 1' could not be exported for coreml"):
        export(asking, fruit, one, "coreml")


@pytest.mark.parametrize(
    ("platform", "flavor", "says"),
    [
        ("wasm", None, "unknown platform 'wasm'; known: onnx, tensorflow, coreml, docker"),
        ("docker", "Solaris", "docker has no flavor 'Solaris'; it has: Linux, Windows, ARM"),
        ("onnx", None, "models of the domain 'General' cannot be exported for onnx: only those of compact domains"),
    ],
)
def test_what_cannot_be_exported_is_told_without_a_call(platform: str, flavor: str | None, says: str) -> None:
    one = Iteration("i", "", "", "", "", None, None, "", False, 0)
    with scripted(("500 Broken", {})) as service, pytest.raises(ConfigError, match=says):
        export(service.resource(), PROJECT, one, platform, flavor=flavor)
    assert [] == service.seen


def test_the_emulator_without_a_trainer_says_so(cloudvision_emulator: Emulator, tmp_path: Path) -> None:
    asking = resource(cloudvision_emulator)
    project = create_project(asking, "untrainable", kind="multiclass", reuse=True)
    upload(asking, project, check(read_annotations(folder(tmp_path, apple=5, pear=5)), kind=project.kind).ready)
    with pytest.raises(UnavailableError):
        train(asking, project)
    delete_project(asking, project, confirm=project.name)
