"""A picture that was in the project already: it gets the marks that it lacks, and keeps the ones that it has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cloudvision.annotations import Mark
from cloudvision.customvision.answers import Created, Project
from cloudvision.customvision.resource import TrainingResource

_SAME = 1e-4
"""Sides of regions come back rounded."""


def completed(
    resource: TrainingResource, project: Project, marks: Sequence[Mark], created: Created, tags: Mapping[str, str]
) -> str:
    """Add what is missing. Why that cannot be done; "" where all is well.

    Where the service does not say which image it is a duplicate of, it is taken at its word.

    Raises:
        ProviderError: the service refused or failed.
    """
    if not created.id:
        return ""
    if project.kind == "detection":
        _add_regions(resource, project, marks, created, tags)
        return ""
    missing = [tags[mark.name] for mark in marks if tags[mark.name] not in created.tags]
    if not missing:
        return ""
    if created.tags and project.kind == "multiclass":
        names = {id: name for name, id in tags.items()}
        held = ", ".join(repr(names.get(id, id)) for id in created.tags)
        return f"is in the project already, as {held}; change it there, or delete that image"

    def tag(client: object) -> object:
        from azure.cognitiveservices.vision.customvision.training import models

        entries = [models.ImageTagCreateEntry(image_id=created.id, tag_id=id) for id in missing]
        return client.create_image_tags(project.id, entries)  # type: ignore[attr-defined]

    resource.ask(tag)
    return ""


def _add_regions(
    resource: TrainingResource, project: Project, marks: Sequence[Mark], created: Created, tags: Mapping[str, str]
) -> None:
    missing = [mark for mark in marks if not _held(mark, created, tags)]
    if not missing:
        return

    def add(client: object) -> object:
        from azure.cognitiveservices.vision.customvision.training import models

        entries = [
            models.ImageRegionCreateEntry(
                image_id=created.id,
                tag_id=tags[mark.name],
                left=mark.box.left,
                top=mark.box.top,
                width=mark.box.width,
                height=mark.box.height,
            )
            for mark in missing
            if mark.box is not None
        ]
        return client.create_image_regions(project.id, entries)  # type: ignore[attr-defined]

    resource.ask(add)


def _held(mark: Mark, created: Created, tags: Mapping[str, str]) -> bool:
    box = mark.box
    if box is None:
        return True
    wanted = (box.left, box.top, box.width, box.height)
    return any(
        tag == tags[mark.name] and all(abs(a - b) <= _SAME for a, b in zip(sides, wanted, strict=True))
        for tag, *sides in created.regions
    )
