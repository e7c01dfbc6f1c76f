"""A model of one's own on this machine: a model folder, or an ONNX export of Custom Vision as it comes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping

from cloudvision._json import JSON
from cloudvision.errors import ConfigError, NotAnImageError, RejectedError, UnexpectedAnswerError
from cloudvision.geometry import Box
from cloudvision.images import Image, Remote
from cloudvision.models import Model, Prediction
from cloudvision.providers._json_read import Object, UnreadableError, a_list, a_number, an_object, number_of, text_of
from cloudvision.providers._options import Options
from cloudvision.raw import Raw
from cloudvision.results import Analysis, Label, Provenance, Region

FORMAT = 1
"""Version of our own body format and of what we do to a picture before it is looked at."""

FLOOR = 0.01
"""Regions that are less sure are not kept in the answer, and so no threshold can bring them back."""


class OnnxModel:
    """Provider "onnx".

    The body of its `Raw` is JSON of our own, with `labels` of a classifier or `regions` of a detector, surest first, and
    boxes as left, top, width and height, fractions of the upright picture::

        {"format": 1, "model": "fruit 1.2.0", "threshold": 0.5, "labels": [{"name": "apple", "confidence": 0.98}, ...]}
        {"format": 1, "model": "tools", "threshold": 0.4, "regions": [
            {"name": "fork", "confidence": 0.91, "box": [0.1, 0.2, 0.3, 0.4]}, ...]}

    Args:
        model: an open model. Without one, only `parse` works.
        min_confidence: 0 to 1; `parse` leaves out what is less sure. By default every label, and the regions that reach
            the model's own threshold; below 0.01 there are none in any answer.
        clock: seconds, monotonic.
        now: seconds since the epoch.

    Raises:
        ConfigError: `min_confidence` is out of range.
    """

    name = "onnx"

    def __init__(
        self,
        *,
        model: Model | None = None,
        min_confidence: float | None = None,
        clock: Callable[[], float] = time.perf_counter,
        now: Callable[[], float] = time.time,
    ) -> None:
        if min_confidence is not None and not 0 <= min_confidence <= 1:
            raise ConfigError(f"{self.name}: min_confidence must be from 0 to 1, not {min_confidence}")
        self.fingerprint = f"onnx format={FORMAT} sha256={model.digest if model else None}"
        self._model = model
        self._min_confidence = min_confidence
        self._clock = clock
        self._now = now

    @classmethod
    def from_env(cls, options: Options, *, env: Mapping[str, str]) -> OnnxModel:
        """Set up with the model folder (or .zip, or export) in `options.model`, else in ONNX_MODEL.

        Raises:
            ConfigError: it cannot be opened, or a setting is not one of this provider's.
        """
        options.refuse_unknown(cls.name, frozenset({"model", "min_confidence"}))
        folder = options.model or env.get("ONNX_MODEL")
        return cls(model=Model.open(folder) if folder else None, min_confidence=options.min_confidence)

    def __repr__(self) -> str:
        return f"OnnxModel({_shown(self._model) if self._model else None!r}, min_confidence={self._min_confidence})"

    def call(self, image: Image | Remote, /) -> Raw:
        """Look at the picture.

        Raises:
            ConfigError: there is no model, it breaks on its own input, or the picture is not on this machine.
            NotAnImageError: it is a PDF.
            DamagedImageError: the picture does not decode.
        """
        model = self._opened()
        if isinstance(image, Remote):
            raise ConfigError(f"{self.name} looks at pictures on this machine only, not {image.source}")
        if image.format == "PDF":
            raise NotAnImageError(image.source, f"a PDF document, and {self.name} looks at pictures")
        started = self._clock()
        body = {"format": FORMAT, "model": _shown(model), **_told(model, model.predict(image, threshold=FLOOR))}
        return Raw(
            json.dumps(body, ensure_ascii=False),
            latency_s=self._clock() - started,
            received_at=self._now(),
            width=image.width,
            height=image.height,
        )

    def ready(self) -> str:
        """See `SelfChecking.ready`.

        Raises:
            ConfigError: no model was given.
        """
        model = self._opened()
        return f"{_shown(model)}: {model.kind}, {len(model.labels)} labels"

    def parse(self, raw: Raw, /) -> Analysis:
        """Read our own body.

        Raises:
            RejectedError: a status other than 2xx, which this provider never gives.
            UnexpectedAnswerError: the body is not of our format.
        """
        if not 200 <= raw.status < 300:
            raise RejectedError(f"{self.name}: status {raw.status}", provider=self.name, status=raw.status)
        try:
            body = an_object(json.loads(raw.body))
            model, threshold = text_of(body, "model"), number_of(body, "threshold")
            if ("labels" in body) == ("regions" in body):
                raise UnreadableError("one of labels and regions must be there")
            labels = tuple(map(_label, a_list(body["labels"]))) if "labels" in body else None
            regions = tuple(map(_region, a_list(body["regions"]))) if "regions" in body else None
        except (ValueError, RecursionError) as error:
            message = f"{self.name}: the body is not of our format: {error}"
            raise UnexpectedAnswerError(message, provider=self.name, status=raw.status, billed=False) from None
        least = self._min_confidence
        at_least = threshold if least is None else least
        return Analysis(
            width=raw.width,
            height=raw.height,
            labels=None if labels is None else tuple(each for each in labels if each.confidence >= (least or 0.0)),
            regions=None if regions is None else tuple(each for each in regions if each.confidence >= at_least),
            provenance=Provenance(self.name, model_version=model, latency_s=raw.latency_s),
        )

    def worst_cost(self, image: Image | Remote, /) -> int:  # noqa: ARG002 - it is free
        """0 micros."""
        return 0

    def cost(self, raw: Raw, /) -> int:  # noqa: ARG002 - it is free
        """0 micros."""
        return 0

    def _opened(self) -> Model:
        if self._model is None:
            raise ConfigError(f"{self.name}: no model: give its folder with --model, or set ONNX_MODEL")
        return self._model


def _shown(model: Model) -> str:
    return f"{model.name} {model.version}" if model.version else model.name


def _told(model: Model, said: Prediction) -> dict[str, JSON]:
    if said.regions is None:
        labels: list[JSON] = [{"name": label.name, "confidence": label.confidence} for label in said.labels or ()]
        return {"threshold": 0.0, "labels": labels}
    detect = model.description.detect
    regions: list[JSON] = [
        {"name": region.name, "confidence": region.confidence, "box": _numbers(region.box)} for region in said.regions
    ]
    return {"threshold": detect.threshold if detect else 0.0, "regions": regions}


def _numbers(box: Box) -> list[float]:
    return [box.left, box.top, box.width, box.height]


def _label(value: JSON) -> Label:
    entry = an_object(value)
    return Label(text_of(entry, "name"), number_of(entry, "confidence"))


def _region(value: JSON) -> Region:
    entry = an_object(value)
    return Region(text_of(entry, "name"), number_of(entry, "confidence"), _box(entry))


def _box(entry: Object) -> Box:
    numbers = [a_number(number) for number in a_list(entry.get("box"))]
    if len(numbers) != 4:
        raise UnreadableError("a box without four numbers")
    return Box(*numbers)
