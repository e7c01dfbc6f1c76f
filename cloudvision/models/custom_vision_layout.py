"""Inputs and outputs of the graphs that Custom Vision exports, one family a domain."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cloudvision.models.graph import MisfitError
from cloudvision.models.layout import Scored, checked, within

ANCHORS = ((0.573, 0.677), (1.87, 2.06), (3.34, 5.47), (7.88, 3.53), (9.77, 9.17))
"""Widths and heights of the boxes that a grid's offsets start from, in cells; of the vendor's sample scripts."""

_BOX = 5  # x, y, width, height and whether there is anything


@dataclass(frozen=True, slots=True)
class Pixels:
    """Order and range of an input's channels: blue first or red first, to 255 or to 1."""

    bgr: bool
    full: bool

    def of(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(height, width, 3) RGB -> (3, height, width)."""
        ordered = rgb[..., ::-1] if self.bgr else rgb
        planes = np.ascontiguousarray(ordered.transpose(2, 0, 1), dtype=np.float32)
        return planes if self.full else planes / np.float32(255)


@dataclass(frozen=True, slots=True)
class Classifier:
    """A probability a label: by name (a sequence of maps, beside the best label), or in the order of labels.txt."""

    order: Pixels
    input: str
    output: str
    labels: tuple[str, ...]
    named: bool
    suppressed: bool = False
    single: bool = False

    @property
    def outputs(self) -> tuple[str, ...]:
        return (self.output,)

    def pixels(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        return self.order.of(rgb)

    def read(self, outputs: Sequence[Any], *, count: int) -> tuple[Scored, ...]:
        rows = [self._by_name(each) for each in outputs[0]] if self.named else outputs[0]
        scores = checked(self.output, np.asarray(rows, dtype=np.float32), (count, len(self.labels)))
        within(self.output, scores)
        return tuple(Scored(each) for each in scores)

    def _by_name(self, scores: dict[str, float]) -> list[float]:
        told = {html.unescape(name.strip()): score for name, score in scores.items()}
        if set(told) != set(self.labels):
            raise MisfitError(
                f"{self.output} has the labels {sorted(told)!r:.200}, labels.txt {list(self.labels)!r:.200}"
            )
        return [told[name] for name in self.labels]


@dataclass(frozen=True, slots=True)
class Detector:
    """Boxes with one label and one score each, overlapping ones left out inside the graph."""

    order: Pixels
    input: str
    labels: int
    suppressed: bool = True
    single: bool = True

    @property
    def outputs(self) -> tuple[str, ...]:
        return "detected_boxes", "detected_classes", "detected_scores"

    def pixels(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        return self.order.of(rgb)

    def read(self, outputs: Sequence[Any], *, count: int) -> tuple[Scored, ...]:  # noqa: ARG002 - always one
        boxes = np.asarray(outputs[0], dtype=np.float32).reshape(-1, 4)
        classes, found = (np.asarray(each).reshape(-1) for each in outputs[1:])
        checked("detected_scores", np.asarray(found, dtype=np.float32), (len(boxes),))
        if classes.shape != found.shape or (len(classes) and not 0 <= classes.min() <= classes.max() < self.labels):
            raise MisfitError(f"detected_classes are not one of {self.labels} labels for each of {len(boxes)} boxes")
        within("detected_scores", found)
        scores = np.zeros((len(boxes), self.labels), dtype=np.float32)
        scores[np.arange(len(boxes)), classes.astype(np.int64)] = found
        return (Scored(scores, checked("detected_boxes", boxes, boxes.shape)),)


@dataclass(frozen=True, slots=True)
class Grid:
    """The last layer of a network of the second YOLO generation: for each cell and anchor, offsets, presence and labels.

    (n, anchors * (5 + labels), rows, columns). The middle of a box is its cell plus x and y, its size the anchor times
    exp(width) and exp(height), all in cells; the score of a label is its share among the labels times the presence.
    """

    order: Pixels
    input: str
    output: str
    labels: int
    anchors: tuple[tuple[float, float], ...] = ANCHORS
    suppressed: bool = False
    single: bool = False

    @property
    def outputs(self) -> tuple[str, ...]:
        return (self.output,)

    def pixels(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        return self.order.of(rgb)

    def read(self, outputs: Sequence[Any], *, count: int) -> tuple[Scored, ...]:
        values = np.asarray(outputs[0], dtype=np.float32)
        rows, columns = values.shape[2:]
        values = checked(self.output, values, (count, len(self.anchors) * (_BOX + self.labels), rows, columns))
        split = values.reshape(count, len(self.anchors), _BOX + self.labels, rows, columns).transpose(0, 3, 4, 1, 2)
        return tuple(self._scored(each) for each in split)

    def _scored(self, values: NDArray[np.float32]) -> Scored:
        """(rows, columns, anchors, 5 + labels) -> its boxes and scores."""
        rows, columns = values.shape[:2]
        cells = np.array([columns, rows], dtype=np.float32)
        at = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1)[:, :, np.newaxis]
        middle = (values[..., :2] + at) / cells
        # A box of e^20 cells is as wrong as one of e^80, and the former is a number.
        half = np.exp(np.minimum(values[..., 2:4], 20)) * np.array(self.anchors, dtype=np.float32) / cells / 2
        boxes = np.concatenate([middle - half, middle + half], axis=-1).reshape(-1, 4)
        presence = 1 / (1 + np.exp(-np.clip(values[..., 4:5], -80, 80)))
        shares = np.exp(values[..., _BOX:] - values[..., _BOX:].max(axis=-1, keepdims=True))
        scores = (shares / shares.sum(axis=-1, keepdims=True) * presence).reshape(-1, self.labels)
        return Scored(scores.astype(np.float32), boxes.astype(np.float32))
