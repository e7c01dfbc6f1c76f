"""What the service tells of projects, tags, iterations and images, as frozen values; names of the wire stay here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from cloudvision._json import JSON
from cloudvision.customvision.resource import unexpected

Kind = Literal["multiclass", "multilabel", "detection"]
T = TypeVar("T")
Object = Mapping[str, JSON]


@dataclass(frozen=True, slots=True)
class Domain:
    """What a project's models are made for. `platforms`: what they can be exported for; () for no export."""

    id: str
    name: str
    detects: bool
    platforms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Project:
    """A project.

    Args:
        kind: "multiclass" (one label a picture), "multilabel", or "detection" (boxes).
        domain: see `Domain`.
    """

    id: str
    name: str
    kind: Kind
    domain: Domain
    description: str = ""


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag; `negative` for the one of pictures that show none of the others. `images`: how many have it."""

    id: str
    name: str
    negative: bool
    images: int


@dataclass(frozen=True, slots=True)
class Iteration:
    """One training and its model.

    Args:
        status: the service's word: "Training", "Completed", "Failed".
        trained: when it was done, as the service wrote it; "" before.
        published: the name it is published under; None where it is not.
        resource_id: of the prediction resource that it is published to.
        error: why it failed; "" where it did not.
    """

    id: str
    name: str
    status: str
    created: str
    trained: str
    published: str | None
    resource_id: str | None
    error: str
    advanced: bool
    hours: int


@dataclass(frozen=True, slots=True)
class Created:
    """What became of one image of a batch.

    Args:
        source: the name or address that was sent with it.
        status: the service's word, such as "OK", "OKDuplicate" or "ErrorImageFormat".
        id: of the image in the project; "" where there is none.
        tags: ids of its tags.
        regions: (tag id, left, top, width, height) of its regions.
    """

    source: str
    status: str
    id: str
    tags: tuple[str, ...]
    regions: tuple[tuple[str, float, float, float, float], ...]


def domain_in(value: Object) -> Domain:
    """A `Domain` of the wire."""
    return Domain(
        text(value, "id"),
        text(value, "name"),
        value.get("type") == "ObjectDetection",
        tuple(str(name) for name in listed(value.get("exportablePlatforms") or [])),
    )


def project_in(value: Object, domains: Mapping[str, Domain]) -> Project:
    """A `Project` of the wire. A domain that is not on the list (the service retires some) counts as one that classifies."""
    settings = an_object(value.get("settings"))
    id = text(settings, "domainId")
    domain = domains.get(id.lower()) or Domain(id, id, False, ())
    multilabel = settings.get("classificationType") == "Multilabel"
    kind: Kind = "detection" if domain.detects else "multilabel" if multilabel else "multiclass"
    return Project(text(value, "id"), text(value, "name"), kind, domain, str(value.get("description") or ""))


def tag_in(value: Object) -> Tag:
    """A `Tag` of the wire."""
    count = value.get("imageCount")
    return Tag(
        text(value, "id"), text(value, "name"), value.get("type") == "Negative", count if isinstance(count, int) else 0
    )


def iteration_in(value: Object) -> Iteration:
    """An `Iteration` of the wire."""
    hours = value.get("reservedBudgetInHours")
    return Iteration(
        id=text(value, "id"),
        name=text(value, "name"),
        status=str(value.get("status") or ""),
        created=str(value.get("created") or ""),
        trained=str(value.get("trainedAt") or ""),
        published=_optional(value, "publishName"),
        resource_id=_optional(value, "originalPublishResourceId"),
        error=str(value.get("trainingErrorDetails") or ""),
        advanced=value.get("trainingType") == "Advanced",
        hours=hours if isinstance(hours, int) else 0,
    )


def created_in(value: Object) -> Created:
    """An `ImageCreateResult` of the wire."""
    image = value.get("image")
    held: Object = image if isinstance(image, Mapping) else {}
    tags = [an_object(tag) for tag in listed(held.get("tags") or [])]
    regions = [an_object(region) for region in listed(held.get("regions") or [])]
    return Created(
        str(value.get("sourceUrl") or "").strip('"'),
        text(value, "status"),
        str(held.get("id") or ""),
        tuple(text(tag, "tagId") for tag in tags),
        tuple((text(region, "tagId"), *_sides(region)) for region in regions),
    )


def each(value: JSON, read: Callable[[Object], T]) -> tuple[T, ...]:
    """What `read` makes of every object in a list.

    Raises:
        UnexpectedAnswerError: no list of objects.
    """
    return tuple(read(an_object(entry)) for entry in listed(value))


def an_object(value: JSON) -> Object:
    """`value`, a JSON object."""
    if not isinstance(value, Mapping):
        raise unexpected(f"an object was expected, not {value!r:.60}")
    return value


def listed(value: JSON) -> Sequence[JSON]:
    """`value`, a JSON array."""
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise unexpected(f"a list was expected, not {value!r:.60}")
    return value


def text(value: Object, name: str) -> str:
    """The text under `name`."""
    found = value.get(name)
    if not isinstance(found, str):
        raise unexpected(f"{name} is {found!r:.60}")
    return found


def number(value: Object, name: str) -> float:
    """The number under `name`."""
    found = value.get(name)
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise unexpected(f"{name} is {found!r:.60}")
    return float(found)


def _sides(value: Object) -> tuple[float, float, float, float]:
    return number(value, "left"), number(value, "top"), number(value, "width"), number(value, "height")


def _optional(value: Object, name: str) -> str | None:
    found = value.get(name)
    return found if isinstance(found, str) and found else None
