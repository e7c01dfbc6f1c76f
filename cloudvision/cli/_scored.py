"""Labelled pictures and what a gate says of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.markup import escape
from rich.progress import track

from cloudvision import images
from cloudvision.cli._talk import say, stderr
from cloudvision.errors import ConfigError, ImageError
from cloudvision.gate import Gate
from cloudvision.gate.labels import Label, data_digest
from cloudvision.gate.metrics import Scores, Truth
from cloudvision.images import Image


@dataclass(frozen=True, slots=True)
class Scored:
    """n pictures that count, in one order.

    Args:
        labels: (n,) with a weight each.
        weights: (n,); `weighted` is False where all are 1.
        sha256: digest over pictures and truths.
    """

    labels: tuple[Label, ...]
    scores: Scores
    truth: Truth
    groups: tuple[str, ...]
    weights: NDArray[np.float64]
    weighted: bool
    sha256: str


def score(gate: Gate, labels: tuple[Label, ...]) -> Scored:
    """Judge every picture that has a weight, with a bar on a terminal.

    Raises:
        ConfigError: no picture of either class is left.
    """
    counted = [label for label in labels if label.weight is not None]
    if len(counted) < len(labels):
        say(
            f"{len(labels) - len(counted)} pictures are left out: a gate chose them, and nothing stands for what it skipped"
            " (run it with --audit)"
        )
    opened: list[tuple[Label, str]] = []
    judged: list[tuple[Label, str, float]] = []
    bar = track(
        gate.judge_many(_pictures(counted, opened)),
        "judging",
        total=len(counted),
        console=stderr,
        transient=True,
        disable=not stderr.is_terminal,
    )
    for number, verdict in enumerate(bar):
        if isinstance(verdict, ImageError):
            say(f"left out: {escape(str(verdict))}")
        else:
            judged.append((*opened[number], verdict.score))
    truth = np.array([label.worth for label, _, _ in judged], dtype=bool)
    if not truth.any() or truth.all():
        raise ConfigError(
            f"of {len(labels)} labels {int(truth.sum())} that count are worth a call; both classes are needed"
        )
    weights = np.array([label.weight for label, _, _ in judged], dtype=np.float64)
    return Scored(
        labels=tuple(label for label, _, _ in judged),
        scores=np.array([one for _, _, one in judged]),
        truth=truth,
        groups=tuple(label.group for label, _, _ in judged),
        weights=weights,
        weighted=bool((weights != 1).any()),
        sha256=data_digest((digest, label.worth) for label, digest, _ in judged),
    )


def _pictures(labels: list[Label], opened: list[tuple[Label, str]]) -> Iterator[Image]:
    """The pictures that can be opened; `opened` tells which they are, with their digests."""
    for label in labels:
        try:
            image = images.load(label.path)
        except ImageError as error:
            say(f"left out: {escape(str(error))}")
            continue
        opened.append((label, image.digest))
        yield image
