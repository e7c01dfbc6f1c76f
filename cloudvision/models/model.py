"""A model opened for inference: pictures in, labels or regions out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

import numpy as np

from cloudvision.errors import ConfigError
from cloudvision.geometry import Box
from cloudvision.images import Image
from cloudvision.models.custom_vision_export import is_export, read_export
from cloudvision.models.description import Description, DetectSettings, Kind
from cloudvision.models.files import files_of
from cloudvision.models.fitting import GREY, Fitted, enough, fit
from cloudvision.models.folder import CONFIG, GRAPH, QUANTISED, Found, read_folder
from cloudvision.models.graph import Graph, MisfitError
from cloudvision.models.layout import Layout, Scored
from cloudvision.models.prediction import Prediction
from cloudvision.models.suppression import suppress
from cloudvision.results import Label, Region


@dataclass(frozen=True, slots=True)
class Model:
    """Threads may share it: nothing is kept between two calls.

    Args:
        description: what config.json says.
        digest: SHA-256, hex, over config and graph: another one may answer otherwise.
    """

    description: Description
    digest: str
    layout: Layout = field(repr=False)
    graph: Graph = field(repr=False)

    @classmethod
    def open(cls, path: str | PathLike[str], /, *, threads: int = 1, quantised: bool = False) -> Model:
        """Open a model folder, and try it on one grey picture.

        Args:
            path: the folder, a .zip of it, or its model.int8.onnx, which is then run.
            threads: that one `run` takes; with many callers at once, 1 is best.
            quantised: run model.int8.onnx, which is smaller and on most machines quicker.

        Raises:
            ConfigError: a file is missing, or graph, digest and config do not fit each other; the message says what.
        """
        if threads < 1:
            raise ConfigError(f"threads must be at least 1, not {threads}")
        folder = Path(path)
        if folder.name == QUANTISED:
            folder, quantised = folder.parent, True
        files = files_of(folder)
        if CONFIG in files.names:
            return _opened(read_folder(files, threads=threads, quantised=quantised), where=files.path)
        if not is_export(files):
            raise ConfigError(
                f"{files.path}: is no model: a model folder has {CONFIG} and {GRAPH}, an export of Custom Vision has "
                f"{GRAPH} and labels.txt, and here is {', '.join(files.names[:8]) or 'nothing'}"
            )
        if quantised:
            raise ConfigError(f"{files.path}: an export of Custom Vision has no {QUANTISED}; leave quantised out")
        return _opened(read_export(files, threads=threads), where=files.path)

    @property
    def name(self) -> str:
        return self.description.name

    @property
    def kind(self) -> Kind:
        return self.description.kind

    @property
    def labels(self) -> tuple[str, ...]:
        return self.description.labels

    @property
    def version(self) -> str | None:
        return self.description.version

    @property
    def background(self) -> str | None:
        """Which of the labels means "nothing of this"."""
        return self.description.background

    @property
    def sentences(self) -> Mapping[str, str]:
        """What to tell people of a label."""
        return dict(self.description.sentences)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels of the graph's input."""
        return self.description.input.width, self.description.input.height

    @property
    def one_by_one(self) -> bool:
        """True where a batch is run one picture after the other."""
        return self.layout.single or self.graph.one_by_one

    def prepare(self, image: Image) -> Fitted:
        """Decode the picture and make it what the graph takes.

        Raises:
            ImageError: it does not decode.
        """
        wanted = self.description.input
        size, shown = {"width": wanted.width, "height": wanted.height}, wanted.shown
        side = enough(**size, of=(image.width, image.height), shown=shown)
        rgb, place = fit(image.pixels(max_side=side), **size, resize=wanted.resize, shown=shown)
        return Fitted(self.layout.pixels(rgb), place)

    def run(self, batch: Sequence[Fitted], *, threshold: float | None = None) -> tuple[Prediction, ...]:
        """One inference over pictures that `prepare` has made.

        Args:
            threshold: of a detector: less sure regions are left out; by default the model's own.

        Raises:
            ConfigError: the graph cannot be run, or its answer does not fit its labels.
        """
        parts = [[each] for each in batch] if self.one_by_one else [list(batch)] if batch else []
        return tuple(
            self._prediction(scored, fitted, threshold)
            for part in parts
            for scored, fitted in zip(self._scored(part), part, strict=True)
        )

    def predict(self, image: Image, *, threshold: float | None = None) -> Prediction:
        """`prepare` and `run` for one picture; raises what they raise."""
        return self.run([self.prepare(image)], threshold=threshold)[0]

    def _scored(self, part: list[Fitted]) -> tuple[Scored, ...]:
        try:
            outputs = self.graph.run(np.stack([each.pixels for each in part]), self.layout.outputs)
            return self.layout.read(outputs, count=len(part))
        except MisfitError as exc:
            raise ConfigError(f"model {self.name}: the graph does not answer as it should: {exc}") from exc

    def _prediction(self, scored: Scored, fitted: Fitted, threshold: float | None) -> Prediction:
        names = self.labels
        if scored.boxes is None:
            order = np.argsort(-scored.scores, kind="stable")
            return Prediction(tuple(Label(names[i], _share(scored.scores[i])) for i in order), None)
        settings = self.description.detect or DetectSettings()
        kept = suppress(
            scored.boxes,
            scored.scores,
            threshold=settings.threshold if threshold is None else threshold,
            overlap=math.inf if self.layout.suppressed else settings.overlap,
            most=settings.most,
        )
        regions = (
            Region(names[label], _share(score), fitted.in_picture(_box(*map(float, scored.boxes[cell]))))
            for cell, label, score in kept
        )
        return Prediction(None, tuple(regions))


def _opened(found: Found, *, where: Path) -> Model:
    model = Model(found.description, found.digest, found.layout, found.graph)
    width, height = model.size
    grey = np.full((height, width, 3), GREY, dtype=np.uint8)
    try:
        model.run([Fitted(found.layout.pixels(grey))])
    except ConfigError as exc:
        raise ConfigError(f"{where}: {exc}") from exc
    return model


def _box(left: float, top: float, right: float, bottom: float) -> Box:
    return Box(left, top, right - left, bottom - top)


def _share(score: float) -> float:
    return min(1.0, max(0.0, float(score)))
