"""What is to be trained, and whether it can be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cloudvision.errors import ConfigError
from cloudvision.models import InputSettings
from cloudvision.training.classify_backbone import check_backbone, multiple_of
from cloudvision.training.classify_data import Example, check_counts, check_single
from cloudvision.training.classify_fit import Recipe

LEAST = 2
"""Pictures of each class."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What is trained, and how.

    Args:
        multilabel: any number of labels a picture, each sure or not by itself.
        background: which of the labels means "nothing of this".
        backbone: "gate", "scratch", "timm:NAME", "timm:NAME=FILE"; of several with commas the first that can be had.
        size: pixels of the input, and how pictures of another shape get there.
        stop, judge: shares of the pictures that say when to stop, and that judge what came out.
        quantise: also write a graph of eight bits, unless it would lose more than a hundredth of the accuracy.
    """

    multilabel: bool = False
    background: str | None = None
    backbone: str = "gate"
    size: InputSettings = field(default_factory=lambda: InputSettings(width=128, height=128))
    stop: float = 0.15
    judge: float = 0.2
    quantise: bool = True
    recipe: Recipe = field(default_factory=Recipe)


@dataclass(frozen=True, slots=True)
class About:
    """What a model is called, and what is told of it.

    Args:
        name: by default that of its folder.
        sentences: what to tell people of a label.
        command: how to make it again, for the card.
    """

    name: str | None = None
    version: str | None = None
    sentences: Mapping[str, str] = field(default_factory=dict)
    command: str = ""


def check(examples: Sequence[Example], names: Sequence[str], s: Settings, out: Path) -> None:
    """Raises ConfigError where that cannot be trained, before a picture is decoded."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError(f"{out} is there already; name a new folder")
    check_backbone(s.backbone)
    multiple = multiple_of(s.backbone)
    if s.size.width % multiple or s.size.height % multiple or min(s.size.width, s.size.height) < multiple:
        raise ConfigError(
            f"width and height of the input must be multiples of {multiple}, not {s.size.width} by {s.size.height}"
        )
    if min(s.stop, s.judge) < 0 or s.stop + s.judge > 0.9:
        raise ConfigError("the shares that stop and judge must leave a tenth or more to learn from")
    if s.background is not None and (s.multilabel or s.background not in names):
        raise ConfigError(f"background {s.background!r} must be one of the labels ({', '.join(names)}) of a classifier")
    if not s.multilabel:
        check_single(examples)
    check_counts(examples, names, multilabel=s.multilabel, least=LEAST)
