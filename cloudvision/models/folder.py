"""A model folder of our own: config.json, model.onnx, perhaps model.int8.onnx, MODEL_CARD.md."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from cloudvision.errors import ConfigError
from cloudvision.models.description import Description
from cloudvision.models.files import Files
from cloudvision.models.graph import Graph, open_graph
from cloudvision.models.layout import Layout, OwnLayout

CONFIG = "config.json"
GRAPH = "model.onnx"
QUANTISED = "model.int8.onnx"


@dataclass(frozen=True, slots=True)
class Found:
    """All parts of a model, whatever files they came from.

    Args:
        digest: SHA-256, hex, over all that changes an answer.
    """

    description: Description
    layout: Layout
    graph: Graph
    digest: str


def read_folder(files: Files, *, threads: int, quantised: bool) -> Found:
    """Read and check a model folder.

    Raises:
        ConfigError: a file is missing, config.json does not hold what it must, or the graph is another one than it says.
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
    if quantised and name not in files.names:
        raise ConfigError(f"{files.path}: has no {QUANTISED}: the model was not quantised; leave quantised out")
    onnx = files.read(name)
    digests = config.get("files")
    said, is_now = digests.get(name) if isinstance(digests, dict) else None, hashlib.sha256(onnx).hexdigest()
    if said != is_now:
        raise ConfigError(f"{files.path}: {name} has SHA-256 {is_now}, {CONFIG} says {said}; copy or train it again")
    where = f"{files.path}: {name}"
    graph = open_graph(onnx, where=where, threads=threads)
    layout = OwnLayout(labels=len(description.labels), detects=description.kind == "detect")
    _check(graph, layout, description, where)
    return Found(description, layout, graph, hashlib.sha256(text + b"\0" + onnx).hexdigest())


def _check(graph: Graph, layout: OwnLayout, description: Description, where: str) -> None:
    wanted, given = description.input, graph.input
    sides = zip(given.shape[2:], (wanted.height, wanted.width), strict=True)
    if given.name != layout.input or any(isinstance(has, int) and has != side for has, side in sides):
        raise ConfigError(
            f"{where} should take {layout.input!r}, float (n, 3, {wanted.height}, {wanted.width}), and takes "
            f"{given.name!r}, {given.type} {list(given.shape)}"
        )
    outputs = [each.name for each in graph.outputs]
    if missing := [name for name in layout.outputs if name not in outputs]:
        raise ConfigError(f"{where} should have the output {', '.join(missing)}, and has {', '.join(outputs)}")
