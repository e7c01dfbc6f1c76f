"""Labelled pictures for training: what they are, and which of them train, stop and judge."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cloudvision.errors import ConfigError
from cloudvision.gate.criterion import Criterion
from cloudvision.gate.labels import data_digest, read_labels
from cloudvision.training.data import Sample, folds, read_corpus

FOLDS = 5
_NAMES = ("judge", "stop", "train")


@dataclass(frozen=True, slots=True)
class Labelled:
    """n pictures in one order.

    Args:
        samples: (n,) with lines, where the folder is a corpus; else with yes or no alone.
        truth: (n,) worth a call.
        weights: (n,) how many pictures of the stream each stands for; NaN where nobody knows.
        sha256: (n,) of the files.
        digest: of pictures and truths together.
        dense: the lines are known.
    """

    samples: tuple[Sample, ...]
    truth: NDArray[np.bool_]
    weights: NDArray[np.float64]
    sha256: tuple[str, ...]
    digest: str
    dense: bool


@dataclass(frozen=True, slots=True)
class Parts:
    """Indices of the pictures that train, that decide when to stop, and that judge (and calibrate) what came out.

    `by` is "group" or "picture": what is never parted.
    """

    train: NDArray[np.int64]
    stop: NDArray[np.int64]
    judge: NDArray[np.int64]
    by: str


def read(place: Path, *, group: str | None, criterion: Criterion) -> Labelled:
    """Read a corpus (manifest.csv and lines.jsonl), a folder with true/ and false/, or a label file.

    Raises:
        ConfigError: it cannot be used; see `read_labels` and `read_corpus`.
    """
    if (place / "manifest.csv").is_file():
        samples = read_corpus(place)
        missing = [sample.path for sample in samples if not sample.path.is_file()]
        if missing:
            raise ConfigError(
                f"{place}: {len(missing)} of {len(samples)} pictures are not there, the first is {missing[0]}"
            )
        weights, dense = np.ones(len(samples)), True
    else:
        labels = read_labels(place, group=group)
        samples = tuple(Sample(label.path, label.group, (), label.worth) for label in labels)
        weights, dense = np.array([np.nan if label.weight is None else label.weight for label in labels]), False
    truth = np.array([sample.is_worth(criterion) for sample in samples], dtype=bool)
    sha256 = tuple(hashlib.sha256(sample.path.read_bytes()).hexdigest() for sample in samples)
    return Labelled(samples, truth, weights, sha256, data_digest(zip(sha256, map(bool, truth), strict=True)), dense)


def part(labelled: Labelled, *, seed: int) -> Parts:
    """Three fifths train, one fifth stops, one fifth judges; no group is parted where there are five of them or more.

    With fewer groups no picture is parted from its copies, and what is measured holds for pictures of the same groups only.

    Raises:
        ConfigError: a part has pictures of one class only.
    """
    grouped = len({sample.group for sample in labelled.samples}) >= FOLDS
    samples = labelled.samples
    if not grouped:
        samples = tuple(replace(one, group=name) for one, name in zip(samples, labelled.sha256, strict=True))
    fold = folds(samples, count=FOLDS, seed=seed)
    if not grouped:  # pictures can be dealt class by class, so that every part has both
        for side in (np.flatnonzero(labelled.truth), np.flatnonzero(~labelled.truth)):
            fold[side] = folds(tuple(samples[i] for i in side), count=FOLDS, seed=seed)
    found = [np.flatnonzero(fold == 0), np.flatnonzero(fold == 1), np.flatnonzero(fold > 1)]
    for name, members in zip(_NAMES, found, strict=True):
        positives = int(labelled.truth[members].sum())
        if not 0 < positives < len(members):
            raise ConfigError(
                f"of {len(members)} pictures that are to {name} {positives} are worth a call, and both classes are needed in"
                " each of the three parts: give more pictures, more groups, or another --seed"
            )
    return Parts(train=found[2], stop=found[1], judge=found[0], by="group" if grouped else "picture")
