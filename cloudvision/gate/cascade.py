"""A cascade's config.json: which two looks, when the second is taken, and how both become one probability."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cloudvision.errors import ConfigError
from cloudvision.gate.criterion import Criterion
from cloudvision.gate.folder import FORMAT, LABELS

KIND = "cascade"
_REMEDY = "take the folder that the package ships, or write one with `cloudvision gate calibrate`"


@dataclass(frozen=True, slots=True)
class HandOver:
    """The fast look's probabilities from `low` (included) to `high` (excluded) are unsure: the exact look decides."""

    low: float
    high: float

    def unsure(self, probability: float) -> bool:
        return self.low <= probability < self.high


@dataclass(frozen=True, slots=True)
class Combination:
    """Logistic: probability = 1 / (1 + exp(-(fast * fast logit + exact * exact logit + offset)))."""

    fast: float
    exact: float
    offset: float

    def probability(self, fast: float, exact: float) -> float:
        z = self.fast * fast + self.exact * exact + self.offset
        return 1 / (1 + math.exp(-z)) if z >= 0 else math.exp(z) / (1 + math.exp(z))


@dataclass(frozen=True, slots=True)
class Part:
    """One look of a cascade: where its model folder lies, and the SHA-256 of its model.onnx."""

    folder: Path
    sha256: str


@dataclass(frozen=True, slots=True)
class CascadeFolder:
    """What a cascade's config.json says."""

    path: Path
    name: str
    version: str
    fast: Part
    exact: Part
    hand_over: HandOver
    combination: Combination
    threshold: float
    criterion: Criterion


def is_cascade(config: Mapping[str, Any]) -> bool:
    return config.get("kind") == KIND


def read_cascade(path: Path, config: Mapping[str, Any]) -> CascadeFolder:
    """Check and type a cascade's config.

    Raises:
        ConfigError: config.json has no such key or value.
    """
    file = path / "config.json"
    try:
        stages, band, both = config["stages"], config["hand_over"], config["combination"]
        folder = CascadeFolder(
            path=path,
            name=str(config["name"]),
            version=str(config["version"]),
            fast=_part(path, stages["fast"]),
            exact=_part(path, stages["exact"]),
            hand_over=HandOver(low=float(band["low"]), high=float(band["high"])),
            combination=Combination(fast=float(both["fast"]), exact=float(both["exact"]), offset=float(both["offset"])),
            threshold=float(config["threshold"]),
            criterion=Criterion(**config["criterion"]),
        )
    except KeyError as exc:
        raise ConfigError(f"{file}: has no {exc.args[0]!r}; {_REMEDY}") from exc
    except (TypeError, ValueError) as exc:
        raise ConfigError(f"{file}: a value is of the wrong kind ({exc}); {_REMEDY}") from exc
    if both.get("method") != "logistic":
        raise ConfigError(f"{file}: combination is {both.get('method')!r}, this version knows 'logistic'; {_REMEDY}")
    if not 0 <= folder.threshold <= 1:
        raise ConfigError(f"{file}: threshold {folder.threshold} is not between 0 and 1; {_REMEDY}")
    if not 0 <= folder.hand_over.low <= folder.hand_over.high <= 1:
        raise ConfigError(f"{file}: hand_over must be 0 <= low <= high <= 1, is {asdict(folder.hand_over)}; {_REMEDY}")
    return folder


def describe(folder: CascadeFolder, *, fast: str, exact: str) -> dict[str, Any]:
    """config.json; `fast` and `exact` are the parts' folders relative to the cascade's own."""
    return {
        "format": FORMAT,
        "kind": KIND,
        "name": folder.name,
        "version": folder.version,
        "labels": list(LABELS),
        "stages": {
            "fast": {"folder": fast, "sha256": folder.fast.sha256},
            "exact": {"folder": exact, "sha256": folder.exact.sha256},
        },
        "hand_over": {
            "meaning": "probabilities of the fast look that the exact one decides",
            **asdict(folder.hand_over),
        },
        "combination": {"method": "logistic", **asdict(folder.combination)},
        "threshold": folder.threshold,
        "criterion": asdict(folder.criterion),
    }


def _part(path: Path, entry: Mapping[str, Any]) -> Part:
    return Part(folder=(path / str(entry["folder"])).resolve(), sha256=str(entry["sha256"]))
