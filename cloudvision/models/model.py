"""A model opened for inference: pictures in, labels or regions out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from cloudvision._onnxruntime import failures, session
from cloudvision.errors import ConfigError
from cloudvision.geometry import Box
from cloudvision.images import Image
from cloudvision.models.description import Description, DetectSettings, Kind
from cloudvision.models.files import files_of
from cloudvision.models.fitting import GREY, Fitted, enough, fit
from cloudvision.models.folder import Found, read_folder
from cloudvision.models.layout import Layout, MisfitError, Scored
from cloudvision.models.prediction import Prediction
from cloudvision.models.suppression import suppress
from cloudvision.results import Label, Region


@dataclass(frozen=True, slots=True)
class Model:
    """Threads may share it: nothing is kept between two calls.

    Args:
        description: what config.json says.
        digest: SHA-256, hex, over config and graph: another one may answer otherwise.
        one_by_one: the graph takes one picture at a time; batches are run one after the other.
    """

    description: Description
    digest: str
    one_by_one: bool
    layout: Layout = field(repr=False)
    session: Any = field(repr=False)

    @classmethod
    def open(cls, path: str | PathLike[str], /, *, threads: int = 1, quantised: bool = False) -> Model:
        """Open a model folder, and try it on one grey picture.

        Args:
            path: the folder, or a .zip of it.
            threads: that one `run` takes; with many callers at once, 1 is best.
            quantised: run model.int8.onnx, which is smaller and on most machines quicker.

        Raises:
            ConfigError: a file is missing, or graph, digest and config do not fit each other; the message says what.
        """
        if threads < 1:
            raise ConfigError(f"threads must be at least 1, not {threads}")
        return _opened(read_folder(files_of(Path(path)), quantised=quantised), threads=threads)

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

    def prepare(self, image: Image) -> Fitted:
        """Decode the picture and make it what the graph takes.

        Raises:
            ImageError: it does not decode.
        """
        wanted = self.description.input
        side = enough(width=wanted.width, height=wanted.height, of=(image.width, image.height))
        rgb, place = fit(image.pixels(max_side=side), width=wanted.width, height=wanted.height, resize=wanted.resize)
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
        layout = self.layout
        try:
            outputs = self.session.run(list(layout.outputs), {layout.input: np.stack([each.pixels for each in part])})
            return layout.read(outputs, count=len(part))
        except _broken() as exc:
            raise ConfigError(f"model {self.name}: the graph does not answer as it should: {_short(exc)}") from exc

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
            overlap=1.0 if self.layout.suppressed else settings.overlap,
            most=settings.most,
        )
        regions = (
            Region(names[label], _share(score), fitted.in_picture(_box(*map(float, scored.boxes[cell]))))
            for cell, label, score in kept
        )
        return Prediction(None, tuple(regions))


def _opened(found: Found, *, threads: int) -> Model:
    try:
        opened = session(found.onnx, threads=threads)
    except failures() as exc:
        raise ConfigError(f"{found.where} cannot be opened: {_short(exc)}") from exc
    wanted, layout = found.description.input, found.layout
    inputs = {each.name: (each.type, list(each.shape)) for each in opened.get_inputs()}
    kind, shape = inputs.get(layout.input, ("", []))
    fits = kind in ("tensor(float)", "tensor(float16)") and len(shape) == 4 and len(inputs) == 1
    sides = (3, wanted.height, wanted.width)
    if not fits or any(isinstance(has, int) and has != side for has, side in zip(shape[1:], sides, strict=False)):
        raise ConfigError(
            f"{found.where} should take {layout.input!r}, float (n, 3, {wanted.height}, {wanted.width}), and takes {inputs}"
        )
    outputs = [each.name for each in opened.get_outputs()]
    if missing := [name for name in layout.outputs if name not in outputs]:
        raise ConfigError(f"{found.where} should have the output {', '.join(missing)}, and has {', '.join(outputs)}")
    if isinstance(shape[0], int) and shape[0] > 1:
        raise ConfigError(
            f"{found.where} takes {shape[0]} pictures at a time, no more and no less; export it for any number"
        )
    model = Model(found.description, found.digest, one_by_one=shape[0] == 1, layout=layout, session=opened)
    grey = np.full((wanted.height, wanted.width, 3), GREY, dtype=np.uint8)
    model.run([Fitted(layout.pixels(grey))])
    return model


def _broken() -> tuple[type[Exception], ...]:
    return MisfitError, *failures()


def _box(left: float, top: float, right: float, bottom: float) -> Box:
    return Box(left, top, right - left, bottom - top)


def _share(score: float) -> float:
    return min(1.0, max(0.0, float(score)))


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
