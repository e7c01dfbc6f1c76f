"""Domains and projects of the emulated Custom Vision."""

from __future__ import annotations

from collections.abc import Sequence

from cloudvision._json import JSON
from cloudvision.emulator import custom_vision_wire as wire
from cloudvision.emulator.accounts import Account
from cloudvision.emulator.custom_vision_domains import DOMAINS, Domain, find_domain
from cloudvision.emulator.custom_vision_lookup import Lookup
from cloudvision.emulator.custom_vision_state import Project
from cloudvision.emulator.service import Call, Reply

_PLATFORMS = ("CoreML", "TensorFlow", "DockerFile", "ONNX", "VAIDK", "OpenVino")


class Projects:
    """Answers to the routes of this module.

    Args:
        store: where projects are kept.
    """

    def __init__(self, store: Lookup) -> None:
        self._store = store

    def routes(self) -> Sequence[tuple[str, str, str, wire.Answer]]:
        """Name, method, path and answer of each."""
        one = "/projects/{project}"
        return (
            ("GetDomains", "GET", "/domains", self._domains),
            ("GetDomain", "GET", "/domains/{domain}", self._domain),
            ("GetProjects", "GET", "/projects", self._list),
            ("CreateProject", "POST", "/projects", self._create),
            ("GetProject", "GET", one, self._get),
            ("UpdateProject", "PATCH", one, self._update),
            ("DeleteProject", "DELETE", one, self._delete),
        )

    def _domains(self, call: Call, account: Account) -> Reply:  # noqa: ARG002 - the same for everybody
        return Reply([_domain_json(domain) for domain in DOMAINS])

    def _domain(self, call: Call, account: Account) -> Reply:  # noqa: ARG002 - the same for everybody
        domain = find_domain(call.places["domain"])
        if domain is None:
            raise wire.not_found("Domain")
        return Reply(_domain_json(domain))

    def _list(self, call: Call, account: Account) -> Reply:  # noqa: ARG002 - nothing to ask for
        return Reply([wire.project_json(project) for project in self._store.owned_by(account.name)])

    def _create(self, call: Call, account: Account) -> Reply:
        query = wire.parameters(call)
        owned = self._store.owned_by(account.name)
        if len(owned) >= self._store.limits.projects:
            raise wire.bad_request("ExceedProjectLimit", "The number of projects is at the limit of this tier.")
        domain = find_domain(query.get("domainid") or DOMAINS[0].id)
        if domain is None:
            raise wire.bad_request("ProjectUnknownDomain", "The domain is not known.")
        now = self._store.now()
        project = Project(
            id=self._store.new_id(),
            account=account.name,
            name=_project_name(query.get("name"), owned),
            description=query.get("description", ""),
            domain=domain,
            classification=_classification(query.get("classificationtype"), domain),
            platforms=_platforms(query.get("targetexportplatforms", "").split(",")),
            created=now,
            modified=now,
        )
        self._store.projects[project.id] = project
        return Reply(wire.project_json(project))

    def _get(self, call: Call, account: Account) -> Reply:
        return Reply(wire.project_json(self._store.project(call, account)))

    def _update(self, call: Call, account: Account) -> Reply:
        project, changes = self._store.project(call, account), wire.object_in(call)
        others = [other for other in self._store.owned_by(account.name) if other is not project]
        settings = changes.get("settings") or {}
        if not isinstance(settings, dict):
            raise wire.bad_request("", "settings is not an object.")
        domain = find_domain(str(settings.get("domainId") or project.domain.id))
        if domain is None:
            raise wire.bad_request("ProjectUnknownDomain", "The domain is not known.")
        if domain.type != project.domain.type:
            raise wire.bad_request(
                "ProjectUnsupportedDomainTypeChange", "The type of a project's domain cannot change."
            )
        name = _project_name(changes.get("name") or project.name, others)
        kind = _classification(settings.get("classificationType") or project.classification, domain)
        platforms = settings.get("targetExportPlatforms")
        if isinstance(platforms, list):
            project.platforms = _platforms([str(entry) for entry in platforms])
        project.name, project.domain, project.classification = name, domain, kind
        project.description = str(changes.get("description") or "")
        project.modified = self._store.now()
        return Reply(wire.project_json(project))

    def _delete(self, call: Call, account: Account) -> Reply:
        project = self._store.project(call, account)
        if any(iteration.publish_name for iteration in project.iterations.values()):
            raise wire.bad_request("IterationIsPublished", "A project with a published iteration cannot be deleted.")
        del self._store.projects[project.id]
        return wire.NO_CONTENT


def _project_name(name: JSON, others: Sequence[Project]) -> str:
    if not isinstance(name, str) or not name.strip():
        raise wire.bad_request("ProjectName", "A project needs a name.")
    if any(project.name == name for project in others):
        raise wire.bad_request("ProjectNameNotUnique", f"Name not unique. A project named {name} exists already.")
    return name


def _classification(kind: JSON, domain: Domain) -> str | None:
    if domain.type == "ObjectDetection":
        return None
    if kind is None:
        return "Multilabel"
    if kind not in ("Multiclass", "Multilabel"):
        raise wire.bad_request("ProjectUnknownClassification", f"{kind} is no type of classification.")
    return str(kind)


def _platforms(names: Sequence[str]) -> list[str]:
    wanted = [name for name in names if name]
    if unknown := [name for name in wanted if name not in _PLATFORMS]:
        raise wire.bad_request("ProjectUnsupportedExportPlatform", f"{unknown[0]} is no platform to export to.")
    return wanted


def _domain_json(domain: Domain) -> JSON:
    return {
        "id": domain.id,
        "name": domain.name,
        "type": domain.type,
        "exportable": bool(domain.platforms),
        "enabled": True,
        "exportablePlatforms": list(domain.platforms),
        "modelInformation": None,
    }
