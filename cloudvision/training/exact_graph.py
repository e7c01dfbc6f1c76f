"""Trunk and read-out as the one file that the exact stage runs."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import ModelProto, TensorProto, helper, numpy_helper

from cloudvision.training.detector import CHANNELS, FEATURES
from cloudvision.training.readout import ReadOutNet

OPSET = 17
OUTPUT = "logit"
SMALL = 1024  # tensors of fewer numbers stay as they are; the first convolution has 648, some too small for float16


def join(trunk: ModelProto, net: ReadOutNet) -> bytes:
    """(1, h, w, 3) uint8 -> (1,) logit. Weights lie in the file as float16 and are computed with as float32."""
    head = onnx.load_model_from_string(_exported(net))
    head.ir_version = trunk.ir_version
    whole = onnx.compose.merge_models(trunk, head, io_map=[(FEATURES, "seen")], prefix2="readout/")
    (answer,) = whole.graph.output
    whole.graph.node.append(helper.make_node("Identity", [answer.name], [OUTPUT]))
    del whole.graph.output[:]
    whole.graph.output.append(helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [1]))
    whole.graph.name = "exact"
    _halve(whole.graph)
    onnx.checker.check_model(whole)
    return bytes(whole.SerializeToString())


def _exported(net: ReadOutNet) -> bytes:
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "readout.onnx"
        # The exporter that torch now prefers needs a further package (onnxscript) and gains nothing here.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            net.eval(),
            (torch.zeros(1, CHANNELS, 12, 16),),
            str(file),
            input_names=["seen"],
            output_names=["answer"],
            dynamic_axes={"seen": {2: "rows", 3: "columns"}},
            opset_version=OPSET,
            dynamo=False,
        )
        return file.read_bytes()


def _halve(graph: onnx.GraphProto) -> None:
    """Store large weights as float16; a Cast, which the runtime folds when it opens the file, makes them float32 again."""
    casts = []
    for entry in graph.initializer:
        if entry.data_type != TensorProto.FLOAT or int(np.prod(entry.dims)) < SMALL:
            continue
        name = entry.name
        entry.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(entry).astype(np.float16), f"{name}/half"))
        casts.append(helper.make_node("Cast", [entry.name], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
