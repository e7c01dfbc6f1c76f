"""Pictures with labels, as they are learned from: read, checked, and made the size that the network takes."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cloudvision.annotations import Annotations, joined
from cloudvision.errors import ConfigError, ImageError
from cloudvision.models import InputSettings, fit
from cloudvision.models.fitting import enough
from cloudvision.training.given import Source, loaded, name_of

MARGIN = 1.25  # pictures to learn from are kept so much larger than the input, so that they stay sharp when zoomed in


@dataclass(frozen=True, slots=True)
class Example:
    """A picture and its labels.

    Args:
        picture: a path, the bytes of a file, an array, a Pillow image, or what `images.load` gave.
        labels: exactly one for a classifier; any number, also none, for a multilabel one.
        group: pictures of one group are never parted between learning and judging; "" stands alone.
    """

    picture: Source = field(repr=False)
    labels: tuple[str, ...]
    group: str = ""


@dataclass(frozen=True, slots=True)
class Pictures:
    """n pictures that decode, in one order.

    Args:
        large: (n, h, w, 3) uint8, MARGIN times the input: to be changed and learned from.
        seen: (n, height, width, 3) uint8: exactly what the network sees of each when it is used.
        truth: (n, labels) bool.
        groups: (n,) a name each; equal files share one.
        digest: SHA-256 over files and labels.
        problems: pictures that were left out, and why.
    """

    large: NDArray[np.uint8]
    seen: NDArray[np.uint8]
    labels: tuple[str, ...]
    truth: NDArray[np.bool_]
    groups: tuple[str, ...]
    digest: str
    problems: tuple[str, ...]


def examples_of(annotations: Annotations, *, multilabel: bool) -> tuple[Example, ...]:
    """What people have as truth; boxes count for the whole picture. Files with the same bytes become one picture.

    Raises:
        ConfigError: URLs are listed, which are not fetched here, or pictures have several labels and `multilabel` is off.
    """
    items = joined(annotations).items
    if far := sum(item.is_url for item in items):
        raise ConfigError(f"{far} pictures are URLs; download them first: training reads every picture many times")
    found = tuple(
        Example(item.source, tuple(dict.fromkeys(mark.name for mark in item.marks)), item.group) for item in items
    )
    if not multilabel:
        check_single(found)
    return found


def check_single(examples: Sequence[Example]) -> None:
    """Raises ConfigError where a picture has no label, or several."""
    odd = [example for example in examples if len(example.labels) != 1]
    if odd:
        first = f"{name_of(odd[0].picture)} ({', '.join(odd[0].labels) or 'none'})"
        raise ConfigError(
            f"{len(odd)} of {len(examples)} pictures have no label or several, such as {first}: remove"
            " them, or train with multilabel (--multilabel)"
        )


def labels_of(examples: Sequence[Example]) -> tuple[str, ...]:
    """All labels, in alphabetical order."""
    return tuple(sorted({label for example in examples for label in example.labels}))


def check_counts(examples: Sequence[Example], labels: Sequence[str], *, multilabel: bool, least: int) -> None:
    """Raises ConfigError where there are too few classes, or too few pictures of one."""
    counts = Counter(label for example in examples for label in example.labels)
    if unknown := sorted(set(counts) - set(labels)):
        raise ConfigError(f"pictures have the label {unknown[0]!r}, which is not among {', '.join(labels)}")
    if len(labels) < (1 if multilabel else 2):
        raise ConfigError(
            f"there is only {', '.join(map(repr, labels)) or 'nothing'} to tell apart: give pictures of two classes or more"
        )
    if few := [f"{label} has {counts[label]}" for label in labels if counts[label] < least]:
        raise ConfigError(f"each class needs {least} usable pictures or more: {', '.join(few)}")
    if multilabel and (everywhere := [label for label in labels if counts[label] == len(examples)]):
        raise ConfigError(f"every picture has the label {everywhere[0]!r}: give some without it")


def look(
    examples: Sequence[Example], labels: tuple[str, ...], *, size: InputSettings, folder: Path | None = None
) -> Pictures:
    """Decode every picture once; those that do not decode are left out and listed.

    Args:
        folder: where the pixels are kept while training goes on; in memory without one.
    """
    kept: list[tuple[Example, str]] = []
    problems = []
    large_size = round(size.width * MARGIN), round(size.height * MARGIN)
    large = _room(folder, "large", (len(examples), large_size[1], large_size[0], 3))
    seen = _room(folder, "seen", (len(examples), size.height, size.width, 3))
    for example in examples:
        try:
            image = loaded(example.picture)
            side = enough(width=size.width, height=size.height, of=(image.width, image.height))
            small = image.pixels(max_side=side)
            side = enough(width=large_size[0], height=large_size[1], of=(image.width, image.height))
            rgb = image.pixels(max_side=side)
        except ImageError as error:
            problems.append(str(error))
            continue
        at = len(kept)
        seen[at], _ = fit(small, width=size.width, height=size.height, resize=size.resize)
        large[at], _ = fit(rgb, width=large_size[0], height=large_size[1], resize=size.resize)
        kept.append((example, image.digest))
    place = {label: n for n, label in enumerate(labels)}
    truth = np.zeros((len(kept), len(labels)), dtype=bool)
    for at, (example, _) in enumerate(kept):
        truth[at, [place[label] for label in example.labels]] = True
    return Pictures(
        large=large[: len(kept)],
        seen=seen[: len(kept)],
        labels=labels,
        truth=truth,
        groups=tuple(example.group or digest for example, digest in kept),
        digest=_digest((digest, example.labels) for example, digest in kept),
        problems=tuple(problems),
    )


def _room(folder: Path | None, name: str, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    if folder is None:
        return np.empty(shape, dtype=np.uint8)
    folder.mkdir(parents=True, exist_ok=True)
    return np.lib.format.open_memmap(folder / f"{name}.npy", mode="w+", dtype=np.uint8, shape=shape)


def _digest(rows: Any) -> str:
    lines = sorted(json.dumps([digest, sorted(labels)]) for digest, labels in rows)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
