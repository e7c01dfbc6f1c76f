"""Pictures of one request: prepared for the service, and cut into parts that are not too large."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from cloudvision import images
from cloudvision.customvision.limits import PICTURE
from cloudvision.customvision.preflight import Ready
from cloudvision.errors import ImageError
from cloudvision.images import Limits


@dataclass(frozen=True, slots=True)
class Batch:
    """Pictures that are sent together; all files, or all URLs."""

    pictures: tuple[Ready, ...]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A picture as it is sent. `data` is None for a URL, and where `reason` says why it cannot be sent."""

    picture: Ready
    data: bytes | None = field(default=None, repr=False)
    reason: str = ""
    encoded_anew: bool = False

    @property
    def url(self) -> str | None:
        """The address that the service is to fetch; None for a file."""
        return None if self.picture.size else self.picture.sources[0]

    @property
    def characters(self) -> int:
        """Of the picture as base64."""
        return 0 if self.data is None else -(-len(self.data) // 3) * 4

    def anew(self) -> Loaded:
        """The same, encoded anew: some readers choke on files that others open (CMYK, odd palettes, stray segments)."""
        if self.data is None or self.encoded_anew:
            return self
        try:
            image = images.load(images.load(self.data).pixels(), name=self.picture.shown)
            return replace(self, data=image.prepare(_JPEG).data, encoded_anew=True)
        except ImageError as error:
            return replace(self, data=None, reason=error.reason, encoded_anew=True)


@dataclass(frozen=True, slots=True)
class Part:
    """What fits into one request."""

    loaded: tuple[Loaded, ...]

    @property
    def batch(self) -> Batch:
        """The pictures in it."""
        return Batch(tuple(one.picture for one in self.loaded))


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a picture.

    Args:
        good: it is in the project with its marks.
        image: its id there, "" where it is not.
        status: the service's last word.
        reason: why it failed.
        attempts: how often it was sent.
    """

    good: bool
    image: str
    status: str
    reason: str
    attempts: int


_JPEG = Limits(formats=frozenset({"JPEG"}), max_bytes=PICTURE.max_bytes, max_side=PICTURE.max_side)


def packed(batch: Batch, most: int) -> Iterator[Part]:
    """The batch in parts of at most `most` characters of base64 (a single larger picture goes alone)."""
    part: list[Loaded] = []
    characters = 0
    for picture in batch.pictures:
        one = _loaded(picture)
        if part and characters + one.characters > most:
            yield Part(tuple(part))
            part, characters = [], 0
        part.append(one)
        characters += one.characters
    if part:
        yield Part(tuple(part))


def _loaded(picture: Ready) -> Loaded:
    if not picture.size:
        return Loaded(picture)
    try:
        return Loaded(picture, images.load(picture.sources[0]).prepare(PICTURE).data)
    except ImageError as error:
        return Loaded(picture, reason=error.reason)
