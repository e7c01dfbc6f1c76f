"""How pixels go into a graph, and what its outputs mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cloudvision.models.graph import MisfitError


@dataclass(frozen=True, slots=True)
class Scored:
    """What a graph says of one picture.

    Args:
        scores: (labels,) of a classifier, (cells, labels) of a detector; 0 to 1.
        boxes: (cells, 4) left, top, right, bottom as fractions of the input; None of a classifier.
    """

    scores: NDArray[np.float32]
    boxes: NDArray[np.float32] | None = None


class Layout(Protocol):
    """The inputs and outputs of one family of graphs. Keeps nothing between two calls."""

    @property
    def input(self) -> str:
        """Name of the graph's input: float32 (n, 3, height, width)."""
        ...

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the outputs that `read` wants, in its order."""
        ...

    @property
    def suppressed(self) -> bool:
        """True where the graph itself has left out all but the surest of overlapping boxes."""
        ...

    @property
    def single(self) -> bool:
        """True where the outputs can only speak of one picture, whatever the input takes."""
        ...

    def pixels(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(height, width, 3) RGB -> (3, height, width) as the graph wants it."""
        ...

    def read(self, outputs: Sequence[Any], *, count: int) -> tuple[Scored, ...]:
        """The outputs of one run over `count` pictures.

        Raises:
            MisfitError: a shape or a value is not what it should be.
        """
        ...


@dataclass(frozen=True, slots=True)
class OwnLayout:
    """Of a model folder of format 1: RGB from 0 to 255, everything else is inside the graph."""

    labels: int
    detects: bool
    input: str = "pixels"
    suppressed: bool = False
    single: bool = False

    @property
    def outputs(self) -> tuple[str, ...]:
        return ("boxes", "scores") if self.detects else ("probabilities",)

    def pixels(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.ascontiguousarray(rgb.transpose(2, 0, 1), dtype=np.float32)

    def read(self, outputs: Sequence[Any], *, count: int) -> tuple[Scored, ...]:
        if not self.detects:
            probabilities = checked("probabilities", outputs[0], (count, self.labels))
            within("probabilities", probabilities)
            return tuple(Scored(each) for each in probabilities)
        boxes, scores = outputs
        cells = scores.shape[1] if scores.ndim == 3 else 0
        within("scores", checked("scores", scores, (count, cells, self.labels)))
        checked("boxes", boxes, (count, cells, 4))
        return tuple(Scored(scores[each], boxes[each]) for each in range(count))


def checked(name: str, values: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """`values`, if they are finite and of that shape."""
    if values.shape != shape:
        raise MisfitError(f"{name} has the shape {values.shape}, where {shape} was expected")
    if not np.isfinite(values).all():
        raise MisfitError(f"{name} holds values that are no numbers")
    return values


def within(name: str, values: NDArray[np.float32]) -> None:
    """Complain about scores that are no probabilities; rounding may take them a hair over 1."""
    if values.size and (values.min() < -1e-3 or values.max() > 1 + 1e-3):
        low, high = float(values.min()), float(values.max())
        raise MisfitError(f"{name} run from {low:.3g} to {high:.3g}: softmax or sigmoid must be inside the graph")
