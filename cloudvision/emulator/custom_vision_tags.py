"""Tags of the emulated Custom Vision."""

from __future__ import annotations

from collections.abc import Sequence

from cloudvision._json import JSON
from cloudvision.emulator import custom_vision_wire as wire
from cloudvision.emulator.accounts import Account
from cloudvision.emulator.custom_vision_lookup import Lookup
from cloudvision.emulator.custom_vision_state import Project, Tag
from cloudvision.emulator.service import Call, Reply

_TYPES = ("Regular", "Negative", "GeneralProduct")


class Tags:
    """Answers to the routes of this module."""

    def __init__(self, store: Lookup) -> None:
        self._store = store

    def routes(self) -> Sequence[tuple[str, str, str, wire.Answer]]:
        """Name, method, path and answer of each."""
        tags, one = "/projects/{project}/tags", "/projects/{project}/tags/{tag}"
        return (
            ("GetTags", "GET", tags, self._tags),
            ("CreateTag", "POST", tags, self._create_tag),
            ("GetTag", "GET", one, self._get_tag),
            ("UpdateTag", "PATCH", one, self._update_tag),
            ("DeleteTag", "DELETE", one, self._delete_tag),
        )

    def _tags(self, call: Call, account: Account) -> Reply:
        tags, pictures = self._store.holdings(self._store.project(call, account), call)
        return Reply([wire.tag_json(tag, pictures.values()) for tag in tags.values()])

    def _create_tag(self, call: Call, account: Account) -> Reply:
        project, query = self._store.project(call, account), wire.parameters(call)
        if len(project.tags) >= self._store.limits.tags:
            raise wire.bad_request("ExceedTagPerProjectLimit", "The number of tags is at the limit of this tier.")
        kind = query.get("type", "Regular")
        _check_tag(project, query.get("name"), kind)
        if kind == "Negative" and project.detects:
            raise wire.bad_request("DetectionTrainingNotAllowNegativeTag", "Object detection has no negative tag.")
        tag = Tag(self._store.new_id(), query["name"], query.get("description"), kind)
        project.tags[tag.id] = tag
        return Reply(wire.tag_json(tag, ()))

    def _get_tag(self, call: Call, account: Account) -> Reply:
        tags, pictures = self._store.holdings(self._store.project(call, account), call)
        return Reply(wire.tag_json(_tag(tags, call), pictures.values()))

    def _update_tag(self, call: Call, account: Account) -> Reply:
        project, changes = self._store.project(call, account), wire.object_in(call)
        tag = _tag(project.tags, call)
        kind = str(changes.get("type") or tag.type)
        _check_tag(project, changes.get("name") or tag.name, kind, but=tag)
        tag.name, tag.type = str(changes.get("name") or tag.name), kind
        tag.description = None if changes.get("description") is None else str(changes["description"])
        return Reply(wire.tag_json(tag, project.pictures.values()))

    def _delete_tag(self, call: Call, account: Account) -> Reply:
        project = self._store.project(call, account)
        tag = _tag(project.tags, call)
        del project.tags[tag.id]
        for picture in project.pictures.values():
            picture.tags.pop(tag.id, None)
            picture.regions = [region for region in picture.regions if region.tag != tag.id]
        return wire.NO_CONTENT


def _tag(tags: dict[str, Tag], call: Call) -> Tag:
    found = tags.get(call.places["tag"].lower())
    if found is None:
        raise wire.not_found("Tag")
    return found


def _check_tag(project: Project, name: JSON, kind: str, but: Tag | None = None) -> None:
    others = [tag for tag in project.tags.values() if tag is not but]
    if not isinstance(name, str) or not name.strip():
        raise wire.bad_request("TagName", "A tag needs a name.")
    if any(tag.name == name for tag in others):
        raise wire.bad_request("TagNameNotUnique", f"Name not unique. A tag named {name} exists already.")
    if kind not in _TYPES:
        raise wire.bad_request("TagType", f"{kind} is no type of a tag.")
    if kind == "Negative" and any(tag.type == "Negative" for tag in others):
        raise wire.bad_request("MultipleNegativeTag", "There is a negative tag already.")
