"""One request, and what the service says of each picture of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from cloudvision._json import JSON
from cloudvision.customvision._batch import Loaded, Sent
from cloudvision.customvision._completing import completed
from cloudvision.customvision.answers import Created, Project, an_object, created_in, each
from cloudvision.customvision.resource import TrainingResource, unexpected
from cloudvision.errors import RejectedError

_PASSING = frozenset({"ErrorUnknown", "ErrorStorage", "ErrorSource"})
_MEANINGS = {
    "ErrorSource": "the service could not get it from its address",
    "ErrorImageFormat": "the service cannot read it as a picture",
    "ErrorImageSize": "too many bytes for the service",
    "ErrorImageDimensions": "too many pixels, or too long and narrow, for the service",
    "ErrorStorage": "the service could not store it",
    "ErrorLimitExceed": "the project holds as many images as its tier takes",
    "ErrorTagLimitExceed": "more tags than an image of this project may have",
    "ErrorRegionLimitExceed": "more regions than an image may have",
    "ErrorNegativeAndRegularTagOnSameImage": "the negative tag beside others",
    "ErrorInvalidTag": "its tag is no longer in the project",
    "ErrorUnknown": "the service failed without saying why",
}
# The request as a whole is refused for what one of its pictures may be guilty of, or for its size: halves tell.
_ONE_OF_MANY = ("BadRequestImage", "BadRequestExceededBatchSize", "BadRequestExceedRegion", "BadRequestInvalidRegion")


def send(
    resource: TrainingResource, project: Project, part: Sequence[Loaded], tags: Mapping[str, str]
) -> tuple[Sent, ...]:
    """Send a part once, and say of each picture what became of it, in their order.

    Raises:
        ProviderError: an error that would meet every other picture too.
    """
    sendable = [one for one in part if one.sendable]
    created = iter(_created(resource, project, sendable, tags) if sendable else ())
    return tuple(
        _judged(resource, project, one, next(created), tags) if one.sendable else Sent(one.waiting, "", "", one.reason)
        for one in part
    )


def _judged(
    resource: TrainingResource, project: Project, one: Loaded, created: Created, tags: Mapping[str, str]
) -> Sent:
    waiting, status = one.waiting, created.status
    if status == "OK":
        return Sent(waiting, created.id, status, "")
    if status == "OKDuplicate":
        lacking = completed(resource, project, one.picture.marks, created, tags)
        return Sent(waiting, "" if lacking else created.id, status, lacking)
    again = waiting if status in _PASSING else None
    if status == "ErrorImageFormat" and one.url is None and not waiting.anew:
        again = replace(waiting, anew=True)
    return Sent(waiting, "", status, _MEANINGS.get(status, f"refused: {status}"), again)


def _created(
    resource: TrainingResource, project: Project, loaded: Sequence[Loaded], tags: Mapping[str, str]
) -> list[Created]:
    """What the service says of each, in their order."""
    try:
        answer = resource.ask(lambda client: _request(client, project, loaded, tags))
    except RejectedError as error:
        if not ((error.code or "").startswith(_ONE_OF_MANY) or error.status == 413):
            raise
        if len(loaded) == 1:
            return [Created("", str(error.code or error.status), "", (), ())]
        middle = len(loaded) // 2
        return [
            *_created(resource, project, loaded[:middle], tags),
            *_created(resource, project, loaded[middle:], tags),
        ]
    return _matched(answer, loaded)


def _matched(answer: JSON, loaded: Sequence[Loaded]) -> list[Created]:
    """By the names that were sent with them: the order is promised nowhere."""
    found = each(an_object(answer).get("images"), created_in)
    names = {created.source: created for created in found}
    wanted = [_name(number, one) for number, one in enumerate(loaded)]
    if all(name in names for name in wanted):
        return [names[name] for name in wanted]
    if len(found) != len(loaded):
        raise unexpected(f"{len(loaded)} images were sent, and the answer speaks of {len(found)}")
    return list(found)


def _name(number: int, one: Loaded) -> str:
    """Also of a URL, of which the answer repeats the address."""
    return one.url or f"{number:02}-{one.picture.key[:16]}"


def _request(client: Any, project: Project, loaded: Sequence[Loaded], tags: Mapping[str, str]) -> object:
    from azure.cognitiveservices.vision.customvision.training import models

    marks = [_marks(one, project, tags, models) for one in loaded]
    if loaded[0].url is not None:
        urls = [
            models.ImageUrlCreateEntry(url=one.url or "", tag_ids=ids, regions=regions)
            for one, (ids, regions) in zip(loaded, marks, strict=True)
        ]
        return client.create_images_from_urls(project.id, models.ImageUrlCreateBatch(images=urls))
    files = [
        models.ImageFileCreateEntry(
            name=_name(number, one), contents=bytearray(one.data or b""), tag_ids=ids, regions=regions
        )
        for number, (one, (ids, regions)) in enumerate(zip(loaded, marks, strict=True))
    ]
    return client.create_images_from_files(project.id, models.ImageFileCreateBatch(images=files))


def _marks(
    one: Loaded, project: Project, tags: Mapping[str, str], models: Any
) -> tuple[list[str] | None, list[object] | None]:
    """Tag ids of a picture, or its regions."""
    marks = one.picture.marks
    if project.kind != "detection":
        return [tags[mark.name] for mark in marks], None
    regions = [
        models.Region(
            tag_id=tags[mark.name], left=mark.box.left, top=mark.box.top, width=mark.box.width, height=mark.box.height
        )
        for mark in marks
        if mark.box is not None
    ]
    return None, regions
