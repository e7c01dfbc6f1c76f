"""What trains for the emulated Custom Vision: a seam, since a test may want a made-up model, and training needs PyTorch.

Give `running(trainer=...)` an object of this form, such as `local_trainer.LocalTrainer()`, and train, performance, publish,
export and prediction work with it. Without one, training is answered with the service's own "training request failed".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol


class TrainingFailedError(Exception):
    """Raised by a trainer that cannot train on this; its text becomes the iteration's `trainingErrorDetails`."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A tag on a picture, and where it is.

    Args:
        tag: its name.
        box: left, top, width and height as fractions of the picture; None where the whole picture has the tag.
    """

    tag: str
    box: tuple[float, float, float, float] | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """One picture to learn from."""

    data: bytes = field(repr=False)
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Job:
    """What to train.

    Args:
        kind: classify whole pictures, or detect objects in them.
        tags: names of all tags that the model is to know.
        samples: the pictures; those without a mark are not among them.
        multilabel: a picture may have several tags.
        advanced: the longer kind of training was asked for.
    """

    kind: Literal["classify", "detect"]
    tags: tuple[str, ...]
    samples: tuple[Sample, ...]
    multilabel: bool = False
    advanced: bool = False


@dataclass(frozen=True, slots=True)
class Guess:
    """What a model says of a picture: a probability, 0 to 1, for a tag, and where (as in `Mark`)."""

    tag: str
    probability: float
    box: tuple[float, float, float, float] | None = None


@dataclass(frozen=True, slots=True)
class Quality:
    """How good a model is, measured on pictures it was not trained on. All 0 to 1.

    Args:
        average_precision: area under the curve of precision and recall; mean over tags for detection.
        tags: the same for single tags, by name.
    """

    precision: float
    recall: float
    average_precision: float
    tags: Mapping[str, Quality] = field(default_factory=dict)


class Trained(Protocol):
    """A model. Called from many threads at once."""

    def predict(self, data: bytes, /) -> Sequence[Guess]:
        """What is in the picture of these bytes."""
        ...

    def quality(self, *, threshold: float, overlap: float) -> Quality:
        """Its quality where guesses below `threshold` do not count, nor boxes that share less than `overlap`."""
        ...

    def export(self, platform: str, flavor: str | None, /) -> bytes | None:
        """An archive with the model; None for a platform it cannot be had for."""
        ...


class Trainer(Protocol):
    """Makes models. Called on a thread of its own for each training."""

    def train(self, job: Job, /) -> Trained:
        """Learn from the job's samples.

        Raises:
            TrainingFailedError: it cannot be done.
        """
        ...
