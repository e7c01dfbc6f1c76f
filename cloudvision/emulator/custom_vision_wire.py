"""Custom Vision on the wire: its flat errors, values out of requests, and the JSON of what a project holds."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

from cloudvision._json import JSON
from cloudvision.emulator import azure_wire
from cloudvision.emulator.accounts import Account
from cloudvision.emulator.custom_vision_state import Export, Iteration, Picture, Project, Region, Tag
from cloudvision.emulator.reply import Refusal, Reply
from cloudvision.emulator.service import Call

Answer = Callable[[Call, Account], Reply]
TRAINING = "/customvision/v3.4-preview/training"
PREDICTION = "/customvision/v3.1/prediction"
BLOBS = "/customvision/blobs"
NO_CONTENT = Reply(status=204)

Object = Mapping[str, JSON]


def error(status: int, code: str, message: str) -> Reply:
    """`{"code", "message"}`: the shape of the service itself, unlike that of the gateway in front of it."""
    return Reply({"code": code, "message": message}, status=status)


def bad_request(code: str, message: str) -> Refusal:
    """400, to be raised."""
    return Refusal(error(400, f"BadRequest{code}", message))


def not_found(kind: str) -> Refusal:
    """404 for a "Project", "Iteration", "Tag" or "Image"."""
    return Refusal(error(404, f"NotFound{kind}", f"Invalid {kind.lower()}"))


def parameters(call: Call) -> dict[str, str]:
    """The query; names in lower case."""
    return azure_wire.parameters_of(call.query)


def ids_in(text: str | None) -> list[str]:
    """The ids of a list such as "a,b"."""
    return [entry.strip().lower() for entry in (text or "").split(",") if entry.strip()]


def object_in(call: Call) -> Object:
    """The JSON object in the body; an empty body is an empty one.

    Raises:
        Refusal: it holds something else.
    """
    try:
        value = json.loads(call.body) if call.body.strip() else {}
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise bad_request("", "The request body is not a JSON object.")
    return value


def objects_under(value: Object, name: str) -> list[Object]:
    """The list of objects under `name`; empty where there is none.

    Raises:
        Refusal: something else is there.
    """
    entries = value.get(name) or []
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise bad_request("", f"{name} is not a list of objects.")
    return entries


def texts_under(value: Object, name: str) -> list[str]:
    """The list of ids under `name`, in lower case."""
    entries = value.get(name)
    return [str(entry).lower() for entry in entries] if isinstance(entries, list) else []


def number_in(text: str | None, usual: int, *, least: int = 0, most: int = 2**31) -> int:
    """A whole number of the query, kept between its limits."""
    try:
        return min(max(int(text or usual), least), most)
    except ValueError:
        return usual


def written(seconds: float) -> str:
    """Seconds since the epoch as "2026-11-21T13:00:00.123Z"."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def project_json(project: Project) -> JSON:
    """`Project`."""
    settings: dict[str, JSON] = {
        "domainId": project.domain.id,
        "classificationType": project.classification,
        "targetExportPlatforms": list(project.platforms),
        "useNegativeSet": True,
        "detectionParameters": None,
        "imageProcessingSettings": {"augmentationMethods": {}},
    }
    return {
        "id": project.id,
        "name": project.name,
        "description": project.description,
        "settings": settings,
        "created": written(project.created),
        "lastModified": written(project.modified),
        "thumbnailUri": None,
        "drModeEnabled": False,
        "status": "Succeeded",
    }


def tag_json(tag: Tag, pictures: Iterable[Picture]) -> JSON:
    """`Tag`, with how many of the pictures have it."""
    count = sum(tag.id in picture.tags for picture in pictures)
    return {"id": tag.id, "name": tag.name, "description": tag.description, "type": tag.type, "imageCount": count}


def picture_json(picture: Picture, tags: Mapping[str, Tag], base_url: str) -> JSON:
    """`Image`; its addresses lead to the emulator, and need no key, as those of the service need none."""
    place = f"{base_url}{BLOBS}/{picture.id}"
    return {
        "id": picture.id,
        "created": written(picture.created),
        "width": picture.width,
        "height": picture.height,
        "resizedImageUri": place,
        "thumbnailUri": place,
        "originalImageUri": place,
        "tags": [
            {"tagId": tag, "tagName": tags[tag].name, "created": written(when)}
            for tag, when in picture.tags.items()
            if tag in tags
        ],
        "regions": [region_json(region, tags) for region in picture.regions if region.tag in tags],
        "metadata": dict(picture.metadata),
    }


def region_json(region: Region, tags: Mapping[str, Tag]) -> dict[str, JSON]:
    """`ImageRegion`."""
    left, top, width, height = region.box
    return {
        "regionId": region.id,
        "tagName": tags[region.tag].name,
        "created": written(region.created),
        "tagId": region.tag,
        "left": left,
        "top": top,
        "width": width,
        "height": height,
    }


def iteration_json(iteration: Iteration, project: str) -> JSON:
    """`Iteration`."""
    return {
        "id": iteration.id,
        "name": iteration.name,
        "status": iteration.status,
        "created": written(iteration.created),
        "lastModified": written(iteration.modified),
        "trainedAt": None if iteration.trained_at is None else written(iteration.trained_at),
        "projectId": project,
        "exportable": bool(iteration.domain.platforms),
        "exportableTo": list(iteration.domain.platforms),
        "domainId": iteration.domain.id,
        "classificationType": iteration.classification,
        "trainingType": iteration.training_type,
        "reservedBudgetInHours": iteration.budget,
        "trainingTimeInMinutes": 0,
        "publishName": iteration.publish_name,
        "originalPublishResourceId": iteration.publish_resource,
        "trainingErrorDetails": iteration.error,
    }


def export_json(export: Export, base_url: str) -> JSON:
    """`Export`."""
    return {
        "platform": export.platform,
        "status": "Failed" if export.blob is None else "Done",
        "downloadUri": None if export.blob is None else f"{base_url}{BLOBS}/{export.blob}",
        "flavor": export.flavor,
        "newerVersionAvailable": False,
    }
