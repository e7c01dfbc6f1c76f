"""What a model says of one picture."""

from __future__ import annotations

from dataclasses import dataclass

from cloudvision.results import Label, Region


@dataclass(frozen=True, slots=True)
class Prediction:
    """One of the two is None: what this kind of model does not tell.

    Args:
        labels: of a classifier, every label of the model, surest first.
        regions: of a detector, surest first; boxes as fractions of the upright picture, not clipped.
    """

    labels: tuple[Label, ...] | None
    regions: tuple[Region, ...] | None
