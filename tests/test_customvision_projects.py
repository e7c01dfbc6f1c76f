"""Projects, domains and tags through the unmodified SDK and the emulator."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cloudvision.customvision import (
    TrainingResource,
    create_project,
    delete_project,
    domains,
    ensure_tags,
    find_domain,
    find_project,
    list_projects,
    list_tags,
)
from cloudvision.emulator import Emulator, Fault
from cloudvision.errors import ConfigError, SettingsRejectedError
from tests.custom_vision_clients import entries, picture, training, uploaded
from tests.customvision_rig import resource

pytest.importorskip("azure.cognitiveservices.vision.customvision", reason="needs the extra azure")


@pytest.fixture
def asking(cloudvision_emulator: Emulator) -> Iterator[TrainingResource]:
    client = training(cloudvision_emulator)
    for project in client.get_projects():
        client.delete_project(project.id)
    cloudvision_emulator.faults.clear()
    yield resource(cloudvision_emulator)
    cloudvision_emulator.faults.clear()


@pytest.mark.parametrize(
    ("name", "kind", "id"),
    [
        ("General (compact)", "multiclass", "0732100f-1a38-4e49-a514-c9b44c697ab5"),
        ("general compact [s1]", "multilabel", "a1db07ca-a19a-4830-bae8-e004a42dc863"),
        ("General (compact)", "detection", "a27d5ca5-bb19-49d8-a70a-fec086c47f5b"),
        ("A27D5CA5-BB19-49D8-A70A-FEC086C47F5B", "detection", "a27d5ca5-bb19-49d8-a70a-fec086c47f5b"),
    ],
)
def test_a_domain_is_found_by_its_name_for_its_kind(asking: TrainingResource, name: str, kind: str, id: str) -> None:
    assert id == find_domain(domains(asking), name, kind).id  # type: ignore[arg-type]


def test_an_unknown_domain_lists_those_that_there_are(asking: TrainingResource) -> None:
    with pytest.raises(
        ConfigError, match=r"no domain 'Food' for detection; there are: .*'Logo', .*'General \(compact\)' \(export\)"
    ):
        create_project(asking, "fruit", kind="detection", domain="Food")
    assert () == list_projects(asking)


def test_a_domain_that_is_not_exported_lists_the_compact_ones(asking: TrainingResource) -> None:
    with pytest.raises(
        ConfigError, match=r"'Food' is not exported for ONNX; compact domains: 'General \(compact\)', .*'Retail"
    ):
        create_project(asking, "fruit", kind="multiclass", domain="Food", platforms=("ONNX",))


@pytest.mark.parametrize("kind", ["multiclass", "multilabel", "detection"])
def test_a_project_keeps_its_kind_and_is_found_by_name_and_id(asking: TrainingResource, kind: str) -> None:
    made = create_project(asking, "fruit", kind=kind, domain="General (compact)", description="red")  # type: ignore[arg-type]
    assert (kind, "General (compact)", "red") == (made.kind, made.domain.name, made.description)
    assert made == find_project(asking, "fruit") == find_project(asking, made.id.upper())
    with pytest.raises(ConfigError, match="no project 'vegetables'; there are: 'fruit'"):
        find_project(asking, "vegetables")


def test_a_name_that_is_taken_is_used_only_when_told(asking: TrainingResource) -> None:
    made = create_project(asking, "fruit", kind="multiclass")
    with pytest.raises(ConfigError, match="there is a project 'fruit' already"):
        create_project(asking, "fruit", kind="multiclass")
    assert made == create_project(asking, "fruit", kind="multiclass", reuse=True)
    with pytest.raises(ConfigError, match="there as multiclass with 'General', not as multilabel with 'Food'"):
        create_project(asking, "fruit", kind="multilabel", domain="Food", reuse=True)


@pytest.mark.parametrize("fault", ["reset", "empty", "html", "cut"])
def test_a_project_whose_answer_was_lost_is_made_once(
    asking: TrainingResource, cloudvision_emulator: Emulator, fault: str
) -> None:
    billed = True if fault == "reset" else None
    cloudvision_emulator.faults.script([Fault(fault, billed=billed, operation="CreateProject")])
    if fault in ("empty", "html"):  # of status 200: nothing to repeat, and nothing to read
        with pytest.raises(Exception, match="no JSON"):
            create_project(asking, "fruit", kind="multiclass")
    else:
        assert "fruit" == create_project(asking, "fruit", kind="multiclass").name
    assert ["fruit"] == [project.name for project in list_projects(asking)]


def test_tags_are_made_once_and_one_may_be_negative(asking: TrainingResource, cloudvision_emulator: Emulator) -> None:
    project = create_project(asking, "fruit", kind="multiclass")
    cloudvision_emulator.faults.script([Fault("reset", billed=True, operation="CreateTag")])
    made = ensure_tags(asking, project, ["apple", "pear", "apple"], negative="other")
    assert made == ensure_tags(asking, project, ["apple"], negative="other")
    assert {"apple": False, "pear": False, "other": True} == {name: tag.negative for name, tag in made.items()}
    uploaded(training(cloudvision_emulator), project.id, entries([picture((1, 2, 3))], made["pear"].id))
    assert {"apple": 0, "pear": 1, "other": 0} == {tag.name: tag.images for tag in list_tags(asking, project)}
    with pytest.raises(ConfigError, match="the tag 'apple' of 'fruit' is a regular one, not a negative one"):
        ensure_tags(asking, project, [], negative="apple")


def test_object_detection_has_no_negative_tag(asking: TrainingResource) -> None:
    project = create_project(asking, "forks", kind="detection")
    with pytest.raises(ConfigError, match="no negative tag"):
        ensure_tags(asking, project, ["fork"], negative="none")


def test_a_project_is_deleted_when_its_name_is_said_again(
    asking: TrainingResource, cloudvision_emulator: Emulator
) -> None:
    project = create_project(asking, "fruit", kind="multiclass")
    with pytest.raises(ConfigError, match="not deleted: 'Fruit' is not the project's name, 'fruit'"):
        delete_project(asking, project, confirm="Fruit")
    assert 1 == len(list_projects(asking))
    cloudvision_emulator.faults.script([Fault("reset", billed=True, operation="DeleteProject")])
    delete_project(asking, project, confirm="fruit")
    assert () == list_projects(asking)
    with pytest.raises(SettingsRejectedError, match="NotFoundProject"):
        list_tags(asking, project)
