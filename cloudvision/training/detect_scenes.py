"""Pictures with boxes, as the detector's trainer holds them, and how those that are to judge are kept apart."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image

from cloudvision.annotations import Annotations, Mark
from cloudvision.errors import ConfigError, ImageError
from cloudvision.training.given import Source, loaded, name_of

_ALIKE = 0.7  # correlation of their details: pictures that look that much alike are never parted
_DETAIL = 24  # places across and down at which pictures are compared


@dataclass(frozen=True, slots=True)
class BoxExample:
    """A picture and what is in it.

    Args:
        picture: a path, the bytes of a file, an array, a Pillow image, or what `images.load` gave.
        marks: with boxes; none for a picture that shows nothing of the labels.
        group: pictures of one group are never parted between learning and judging; "" stands alone.
    """

    picture: Source = field(repr=False)
    marks: tuple[Mark, ...]
    group: str = ""


@dataclass(frozen=True, slots=True)
class Scene:
    """A picture that decodes.

    Args:
        pixels: (h, w, 3) RGB.
        boxes: (n, 4) left, top, right, bottom as fractions of the picture, without what lies outside.
        labels: (n,) indices of labels.
        digest: SHA-256 (hex) over the picture and its boxes.
        looks: (k,) of length 1: the correlation of two pictures' details is their product.
    """

    pixels: NDArray[np.uint8]
    boxes: NDArray[np.float32]
    labels: NDArray[np.int64]
    digest: str
    looks: NDArray[np.float64]
    group: str = ""


def box_examples_of(annotations: Annotations) -> tuple[BoxExample, ...]:
    """What people have as truth. The groups of annotations are folders, which say nothing of boxes, and are not taken.

    Raises:
        ConfigError: URLs are listed, which are not fetched here, or nothing has a box.
    """
    if far := sum(item.is_url for item in annotations.items):
        raise ConfigError(f"{far} pictures are URLs; download them first: training reads every picture many times")
    if not annotations.has_boxes:
        raise ConfigError(
            f"none of {len(annotations.items)} pictures has a box: a detector learns from boxes (VOC, COCO, YOLO, or CSV and"
            " JSONL with boxes)"
        )
    return tuple(BoxExample(item.source, item.marks) for item in annotations.items)


def box_labels_of(examples: Sequence[BoxExample]) -> tuple[str, ...]:
    """All labels, in alphabetical order."""
    return tuple(sorted({mark.name for example in examples for mark in example.marks}))


def read_scenes(
    examples: Sequence[BoxExample], labels: Sequence[str], *, side: int
) -> tuple[tuple[Scene, ...], tuple[str, ...]]:
    """Decode every picture once, the longer side at most `side` pixels; the second part lists those that do not decode.

    Raises:
        ConfigError: a mark has no box, or none of the labels; or no picture that decodes has one.
    """
    place = {label: number for number, label in enumerate(labels)}
    scenes, problems = [], []
    for example in examples:
        boxes = [mark.box for mark in example.marks if mark.box is not None]
        if len(boxes) < len(example.marks):
            raise ConfigError(f"{name_of(example.picture)} has a label without a box: a detector learns from boxes")
        if unknown := {mark.name for mark in example.marks} - set(labels):
            raise ConfigError(
                f"{name_of(example.picture)} has the label {min(unknown)!r}, which is not among {', '.join(labels)}"
            )
        corners = np.array([(b.left, b.top, b.right, b.bottom) for b in boxes], dtype=np.float32).reshape(-1, 4)
        numbers = np.array([place[mark.name] for mark in example.marks], dtype=np.int64)
        try:
            image = loaded(example.picture)
            pixels = image.pixels(max_side=side)
        except ImageError as error:
            problems.append(str(error))
            continue
        digest = hashlib.sha256(image.digest.encode() + corners.tobytes() + numbers.tobytes()).hexdigest()
        scenes.append(Scene(pixels, np.clip(corners, 0, 1), numbers, digest, _looks(pixels), example.group))
    if not any(len(scene.boxes) for scene in scenes):
        said = f"; {len(problems)} were left out: {problems[0]}" if problems else ""
        raise ConfigError(f"none of {len(scenes)} pictures has a box to learn from{said}")
    return tuple(scenes), tuple(problems)


def data_digest(scenes: Sequence[Scene]) -> str:
    """SHA-256 (hex) over all pictures and boxes, in whatever order they come."""
    return hashlib.sha256("\n".join(sorted(scene.digest for scene in scenes)).encode()).hexdigest()


def hold_out(scenes: Sequence[Scene], *, share: float, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices of the pictures that train, and of about `share` of all that do not; no two that look alike are parted.

    Pictures are dealt label by label, rare ones first, so that each label is on both sides where it can be.

    Raises:
        ConfigError: nothing, or everything, would be held out, and `share` is not 0.
    """
    if not share:
        return np.arange(len(scenes)), np.zeros(0, dtype=np.int64)
    rng = np.random.default_rng(seed)
    kin = alike(scenes)
    families = [np.flatnonzero(kin == k) for k in rng.permutation(np.unique(kin))]
    most = 1 + max((int(scene.labels.max()) for scene in scenes if len(scene.labels)), default=0)
    has = np.array([np.bincount(scene.labels, minlength=most) > 0 for scene in scenes])
    counts = has.sum(0)
    held: list[int] = []
    for label in [*np.argsort(counts, kind="stable"), most]:
        # Of each family its rarest label decides; pictures without boxes come last.
        mine = [f for f in families if _rarest(np.asarray(has[f].any(axis=0)), counts, most) == label]
        wanted, so_far = round(share * sum(len(f) for f in mine)), 0
        for family in sorted(mine, key=len):
            if so_far + len(family) <= wanted:
                held.extend(int(i) for i in family)
                so_far += len(family)
    if not 0 < len(held) < len(scenes):
        raise ConfigError(
            f"of {len(scenes)} pictures {len(held)} would be held out: give more pictures, or another share"
        )
    rest = np.setdiff1d(np.arange(len(scenes)), held)
    return rest, np.array(sorted(held), dtype=np.int64)


def alike(scenes: Sequence[Scene]) -> NDArray[np.int64]:
    """(n,) the number of each picture's family: pictures of one group or that look alike, and those related to these."""
    kin = np.arange(len(scenes))
    for i, one in enumerate(scenes):
        for j, other in enumerate(scenes[:i]):
            related = one.looks @ other.looks >= _ALIKE or (one.group and one.group == other.group)
            if related and kin[i] != kin[j]:
                kin[kin == kin[i]] = kin[j]
    return kin


def _rarest(there: NDArray[np.bool_], counts: NDArray[np.int64], most: int) -> int:
    return int(min(np.flatnonzero(there), key=lambda label: counts[label], default=most))


def _looks(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """How much lighter each of 24 x 24 places is than its surroundings: large plain backgrounds say nothing."""
    small = Image.fromarray(pixels).convert("L").resize((_DETAIL, _DETAIL), Image.Resampling.BOX)
    around = np.pad(np.asarray(small, dtype=np.float64), 2, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(around, (5, 5))
    detail = (windows[:, :, 2, 2] - windows.mean((2, 3))).ravel()
    return np.asarray(detail / max(float(np.linalg.norm(detail)), 1e-9))


def choice(rng: Generator, scenes: Sequence[Scene], *, with_boxes: bool = False) -> Scene:
    """One at random; with `with_boxes` one that has some."""
    among = [scene for scene in scenes if len(scene.boxes)] if with_boxes else scenes
    return among[int(rng.integers(len(among)))]
