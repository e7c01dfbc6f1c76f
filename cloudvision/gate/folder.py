"""A model folder: model.onnx, config.json and MODEL_CARD.md. What config.json must hold, and the check that it fits."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from cloudvision.errors import ConfigError
from cloudvision.gate.criterion import Criterion
from cloudvision.gate.preprocess import Preprocessing

FORMAT = 1
LABELS = ("skip", "worth")
SHIPPED = {"cascade": "cascade_v1", "fast": "fast_v1", "exact": "exact_v1"}
_REMEDY = "train one with python -m cloudvision.training.train_gate, or take the folder that the package ships"


@dataclass(frozen=True, slots=True)
class Calibration:
    """Platt's: probability = 1 / (1 + exp(-(slope * logit + offset)))."""

    slope: float
    offset: float

    def probability(self, logit: float) -> float:
        z = self.slope * logit + self.offset
        return 1 / (1 + math.exp(-z)) if z >= 0 else math.exp(z) / (1 + math.exp(z))


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """config.json, checked against model.onnx by its SHA-256."""

    path: Path
    name: str
    version: str
    stage: str
    input_name: str
    output_name: str
    preprocessing: Preprocessing
    calibration: Calibration
    threshold: float
    criterion: Criterion
    onnx: bytes = field(repr=False)

    @property
    def sha256(self) -> str:
        """Of model.onnx, hex."""
        return hashlib.sha256(self.onnx).hexdigest()


def open_folder(path: Path) -> ModelFolder:
    """Read and check a model folder.

    Raises:
        ConfigError: a file is missing, config.json has no such key or value, or the digest of model.onnx differs.
    """
    config = read_config(path)
    onnx = _read(path / "model.onnx")
    folder = _typed(path, config=config, onnx=onnx)
    if config.get("sha256") != folder.sha256:
        said = config.get("sha256")
        raise ConfigError(f"{path}: model.onnx has SHA-256 {folder.sha256}, config.json says {said}; {_REMEDY}")
    return folder


def describe(folder: ModelFolder) -> dict[str, Any]:
    """The part of config.json that the runtime needs; training adds how it came about."""
    return {
        "format": FORMAT,
        "name": folder.name,
        "version": folder.version,
        "stage": folder.stage,
        "labels": list(LABELS),
        "input": {"name": folder.input_name, "dtype": "uint8", "layout": "NHWC", "channels": "RGB"},
        "output": {"name": folder.output_name, "meaning": "logit of 'worth' before calibration"},
        "preprocessing": {"fit": "letterbox", "normalisation": "in the graph", **asdict(folder.preprocessing)},
        "calibration": {"method": "platt", **asdict(folder.calibration)},
        "threshold": folder.threshold,
        "criterion": asdict(folder.criterion),
        "sha256": folder.sha256,
    }


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as exc:
        raise ConfigError(f"{path}: cannot be read ({exc.strerror}); {_REMEDY}") from exc


def read_config(path: Path) -> dict[str, Any]:
    """config.json of a model folder or of a cascade.

    Raises:
        ConfigError: it is missing, is no JSON object, or its format or labels are unknown.
    """
    file = path / "config.json"
    try:
        config = json.loads(_read(file))
    except ValueError as exc:
        raise ConfigError(f"{file}: is not JSON ({exc}); {_REMEDY}") from exc
    if not isinstance(config, dict):
        raise ConfigError(f"{file}: is not a JSON object; {_REMEDY}")
    if config.get("format") != FORMAT:
        raise ConfigError(f"{file}: format is {config.get('format')!r}, this version reads {FORMAT}; {_REMEDY}")
    if config.get("labels") != list(LABELS):
        raise ConfigError(f"{file}: labels are {config.get('labels')!r}, not {list(LABELS)}; {_REMEDY}")
    return config


def _typed(path: Path, *, config: dict[str, Any], onnx: bytes) -> ModelFolder:
    file = path / "config.json"
    try:
        given, pixels, platt = config["input"], config["preprocessing"], config["calibration"]
        kind = (given["dtype"], given["layout"], given["channels"])
        fits = kind == ("uint8", "NHWC", "RGB") and pixels["fit"] == "letterbox" and platt["method"] == "platt"
        folder = ModelFolder(
            path=path,
            name=str(config["name"]),
            version=str(config["version"]),
            stage=str(config["stage"]),
            input_name=str(given["name"]),
            output_name=str(config["output"]["name"]),
            preprocessing=Preprocessing(side=int(pixels["side"]), multiple=int(pixels["multiple"])),
            calibration=Calibration(slope=float(platt["slope"]), offset=float(platt["offset"])),
            threshold=float(config["threshold"]),
            criterion=Criterion(**config["criterion"]),
            onnx=onnx,
        )
    except KeyError as exc:
        raise ConfigError(f"{file}: has no {exc.args[0]!r}; {_REMEDY}") from exc
    except (TypeError, ValueError) as exc:
        raise ConfigError(f"{file}: a value is of the wrong kind ({exc}); {_REMEDY}") from exc
    if not fits:
        raise ConfigError(f"{file}: input, preprocessing or calibration is of an unknown kind; {_REMEDY}")
    if not 0 <= folder.threshold <= 1:
        raise ConfigError(f"{file}: threshold {folder.threshold} is not between 0 and 1; {_REMEDY}")
    if folder.preprocessing.side < 1 or folder.preprocessing.multiple < 1:
        raise ConfigError(f"{file}: preprocessing side and multiple must be positive; {_REMEDY}")
    return folder
