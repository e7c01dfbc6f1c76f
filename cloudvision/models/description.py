"""What a model says of itself: config.json of a model folder."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Literal

from cloudvision._json import JSON, decode
from cloudvision.models.fitting import Resize

FORMAT = 1
"""Of a model folder. Within one number fields are only ever added."""

MAX_SIDE = 8192
"""Pixels of an input's side: no network takes more, and a slip of the pen would take all memory."""

Kind = Literal["classify", "multilabel", "detect"]


@dataclass(frozen=True, slots=True)
class InputSettings:
    """Pixels that the graph takes, and how a picture of another shape gets there; `shown` as in `fitting.fit`."""

    width: int
    height: int
    resize: Resize = "stretch"
    shown: float = 1.0


@dataclass(frozen=True, slots=True)
class DetectSettings:
    """Which of a detector's candidates count.

    Args:
        threshold: 0 to 1; less sure ones are left out.
        overlap: intersection over union, 0 to 1, above which the less sure of two of one label is left out.
        most: how many regions a picture has at most.
    """

    threshold: float = 0.5
    overlap: float = 0.5
    most: int = 100


@dataclass(frozen=True, slots=True)
class Description:
    """What is known of a model beside its graph.

    Args:
        kind: one label a picture ("classify"), any number of labels, each sure or not by itself ("multilabel"), or boxes.
        labels: in the order of the graph's output.
        version: the model's own, None where it has none.
        background: which of the labels means "nothing of this"; None for none.
        detect: of a detector only.
        sentences: (label, sentence) pairs: what to tell people of a label.
    """

    kind: Kind
    name: str
    labels: tuple[str, ...]
    input: InputSettings
    version: str | None = None
    background: str | None = None
    detect: DetectSettings | None = None
    sentences: tuple[tuple[str, str], ...] = ()

    def to_config(self) -> dict[str, JSON]:
        """The part of config.json that inference needs; training adds `files`, and how the model came about."""
        return {
            "format": FORMAT,
            "kind": self.kind,
            "name": self.name,
            "version": self.version,
            "labels": list(self.labels),
            "background": self.background,
            "input": asdict(self.input),
            **({} if self.detect is None else {"detect": asdict(self.detect)}),
            "sentences": dict(self.sentences),
        }

    @staticmethod
    def from_config(config: dict[str, JSON]) -> Description:
        """What config.json says; keys that are not known here are left alone.

        Raises:
            ValueError: a value is missing, of the wrong kind, or out of range; the message names the place.
        """
        if config.get("format") != FORMAT:
            raise ValueError(f"format is {config.get('format')!r}, this version reads {FORMAT}")
        sentences = config.get("sentences")
        pairs = [[name, text] for name, text in sentences.items()] if isinstance(sentences, dict) else []
        read = decode(Description, {**config, "sentences": pairs})
        if read.kind == "detect" and read.detect is None:
            read = replace(read, detect=DetectSettings())
        _check(read)
        return read


def _check(read: Description) -> None:
    if not read.labels or len(set(read.labels)) != len(read.labels):
        raise ValueError(f"labels must be different names, at least one, not {list(read.labels)!r:.200}")
    if not 1 <= min(read.input.width, read.input.height) <= max(read.input.width, read.input.height) <= MAX_SIDE:
        raise ValueError(f"input is {read.input.width} by {read.input.height} pixels, not 1 to {MAX_SIDE}")
    if not 0 < read.input.shown <= 1:
        raise ValueError(f"input.shown must be above 0 and at most 1, not {read.input.shown}")
    if read.background is not None and read.background not in read.labels:
        raise ValueError(f"background {read.background!r} is not among the labels")
    if read.detect is not None and not (
        0 <= read.detect.threshold <= 1 and 0 <= read.detect.overlap <= 1 and read.detect.most >= 1
    ):
        raise ValueError(f"threshold and overlap must be from 0 to 1 and most at least 1, not {read.detect}")
