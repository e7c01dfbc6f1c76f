"""Tags of a project."""

from __future__ import annotations

from collections.abc import Iterable

from cloudvision.customvision.answers import Project, Tag, an_object, each, tag_in
from cloudvision.customvision.resource import TrainingResource
from cloudvision.errors import ConfigError, SettingsRejectedError


def list_tags(resource: TrainingResource, project: Project) -> tuple[Tag, ...]:
    """All tags, with how many images have each."""
    return each(resource.ask(lambda client: client.get_tags(project.id)), tag_in)


def ensure_tags(
    resource: TrainingResource, project: Project, names: Iterable[str], *, negative: str | None = None
) -> dict[str, Tag]:
    """The tags of these names; those that are missing are made.

    Args:
        negative: the one of them that means "none of the others". Object detection has none: it learns from what lies
            outside of the boxes.

    Raises:
        ConfigError: a negative tag in object detection, or a tag of that name of the other type.
        ProviderError: the service refused or failed.
    """
    if negative is not None and project.kind == "detection":
        raise ConfigError("object detection has no negative tag: it learns from what lies outside of the boxes")
    known = {tag.name: tag for tag in list_tags(resource, project)}
    for name in dict.fromkeys([*names, *([] if negative is None else [negative])]):
        if name not in known:
            known[name] = _created(resource, project, name, negative=name == negative)
        elif negative is not None and known[name].negative is not (name == negative):
            is_, asked = ("negative", "regular") if known[name].negative else ("regular", "negative")
            raise ConfigError(f"the tag {name!r} of {project.name!r} is a {is_} one, not a {asked} one")
    return known


def _created(resource: TrainingResource, project: Project, name: str, *, negative: bool) -> Tag:
    kind = "Negative" if negative else "Regular"
    try:
        return tag_in(an_object(resource.ask(lambda client: client.create_tag(project.id, name, type=kind))))
    except SettingsRejectedError as error:
        # Made by an attempt that broke off, or by somebody else a moment ago.
        found = next((tag for tag in list_tags(resource, project) if tag.name == name), None)
        if error.code != "BadRequestTagNameNotUnique" or found is None:
            raise
        return found
