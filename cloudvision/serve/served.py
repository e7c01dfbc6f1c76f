"""A model that is served: one of the user's own, or a gate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from cloudvision.errors import ImageError
from cloudvision.gate import Gate
from cloudvision.images import Image
from cloudvision.models import Fitted, Model
from cloudvision.serve.answer import Answer


class Runs(Protocol):
    """What can be served. Threads share it."""

    @property
    def kind(self) -> str:
        """ "classify", "multilabel", "detect" or "gate"."""
        ...

    @property
    def labels(self) -> tuple[str, ...]:
        """In the model's own order."""
        ...

    @property
    def sentences(self) -> Mapping[str, str]:
        """What to tell people of a label."""
        ...

    @property
    def background(self) -> str | None:
        """The label that means "nothing of this"."""
        ...

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height in pixels of what the network takes; None where pictures are not made one size."""
        ...

    @property
    def threshold(self) -> float | None:
        """From which probability a gate calls a picture worth it; None of other models."""
        ...

    def prepare(self, image: Image) -> Any:
        """Decode a picture for `run`.

        Raises:
            ImageError: it does not decode.
        """
        ...

    def run(self, batch: Sequence[Any], *, alone: bool) -> Sequence[Answer | ImageError]:
        """The answers to what `prepare` has made, in one inference where `size` is not None.

        Args:
            alone: nobody else has work for the processor.
        """
        ...


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A model folder or an export.

    Args:
        model: takes one core for an inference, so that as many can run as there are cores.
        wide: the same with more cores for an inference, for when the others have nothing to do; None where that is no
            quicker. It holds the weights a second time.
    """

    model: Model
    wide: Model | None = None

    @property
    def kind(self) -> str:
        return self.model.kind

    @property
    def labels(self) -> tuple[str, ...]:
        return self.model.labels

    @property
    def sentences(self) -> Mapping[str, str]:
        return dict(self.model.description.sentences)

    @property
    def background(self) -> str | None:
        return self.model.description.background

    @property
    def size(self) -> tuple[int, int] | None:
        wanted = self.model.description.input
        return None if self.model.one_by_one else (wanted.width, wanted.height)

    @property
    def threshold(self) -> float | None:
        return None

    def prepare(self, image: Image) -> tuple[int, int, Fitted]:
        return image.width, image.height, self.model.prepare(image)

    def run(self, batch: Sequence[tuple[int, int, Fitted]], *, alone: bool) -> Sequence[Answer]:
        model = self.wide if alone and self.wide is not None else self.model
        predictions = model.run([fitted for _, _, fitted in batch])
        return [
            Answer(width, height, labels=each.labels, regions=each.regions)
            for (width, height, _), each in zip(batch, predictions, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class GateModel:
    """The gate: pictures keep their shape, so each is looked at by itself."""

    gate: Gate

    kind = "gate"
    labels = ("skip", "worth")
    background = None
    size = None

    @property
    def sentences(self) -> Mapping[str, str]:
        return {}

    @property
    def threshold(self) -> float | None:
        return self.gate.threshold

    def prepare(self, image: Image) -> Image:
        return image

    def run(self, batch: Sequence[Image], *, alone: bool) -> Sequence[Answer | ImageError]:  # noqa: ARG002
        return [self._judged(image) for image in batch]

    def _judged(self, image: Image) -> Answer | ImageError:
        try:
            return Answer(image.width, image.height, verdict=self.gate.judge(image))
        except ImageError as error:
            return error
