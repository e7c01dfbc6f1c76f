"""The gate: which pictures are worth a paid call."""

from __future__ import annotations

from cloudvision.gate.criterion import Criterion
from cloudvision.gate.gate import Gate
from cloudvision.gate.verdict import Verdict

__all__ = ["Criterion", "Gate", "Verdict"]
