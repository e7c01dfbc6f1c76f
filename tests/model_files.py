"""Small models for tests: they name colours, so that what they should answer can be told by eye."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="graphs are built with onnx: pip install 'cloudvision-gate[train]'")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

COLOURS = ("red", "green", "blue")
SIDE = 16
GRID = 4


def value(name: str, array: Any) -> Any:
    return numpy_helper.from_array(np.asarray(array), name)


def graph(
    nodes: list[Any],
    *,
    outputs: dict[str, Any],
    values: Sequence[Any] = (),
    input: str = "pixels",
    batch: str | int = "n",
    width: int | str = SIDE,
    height: int | str = SIDE,
    kind: int = TensorProto.FLOAT,
    metadata: dict[str, str] | None = None,
) -> bytes:
    """The bytes of a graph with one input (batch, 3, height, width); an output is a shape, or said in full."""
    pixels = helper.make_tensor_value_info(input, kind, [batch, 3, height, width])
    told = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, said) if isinstance(said, tuple) else said
        for name, said in outputs.items()
    ]
    made = helper.make_graph(nodes, "colours", [pixels], told, initializer=list(values))
    model = helper.make_model(
        made, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 2)], ir_version=8
    )
    helper.set_model_props(model, metadata or {})
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def colour_graph(*, last: str = "Softmax", batch: str | int = "n", labels: int = 3) -> bytes:
    """ "probabilities" of the mean colour; `last` is the node that makes them of (mean - 128) / 16."""
    nodes = [
        helper.make_node("ReduceMean", ["pixels"], ["mean"], axes=[2, 3], keepdims=0),
        helper.make_node("Sub", ["mean", "middle"], ["above"]),
        helper.make_node("Gemm", ["above", "weights"], ["logits"]),
        helper.make_node(last, ["logits"], ["probabilities"]),
    ]
    values = [value("middle", np.float32(128)), value("weights", np.eye(3, labels, dtype=np.float32) / 16)]
    return graph(nodes, values=values, outputs={"probabilities": (batch, labels)}, batch=batch)


def spot_graph(*, batch: str | int = "n") -> bytes:
    """Boxes a cell wide, one a cell of a grid of 4 by 4; scores are how red, green and blue that cell is."""
    edges = np.arange(GRID, dtype=np.float32) / GRID
    top, left = (each.ravel() for each in np.meshgrid(edges, edges, indexing="ij"))
    boxes = np.stack([left, top, left + 1 / GRID, top + 1 / GRID], axis=1)[np.newaxis]
    kernel = [SIDE // GRID, SIDE // GRID]
    nodes = [
        helper.make_node("AveragePool", ["pixels"], ["pooled"], kernel_shape=kernel, strides=kernel),
        helper.make_node("Div", ["pooled", "full"], ["shares"]),
        helper.make_node("Reshape", ["shares", "flat"], ["rows"]),
        helper.make_node("Transpose", ["rows"], ["scores"], perm=[0, 2, 1]),
        helper.make_node("ReduceMax", ["scores"], ["some"], axes=[2], keepdims=1),
        helper.make_node("Mul", ["some", "none"], ["zeros"]),
        helper.make_node("Add", ["zeros", "places"], ["boxes"]),
    ]
    values = [
        value("full", np.float32(255)),
        value("flat", np.array([0, 3, GRID * GRID], dtype=np.int64)),
        value("none", np.float32(0)),
        value("places", boxes),
    ]
    cells = GRID * GRID
    return graph(nodes, values=values, outputs={"boxes": (batch, cells, 4), "scores": (batch, cells, 3)}, batch=batch)


def write_folder(path: Path, onnx_bytes: bytes, *, kind: str = "classify", **changes: Any) -> Path:
    """A model folder of format 1; `changes` replace parts of config.json."""
    path.mkdir(parents=True, exist_ok=True)
    (path / "model.onnx").write_bytes(onnx_bytes)
    config: dict[str, Any] = {
        "format": 1,
        "kind": kind,
        "name": "colours",
        "version": "1",
        "labels": list(COLOURS),
        "background": None,
        "input": {"width": SIDE, "height": SIDE, "resize": "stretch"},
        "files": {"model.onnx": hashlib.sha256(onnx_bytes).hexdigest()},
    }
    if kind == "detect":
        config["detect"] = {"threshold": 0.5, "overlap": 0.5, "most": 100}
    (path / "config.json").write_text(json.dumps(config | changes), "utf-8")
    return path


def colours(path: Path, **changes: Any) -> Path:
    """A folder of a classifier of colours."""
    return write_folder(path, colour_graph(), **changes)


def spots(path: Path, **changes: Any) -> Path:
    """A folder of a detector of coloured spots."""
    return write_folder(path, spot_graph(), kind="detect", **changes)
