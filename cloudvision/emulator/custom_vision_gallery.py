"""The pictures of a project of the emulated Custom Vision: listing, counting, deleting, tagging and marking them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cloudvision._json import JSON
from cloudvision.emulator import custom_vision_wire as wire
from cloudvision.emulator.accounts import Account
from cloudvision.emulator.custom_vision_images import box_in
from cloudvision.emulator.custom_vision_lookup import Lookup
from cloudvision.emulator.custom_vision_state import BATCH, Picture, Project, Region, Tag
from cloudvision.emulator.service import Call, Reply

_PAGE, _LARGEST_PAGE = 50, 256
_MOST_IDS = 256


class Gallery:
    """Answers to the routes of this module."""

    def __init__(self, store: Lookup) -> None:
        self._store = store

    def routes(self) -> Sequence[tuple[str, str, str, wire.Answer]]:
        """Name, method, path and answer of each."""
        images = "/projects/{project}/images"
        return (
            ("GetImages", "GET", images, self._listed(None)),
            ("GetImageCount", "GET", f"{images}/count", self._counted(None)),
            ("GetTaggedImages", "GET", f"{images}/tagged", self._listed(True)),
            ("GetTaggedImageCount", "GET", f"{images}/tagged/count", self._counted(True)),
            ("GetUntaggedImages", "GET", f"{images}/untagged", self._listed(False)),
            ("GetUntaggedImageCount", "GET", f"{images}/untagged/count", self._counted(False)),
            ("GetImagesByIds", "GET", f"{images}/id", self._by_ids),
            ("DeleteImages", "DELETE", images, self._delete),
            ("CreateImageTags", "POST", f"{images}/tags", self._tag),
            ("DeleteImageTags", "DELETE", f"{images}/tags", self._untag),
            ("UpdateImageMetadata", "POST", f"{images}/metadata", self._describe),
            ("CreateImageRegions", "POST", f"{images}/regions", self._mark),
            ("DeleteImageRegions", "DELETE", f"{images}/regions", self._unmark),
        )

    def _listed(self, tagged: bool | None) -> wire.Answer:
        def answer(call: Call, account: Account) -> Reply:
            query = wire.parameters(call)
            tags, pictures = self._chosen(call, account, tagged)
            pictures.sort(key=lambda picture: picture.created, reverse=query.get("orderby") != "Oldest")
            skip = wire.number_in(query.get("skip"), 0)
            take = wire.number_in(query.get("take"), _PAGE, most=_LARGEST_PAGE)
            return Reply([wire.picture_json(one, tags, call.base_url) for one in pictures[skip : skip + take]])

        return answer

    def _counted(self, tagged: bool | None) -> wire.Answer:
        def answer(call: Call, account: Account) -> Reply:
            return Reply(len(self._chosen(call, account, tagged)[1]))

        return answer

    def _chosen(self, call: Call, account: Account, tagged: bool | None) -> tuple[dict[str, Tag], list[Picture]]:
        """Those with any of the tags asked for, in the order in which they were added."""
        query = wire.parameters(call)
        status = query.get("taggingstatus")
        if tagged is None and status in ("Tagged", "Untagged"):
            tagged = status == "Tagged"
        wanted = set(wire.ids_in(query.get("tagids")))
        tags, pictures = self._store.holdings(self._store.project(call, account), call)
        return tags, [
            picture
            for picture in pictures.values()
            if (tagged is None or bool(picture.tags) is tagged) and (not wanted or wanted & picture.tags.keys())
        ]

    def _by_ids(self, call: Call, account: Account) -> Reply:
        tags, pictures = self._store.holdings(self._store.project(call, account), call)
        wanted = wire.ids_in(wire.parameters(call).get("imageids"))
        found = [pictures[one] for one in wanted if one in pictures] if wanted else list(pictures.values())[:_PAGE]
        return Reply([wire.picture_json(picture, tags, call.base_url) for picture in found])

    def _delete(self, call: Call, account: Account) -> Reply:
        project, query = self._store.project(call, account), wire.parameters(call)
        ids = wire.ids_in(query.get("imageids"))
        everything = query.get("allimages", "").lower() == "true"
        if not ids and not everything:
            raise wire.bad_request("InvalidIds", "Name images to delete, or all of them.")
        if len(ids) > _MOST_IDS:
            raise wire.bad_request("ExceededBatchSize", f"At most {_MOST_IDS} images can be named.")
        holdings = [project.pictures]
        if query.get("alliterations", "").lower() == "true":
            holdings += [iteration.pictures for iteration in project.iterations.values()]
        for pictures in holdings:
            for one in list(pictures) if everything else ids:
                pictures.pop(one, None)
        return wire.NO_CONTENT

    def _tag(self, call: Call, account: Account) -> Reply:
        project = self._store.project(call, account)

        def add(picture: Picture, tag: str, entry: wire.Object, now: float) -> JSON:  # noqa: ARG001 - as for regions
            most = 1 if project.classification == "Multiclass" else self._store.limits.tags_per_image
            if tag in picture.tags:
                return None
            if len(picture.tags) >= most:
                raise _FullError
            picture.tags[tag] = now
            return {"imageId": picture.id, "tagId": tag}

        return self._each(project, wire.objects_under(wire.object_in(call), "tags"), add)

    def _mark(self, call: Call, account: Account) -> Reply:
        project = self._store.project(call, account)
        if not project.detects:
            raise wire.bad_request("ImageRegions", "A project that classifies has no regions.")

        def add(picture: Picture, tag: str, entry: wire.Object, now: float) -> JSON:
            box = box_in(entry)
            if any(region.tag == tag and region.box == box for region in picture.regions):
                return None
            if len(picture.regions) >= self._store.limits.regions_per_image:
                raise _FullError
            region = Region(self._store.new_id(), tag, box, now)
            picture.regions.append(region)
            picture.tags.setdefault(tag, now)
            return {"imageId": picture.id, **wire.region_json(region, project.tags)}

        return self._each(project, wire.objects_under(wire.object_in(call), "regions"), add)

    def _each(
        self,
        project: Project,
        entries: Sequence[wire.Object],
        add: Callable[[Picture, str, wire.Object, float], JSON],
    ) -> Reply:
        """Work through a batch; `add` gives None for what is there already and raises _FullError at a limit."""
        if len(entries) > BATCH:
            raise wire.bad_request("ExceededBatchSize", f"A batch has at most {BATCH} entries.")
        created: list[JSON] = []
        duplicated: list[JSON] = []
        exceeded: list[JSON] = []
        pairs = [(str(entry.get("imageId")).lower(), str(entry.get("tagId")).lower()) for entry in entries]
        for image, tag in pairs:
            if image not in project.pictures:
                raise wire.not_found("Image")
            if tag not in project.tags:
                raise wire.not_found("Tag")
        for entry, (image, tag) in zip(entries, pairs, strict=True):
            try:
                made = add(project.pictures[image], tag, entry, self._store.now())
            except _FullError:
                exceeded.append(dict(entry))
                continue
            if made is None:
                duplicated.append(dict(entry))
            else:
                created.append(made)
        return Reply({"created": created, "duplicated": duplicated, "exceeded": exceeded})

    def _describe(self, call: Call, account: Account) -> Reply:
        project = self._store.project(call, account)
        wanted = wire.ids_in(wire.parameters(call).get("imageids"))
        if len(wanted) > BATCH:
            raise wire.bad_request("ExceededBatchSize", f"A batch has at most {BATCH} images.")
        facts = {name: str(value) for name, value in wire.object_in(call).items()}
        entries: list[JSON] = []
        for one in wanted:
            if one in project.pictures:
                project.pictures[one].metadata |= facts
            status = "OK" if one in project.pictures else "ErrorImageNotFound"
            entries.append({"imageId": one, "status": status, "metadata": dict(facts)})
        good = all(one in project.pictures for one in wanted)
        return Reply({"isBatchSuccessful": good, "images": entries}, status=200 if good else 207)

    def _untag(self, call: Call, account: Account) -> Reply:
        project, query = self._store.project(call, account), wire.parameters(call)
        tags = wire.ids_in(query.get("tagids"))
        for one in wire.ids_in(query.get("imageids")):
            picture = project.pictures.get(one)
            if picture is None:
                raise wire.not_found("Image")
            for tag in tags:
                picture.tags.pop(tag, None)
            picture.regions = [region for region in picture.regions if region.tag not in tags]
        return wire.NO_CONTENT

    def _unmark(self, call: Call, account: Account) -> Reply:
        project = self._store.project(call, account)
        gone = set(wire.ids_in(wire.parameters(call).get("regionids")))
        for picture in project.pictures.values():
            left = [region for region in picture.regions if region.id not in gone]
            if len(left) < len(picture.regions):
                picture.regions = left
                picture.tags = {tag: when for tag, when in picture.tags.items() if any(r.tag == tag for r in left)}
        return wire.NO_CONTENT


class _FullError(Exception):
    """The picture has as many as it may have."""
