"""What a served model says of one picture, whichever protocol asks."""

from __future__ import annotations

from dataclasses import dataclass

from cloudvision.gate import Verdict
from cloudvision.results import Label, Region


@dataclass(frozen=True, slots=True)
class Answer:
    """Of `labels`, `regions` and `verdict` one is set: what this kind of model tells.

    Args:
        width, height: pixels of the upright picture.
        labels: of a classifier, every label, surest first.
        regions: of a detector, surest first.
        verdict: of a gate.
    """

    width: int
    height: int
    labels: tuple[Label, ...] | None = None
    regions: tuple[Region, ...] | None = None
    verdict: Verdict | None = None
