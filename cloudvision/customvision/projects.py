"""Projects: made for a domain by its name, found by name or id, deleted when told twice."""

from __future__ import annotations

import re
from collections.abc import Iterable
from uuid import UUID

from cloudvision._json import JSON
from cloudvision.customvision.answers import (
    Domain,
    Kind,
    Project,
    an_object,
    domain_in,
    each,
    project_in,
)
from cloudvision.customvision.resource import TrainingResource
from cloudvision.errors import ConfigError, SettingsRejectedError

KINDS: tuple[Kind, ...] = ("multiclass", "multilabel", "detection")


def domains(resource: TrainingResource) -> tuple[Domain, ...]:
    """All domains that the service has today."""
    return each(resource.ask(lambda client: client.get_domains()), domain_in)


def find_domain(found: Iterable[Domain], name: str, kind: Kind) -> Domain:
    """The domain of that name, such as "General (compact)"; capitals, spaces and brackets do not count. An id will do.

    Raises:
        ConfigError: there is none for this kind of project; the message lists those that there are.
    """
    fit = [domain for domain in found if domain.detects is (kind == "detection")]
    wanted = _plain(name)
    chosen = next((domain for domain in fit if wanted in (_plain(domain.name), _plain(domain.id))), None)
    if chosen is None:
        known = ", ".join(f"{domain.name!r}{' (export)' if domain.platforms else ''}" for domain in fit)
        raise ConfigError(f"no domain {name!r} for {kind}; there are: {known}")
    return chosen


def create_project(
    resource: TrainingResource,
    name: str,
    *,
    kind: Kind,
    domain: str = "General",
    description: str = "",
    platforms: tuple[str, ...] = (),
    reuse: bool = False,
) -> Project:
    """Make a project.

    Args:
        name: no other project of the resource may have it.
        kind: "multiclass", "multilabel" or "detection".
        domain: by name; only compact ones can be exported.
        platforms: what exports are meant for ("CoreML", "TensorFlow", "DockerFile", "ONNX", "VAIDK").
        reuse: take the project of that name where there is one of the same kind and domain.

    Raises:
        ConfigError: unknown kind or domain, a domain that cannot be exported to `platforms`, or the name is taken.
        ProviderError: the service refused or failed.
    """
    if kind not in KINDS:
        raise ConfigError(f"unknown kind {kind!r}; known: {', '.join(KINDS)}")
    known = domains(resource)
    chosen = find_domain(known, domain, kind)
    if missing := [platform for platform in platforms if platform not in chosen.platforms]:
        compact = ", ".join(repr(one.name) for one in known if one.detects is chosen.detects and one.platforms)
        raise ConfigError(f"{chosen.name!r} is not exported for {', '.join(missing)}; compact domains: {compact}")
    before = _named(_projects(resource, known), name)
    if before is not None:
        return _reused(before, kind, chosen, reuse=reuse)
    classification = None if kind == "detection" else kind.capitalize()
    try:
        made = resource.ask(
            lambda client: client.create_project(
                name,
                description=description or None,
                domain_id=chosen.id,
                classification_type=classification,
                target_export_platforms=list(platforms) or None,
            )
        )
    except SettingsRejectedError as error:
        # An attempt that broke off had made it: a moment ago there was none.
        own = _named(_projects(resource, known), name) if error.code == "BadRequestProjectNameNotUnique" else None
        if own is None:
            raise
        return own
    return _project(made, known)


def list_projects(resource: TrainingResource) -> tuple[Project, ...]:
    """All projects of the resource."""
    return _projects(resource, domains(resource))


def find_project(resource: TrainingResource, name: str) -> Project:
    """The project of that name or id.

    Raises:
        ConfigError: there is none; the message lists those that there are.
    """
    found = list_projects(resource)
    chosen = _named(found, name) or next((one for one in found if one.id.lower() == name.lower()), None)
    if chosen is None:
        known = ", ".join(repr(project.name) for project in found) or "none"
        raise ConfigError(f"no project {name!r}; there are: {known}")
    return chosen


def delete_project(resource: TrainingResource, project: Project, *, confirm: str) -> None:
    """Delete a project with its images and models, which cannot be undone.

    Args:
        confirm: the project's name once more.

    Raises:
        ConfigError: `confirm` is not its name.
        ProviderError: the service refused: unpublish its iterations first.
    """
    if confirm != project.name:
        raise ConfigError(f"not deleted: {confirm!r} is not the project's name, {project.name!r}")
    try:
        resource.ask(lambda client: client.delete_project(project.id))
    except SettingsRejectedError as error:
        if error.code != "NotFoundProject":  # an attempt that broke off had deleted it
            raise


def is_id(text: str) -> bool:
    """Whether a text is an id of the service, a GUID."""
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _projects(resource: TrainingResource, known: Iterable[Domain]) -> tuple[Project, ...]:
    by_id = {domain.id.lower(): domain for domain in known}
    return each(resource.ask(lambda client: client.get_projects()), lambda value: project_in(value, by_id))


def _project(value: JSON, known: Iterable[Domain]) -> Project:
    return project_in(an_object(value), {domain.id.lower(): domain for domain in known})


def _named(found: Iterable[Project], name: str) -> Project | None:
    return next((project for project in found if project.name == name), None)


def _reused(before: Project, kind: Kind, domain: Domain, *, reuse: bool) -> Project:
    if not reuse:
        raise ConfigError(
            f"there is a project {before.name!r} already; choose another name, or say that it is to be used"
        )
    if (before.kind, before.domain.id) != (kind, domain.id):
        raise ConfigError(
            f"the project {before.name!r} is there as {before.kind} with {before.domain.name!r}, not as {kind} with "
            f"{domain.name!r}"
        )
    return before


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
