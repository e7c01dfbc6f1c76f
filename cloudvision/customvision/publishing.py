"""Publishing under a version, taking back, rolling back, deleting."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cloudvision.customvision.answers import Iteration, Project
from cloudvision.customvision.iterations import get_iteration, list_iterations
from cloudvision.customvision.resource import TrainingResource, unexpected
from cloudvision.errors import ConfigError, SettingsRejectedError

RESOURCE_ID = "CUSTOM_VISION_PREDICTION_RESOURCE_ID"
_VERSION = re.compile(r"v(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})")
_ARM = re.compile(
    r"/subscriptions/[0-9a-f-]{36}/resourceGroups/[\w.()-]{1,90}/providers/Microsoft\.CognitiveServices/accounts/[\w.-]{2,64}",
    re.IGNORECASE,
)
_SHAPE = "/subscriptions/<id>/resourceGroups/<group>/providers/Microsoft.CognitiveServices/accounts/<name>"


@dataclass(frozen=True, slots=True)
class Rollback:
    """`withdrawn` is no longer published, and `current` is now the newest version that is."""

    withdrawn: str
    current: str


def version_of(name: str) -> tuple[int, int, int] | None:
    """The numbers of a name such as "v1.2.0"; None for another name."""
    match = _VERSION.fullmatch(name)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def check_resource_id(text: str | None) -> str:
    """The id of a prediction resource, trimmed.

    Raises:
        ConfigError: it is missing or of another form; the message says what it looks like instead.
    """
    given = (text or "").strip().rstrip("/")
    if _ARM.fullmatch(given):
        return given
    where = "the resource's page in the Azure portal has it under Properties, 'Resource ID'"
    if not given:
        raise ConfigError(f"{RESOURCE_ID} is not set; it looks like {_SHAPE}; {where}")
    if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", given, re.IGNORECASE):
        looks = "a subscription's or project's id alone"
    elif "://" in given:
        looks = "an endpoint"
    elif re.fullmatch(r"[0-9A-Za-z]{32,}", given):
        looks = "a key"  # not repeated here
    else:
        looks = "something else"
    raise ConfigError(f"{RESOURCE_ID} is {looks}; it must look like {_SHAPE}; {where}")


def versions(resource: TrainingResource, project: Project) -> tuple[tuple[str, Iteration], ...]:
    """What is published under versions, the newest first."""
    found = [(version_of(one.published), one) for one in list_iterations(resource, project) if one.published]
    semantic = sorted(((number, one) for number, one in found if number), key=lambda pair: pair[0], reverse=True)
    return tuple((one.published or "", one) for _, one in semantic)


def publish(
    resource: TrainingResource,
    project: Project,
    iteration: Iteration,
    name: str,
    resource_id: str | None,
    *,
    any_name: bool = False,
    overwrite: bool = False,
) -> Iteration:
    """Publish an iteration for prediction; what is published so already stays as it is.

    An iteration has one name at a time: one that is published under another name loses that.

    Args:
        name: a version, such as "v1.2.0".
        resource_id: of the prediction resource (not an endpoint, not a key).
        any_name: let other names than versions be.
        overwrite: take the name away from the iteration that has it.

    Raises:
        ConfigError: the name is no version, or that of another iteration; or the resource id is of another form.
        ProviderError: the service refused or failed.
    """
    target = check_resource_id(resource_id)
    if version_of(name) is None and not any_name:
        raise ConfigError(f"{name!r} is no version such as 'v1.2.0'; publishing under another name must be said")
    now = get_iteration(resource, project, iteration.id)
    if now.published == name and (now.resource_id or target).lower() == target.lower():
        return now
    holder = next((one for one in list_iterations(resource, project) if one.published == name), None)
    if holder is not None and holder.id != now.id:
        if not overwrite:
            raise ConfigError(f"{name!r} is the name of {holder.name!r}; choose the next version, or say overwrite")
        _withdraw(resource, project, holder)
    if now.published is not None:
        _withdraw(resource, project, now)
    resource.ask(lambda client: client.publish_iteration(project.id, now.id, name, target, overwrite=True))
    published = get_iteration(resource, project, now.id)
    if published.published != name:
        raise unexpected(f"{now.name!r} was published as {name!r}, and is {published.published!r}")
    return published


def unpublish(resource: TrainingResource, project: Project, iteration: Iteration) -> None:
    """Take an iteration back; one that is not published stays as it is.

    Raises:
        ProviderError: the service refused or failed.
    """
    if get_iteration(resource, project, iteration.id).published is not None:
        _withdraw(resource, project, iteration)


def delete_iteration(resource: TrainingResource, project: Project, iteration: Iteration, *, confirm: str) -> None:
    """Delete an iteration with its model, which cannot be undone; a project holds 20. Take a published one back first.

    Args:
        confirm: the iteration's name once more.

    Raises:
        ConfigError: `confirm` is not its name.
        ProviderError: the service refused (it is published) or failed.
    """
    if confirm != iteration.name:
        raise ConfigError(f"not deleted: {confirm!r} is not the iteration's name, {iteration.name!r}")
    try:
        resource.ask(lambda client: client.delete_iteration(project.id, iteration.id))
    except SettingsRejectedError as error:
        if error.code != "NotFoundIteration":  # an attempt that broke off had deleted it
            raise


def roll_back(resource: TrainingResource, project: Project) -> Rollback:
    """Take back the newest version, so that the one before it is the newest.

    Raises:
        ConfigError: there are not two versions.
        ProviderError: the service refused or failed.
    """
    found = versions(resource, project)
    if len(found) < 2:
        known = ", ".join(name for name, _ in found) or "none"
        raise ConfigError(f"{project.name!r} has no version to go back to; published: {known}")
    (newest, iteration), (before, _) = found[:2]
    _withdraw(resource, project, iteration)
    return Rollback(newest, before)


def _withdraw(resource: TrainingResource, project: Project, iteration: Iteration) -> None:
    try:
        resource.ask(lambda client: client.unpublish_iteration(project.id, iteration.id))
    except SettingsRejectedError as error:
        if error.code != "BadRequestIterationNotPublished":  # an attempt that broke off had done it
            raise
