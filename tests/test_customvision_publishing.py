"""Publishing, taking back and rolling back, through the unmodified SDK and the emulator."""

from __future__ import annotations

import pytest

from cloudvision.customvision import (
    Iteration,
    Project,
    TrainingResource,
    delete_iteration,
    find_iteration,
    list_iterations,
    publish,
    roll_back,
    unpublish,
    version_of,
    versions,
)
from cloudvision.emulator import Emulator, Fault
from cloudvision.errors import ConfigError, SettingsRejectedError
from tests.customvision_rig import KEY
from tests.customvision_trained import asking, emulator, fruit, target, trained, trainer

__all__ = ["asking", "emulator", "fruit", "trainer"]  # fixtures
pytest.importorskip("azure.cognitiveservices.vision.customvision", reason="needs the extra azure")


def test_publishing_twice_is_publishing_once(asking: TrainingResource, fruit: Project, emulator: Emulator) -> None:
    one = trained(asking, fruit)
    emulator.faults.script([Fault("reset", billed=True, operation="PublishIteration")])
    for _ in range(2):
        assert "v1.0.0" == publish(asking, fruit, one, "v1.0.0", target(emulator) + "/").published
    assert "v1.0.1" == publish(asking, fruit, one, "v1.0.1", target(emulator)).published
    assert ["v1.0.1"] == [name for name, _ in versions(asking, fruit)]


def test_a_name_is_taken_from_another_iteration_only_when_told(
    asking: TrainingResource, fruit: Project, emulator: Emulator
) -> None:
    one, two = trained(asking, fruit), trained(asking, fruit, force=True)
    publish(asking, fruit, one, "v1.0.0", target(emulator))
    with pytest.raises(ConfigError, match=r"'v1.0.0' is the name of 'Iteration 1'; choose the next version, or say"):
        publish(asking, fruit, two, "v1.0.0", target(emulator))
    with pytest.raises(ConfigError, match=r"'production' is no version such as 'v1.2.0'"):
        publish(asking, fruit, two, "production", target(emulator))
    publish(asking, fruit, two, "v1.0.0", target(emulator), overwrite=True)
    assert [("v1.0.0", two.id)] == [(name, iteration.id) for name, iteration in versions(asking, fruit)]
    publish(asking, fruit, one, "production", target(emulator), any_name=True)
    assert one.id == find_iteration(asking, fruit, "production").id


def test_rolling_back_takes_the_newest_version_away(
    asking: TrainingResource, fruit: Project, emulator: Emulator
) -> None:
    for name in ("v1.9.0", "v1.10.0"):
        publish(asking, fruit, trained(asking, fruit, force=True), name, target(emulator))
    emulator.faults.script([Fault("reset", billed=True, operation="UnpublishIteration")])
    went = roll_back(asking, fruit)
    assert ("v1.10.0", "v1.9.0") == (went.withdrawn, went.current)
    with pytest.raises(ConfigError, match=r"no version to go back to; published: v1.9.0"):
        roll_back(asking, fruit)


def test_an_iteration_is_deleted_when_its_name_is_said_again(
    asking: TrainingResource, fruit: Project, emulator: Emulator
) -> None:
    one = trained(asking, fruit)
    with pytest.raises(ConfigError, match="not deleted: 'Iteration 2' is not the iteration's name, 'Iteration 1'"):
        delete_iteration(asking, fruit, one, confirm="Iteration 2")
    publish(asking, fruit, one, "v1.0.0", target(emulator))
    with pytest.raises(SettingsRejectedError, match=r"IterationIsPublished: .* as: v1.0.0"):
        delete_iteration(asking, fruit, one, confirm="Iteration 1")
    unpublish(asking, fruit, one)
    emulator.faults.script([Fault("reset", billed=True, operation="DeleteIteration")])
    delete_iteration(asking, fruit, one, confirm="Iteration 1")
    assert () == list_iterations(asking, fruit)


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("v1.2.0", (1, 2, 0)),
        ("v10.0.3", (10, 0, 3)),
        ("1.2.0", None),
        ("v1.2", None),
        ("v01.2.0", None),
        ("v1.2.0 ", None),
    ],
)
def test_versions_are_semantic(name: str, numbers: tuple[int, int, int] | None) -> None:
    assert numbers == version_of(name)


@pytest.mark.parametrize(
    ("given", "looks"),
    [
        (None, "CUSTOM_VISION_PREDICTION_RESOURCE_ID is not set"),
        ("https://fruit.cognitiveservices.azure.com/", "is an endpoint"),
        (KEY, "is a key"),
        ("00000000-0000-4000-8000-000000000000", "is a subscription's or project's id alone"),
        ("/subscriptions/x/resourceGroups/y", "is something else"),
    ],
)
def test_what_is_no_prediction_resource_is_told_by_its_looks(
    asking: TrainingResource, fruit: Project, given: str | None, looks: str
) -> None:
    one = Iteration("i", "", "", "", "", None, None, "", False, 0)
    with pytest.raises(ConfigError, match=f"{looks}.*/subscriptions/<id>/resourceGroups") as caught:
        publish(asking, fruit, one, "v1.0.0", given)
    assert KEY not in str(caught.value)
