"""Pictures of one request: prepared for the service, and cut into parts that are not too large."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cloudvision import images
from cloudvision.customvision.limits import PICTURE
from cloudvision.customvision.preflight import Ready
from cloudvision.errors import ImageError
from cloudvision.images import Limits


@dataclass(frozen=True, slots=True)
class Waiting:
    """A picture that is to be sent. `anew`: encoded anew, for the service could not read it as it was."""

    picture: Ready
    anew: bool = False


@dataclass(frozen=True, slots=True)
class Loaded:
    """A picture as it is sent. `data` is None for a URL, and where `reason` says why it cannot be sent."""

    waiting: Waiting
    data: bytes | None = field(default=None, repr=False)
    reason: str = ""

    @property
    def picture(self) -> Ready:
        """What is sent."""
        return self.waiting.picture

    @property
    def url(self) -> str | None:
        """The address that the service is to fetch; None for a file."""
        return None if self.picture.size else self.picture.sources[0]

    @property
    def sendable(self) -> bool:
        """There is something to send."""
        return self.data is not None or self.url is not None

    @property
    def characters(self) -> int:
        """Of the picture as base64."""
        return 0 if self.data is None else -(-len(self.data) // 3) * 4


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a picture that was sent once.

    Args:
        waiting: the picture.
        image: its id in the project, where it is there with its marks; "" where the service did not say, or it is not.
        status: the service's word; "" where nothing was sent.
        reason: why it is not there with its marks; "" where it is.
        again: how to send it once more, None where that would not help.
    """

    waiting: Waiting
    image: str
    status: str
    reason: str
    again: Waiting | None = None


_JPEG = Limits(formats=frozenset({"JPEG"}), max_bytes=PICTURE.max_bytes, max_side=PICTURE.max_side)


def packed(pictures: Sequence[Waiting], most: int) -> Iterator[tuple[Loaded, ...]]:
    """The pictures in parts of at most `most` characters of base64 (a single larger picture goes alone)."""
    part: list[Loaded] = []
    characters = 0
    for waiting in pictures:
        one = _loaded(waiting)
        if part and characters + one.characters > most:
            yield tuple(part)
            part, characters = [], 0
        part.append(one)
        characters += one.characters
    if part:
        yield tuple(part)


def _loaded(waiting: Waiting) -> Loaded:
    if not waiting.picture.size:
        return Loaded(waiting)
    try:
        image = images.load(Path(waiting.picture.sources[0]))
        if waiting.anew:
            # Some readers choke on files that others open: CMYK, odd palettes, stray segments.
            image = images.load(image.pixels(), name=image.source)
            return Loaded(waiting, image.prepare(_JPEG).data)
        return Loaded(waiting, image.prepare(PICTURE).data)
    except ImageError as error:
        return Loaded(waiting, reason=error.reason)
