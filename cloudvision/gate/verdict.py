"""What the gate says of one picture."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a picture is worth a paid call.

    Args:
        worth: True when `score >= threshold`.
        score: probability, 0 to 1, that the picture meets the criterion.
        threshold: the one that decided, 0 to 1.
        stage: "fast" or "exact": which look decided.
        model: name and version of the model folder.
    """

    worth: bool
    score: float
    threshold: float
    stage: str
    model: str
