"""A model folder of our own: config.json, model.onnx, perhaps model.int8.onnx, MODEL_CARD.md."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field

from cloudvision.errors import ConfigError
from cloudvision.models.description import Description
from cloudvision.models.files import Files
from cloudvision.models.layout import Layout, OwnLayout

CONFIG = "config.json"
GRAPH = "model.onnx"
QUANTISED = "model.int8.onnx"


@dataclass(frozen=True, slots=True)
class Found:
    """A model before it is opened.

    Args:
        where: the folder and file, for messages.
        digest: SHA-256, hex, over all that changes an answer.
    """

    where: str
    description: Description
    layout: Layout
    digest: str
    onnx: bytes = field(repr=False)


def read_folder(files: Files, *, quantised: bool = False) -> Found:
    """Read and check a model folder.

    Raises:
        ConfigError: a file is missing, config.json does not hold what it must, or the digest of the graph differs.
    """
    text = files.read(CONFIG)
    try:
        config = json.loads(text)
        if not isinstance(config, dict):
            raise ValueError("is no JSON object")
        description = Description.from_config(config)
    except (ValueError, RecursionError) as exc:
        raise ConfigError(f"{files.path}: {CONFIG}: {exc}") from exc
    name = QUANTISED if quantised else GRAPH
    if name not in files.names and quantised:
        raise ConfigError(f"{files.path}: has no {QUANTISED}: the model was not quantised; leave quantised out")
    onnx = files.read(name)
    digests = config.get("files")
    said, is_now = digests.get(name) if isinstance(digests, dict) else None, hashlib.sha256(onnx).hexdigest()
    if said != is_now:
        raise ConfigError(f"{files.path}: {name} has SHA-256 {is_now}, {CONFIG} says {said}; copy or train it again")
    return Found(
        where=f"{files.path}: {name}",
        description=description,
        layout=OwnLayout(labels=len(description.labels), detects=description.kind == "detect"),
        digest=hashlib.sha256(text + b"\0" + onnx).hexdigest(),
        onnx=onnx,
    )
