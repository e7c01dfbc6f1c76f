"""What is wrong with pictures and marks, found before anything is uploaded."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from cloudvision import images
from cloudvision._printable import printable_source, visible
from cloudvision.annotations import Annotated, Annotations, Mark
from cloudvision.customvision._marks import UnfitError, fitting, together
from cloudvision.customvision.answers import Kind
from cloudvision.customvision.limits import LEAST_IMAGES, MOST_RATIO, TIERS
from cloudvision.errors import ImageError

PREPARATION = 1
"""Version of what is done to a picture before it is sent."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A picture that can be uploaded.

    Args:
        sources: where it is; more than one where files have the same bytes.
        marks: names, for object detection with boxes within the picture.
        key: of these bytes with these marks, for the notes of an upload.
        size: bytes of the file; 0 for a URL, which the service fetches itself.
    """

    sources: tuple[str, ...]
    marks: tuple[Mark, ...]
    key: str
    size: int

    @property
    def shown(self) -> str:
        """Its (first) source as it may be printed."""
        return shown(self.sources[0])


@dataclass(frozen=True, slots=True)
class Preflight:
    """What a look at all pictures has shown.

    Args:
        ready: what can be uploaded.
        blocking: why a training on this would fail, or an upload end halfway; empty where all is well.
        left_out: pictures that cannot be used, each with its reason.
        notes: what will be done that was not asked for.
        counts: images of each label among `ready`.
    """

    ready: tuple[Ready, ...]
    blocking: tuple[str, ...]
    left_out: tuple[str, ...]
    notes: tuple[str, ...]
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Seen:
    item: Annotated
    marks: tuple[Mark, ...]
    notes: tuple[str, ...]
    digest: str
    size: int


def check(
    annotations: Annotations,
    *,
    kind: Kind,
    tier: str = "S0",
    negative: str | None = None,
    already: Mapping[str, int] | None = None,
    threads: int = 4,
) -> Preflight:
    """Look at every picture and every mark; nothing is sent.

    Args:
        negative: the label of pictures that show none of the others; also given to pictures without a mark.
        already: images of each tag that are in the project.
        threads: that read files.
    """
    noted: Counter[str] = Counter()
    left_out = list(annotations.problems)
    by_digest: dict[str, list[_Seen]] = {}
    with ThreadPoolExecutor(threads) as pool:
        for seen in pool.map(lambda item: _look(item, kind, negative), annotations.items):
            if isinstance(seen, _Seen):
                noted.update(seen.notes)
                by_digest.setdefault(seen.digest, []).append(seen)
            else:
                left_out.append(seen)
    ready: list[Ready] = []
    for same in by_digest.values():
        try:
            ready.append(_joined(same, kind, noted))
        except UnfitError as error:
            left_out += [f"{shown(seen.item.source)}: {error}" for seen in same]
    counts = Counter(name for one in ready for name in {mark.name for mark in one.marks})
    blocking = _blocking(kind, tier, len(ready), counts, annotations.labels, already or {}, negative)
    notes = [note if times == 1 else f"{note} ({times} times)" for note, times in noted.items()]
    return Preflight(tuple(ready), tuple(blocking), tuple(left_out), tuple(notes), dict(counts))


def shown(source: str) -> str:
    """A source as it may be printed."""
    text = visible(printable_source(source)) if "://" in source else visible(source)
    # A file's name may hold bytes that are no UTF-8, which Python keeps as half surrogate pairs, and nothing can print.
    return text.encode("utf-8", "backslashreplace").decode()


def _look(item: Annotated, kind: Kind, negative: str | None) -> _Seen | str:
    """What is needed of a picture, or why it cannot be used."""
    try:
        marks, said = fitting(item.marks, kind=kind, negative=negative)
        if item.is_url:
            return _Seen(item, marks, said, item.source, 0)
        image = images.load(Path(item.source))
        if max(image.width, image.height) > MOST_RATIO * min(image.width, image.height):
            raise UnfitError(f"{image.width}x{image.height} pixels: one side is over {MOST_RATIO} times the other")
        if kind == "detection" and image.orientation != 1:
            # The stored pixels lie on their side: annotation tools differ in which of the two they show.
            said = (
                *said,
                "is turned by its EXIF orientation, and its boxes are taken for those of the upright picture",
            )
        return _Seen(item, marks, said, image.digest, len(image.data))
    except ImageError as error:
        return visible(str(error))
    except UnfitError as error:
        return f"{shown(item.source)}: {error}"


def _joined(same: list[_Seen], kind: Kind, noted: Counter[str]) -> Ready:
    """One picture of those with the same bytes, for the service keeps them once."""
    marks = together(seen.marks for seen in same)
    if len(same) > 1:
        noted["is there more than once, and is uploaded once"] += len(same) - 1
    if kind == "multiclass" and len(marks) > 1:
        names = ", ".join(sorted(mark.name for mark in marks))
        others = f" (the same picture as {shown(same[-1].item.source)})" if len(same) > 1 else ""
        raise UnfitError(f"has several labels, {names}, where one is taken{others}")
    boxes = [[m.name, *((m.box.left, m.box.top, m.box.width, m.box.height) if m.box else ())] for m in marks]
    facts = json.dumps([PREPARATION, same[0].digest, sorted(boxes, key=json.dumps)])
    key = hashlib.sha256(facts.encode("utf-8", "surrogatepass")).hexdigest()
    return Ready(tuple(seen.item.source for seen in same), marks, key, same[0].size)


def _blocking(
    kind: Kind,
    tier: str,
    ready: int,
    counts: Mapping[str, int],
    labels: Iterable[str],
    already: Mapping[str, int],
    negative: str | None,
) -> list[str]:
    limits, least = TIERS[tier.upper()], LEAST_IMAGES[kind]
    names = dict.fromkeys([*labels, *counts, *already])
    found = []
    for name in names:
        have = counts.get(name, 0) + already.get(name, 0)
        if have < least and name != negative:
            found.append(f"{visible(name)!r} has {have} of the {least} images that each tag needs")
    if len([name for name in names if name != negative]) < (1 if kind == "detection" else 2):
        found.append(
            "object detection needs a label" if kind == "detection" else "classification needs two labels or more"
        )
    if len(names) > limits.tags:
        found.append(f"{len(names)} labels, where the tier {tier} takes {limits.tags}")
    if ready > limits.images:
        found.append(f"{ready} images, where the tier {tier} takes {limits.images}")
    return found
