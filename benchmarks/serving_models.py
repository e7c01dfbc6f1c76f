"""The networks and pictures of `serving.py`: random weights, made-up pictures."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

LABELS = ("apple", "banana", "orange")
SIDES = {"small": 192, "conv": 256, "dense": 192}


def write_model(folder: Path, kind: str) -> Path:
    """A model folder with a network of that kind."""
    side = SIDES[kind]
    graph = {"small": small_graph, "conv": conv_graph, "dense": dense_graph}[kind](side)
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(graph)
    config = {
        "format": 1,
        "kind": "classify",
        "name": kind,
        "version": "1",
        "labels": list(LABELS),
        "background": None,
        "input": {"width": side, "height": side, "resize": "stretch"},
        "files": {"model.onnx": hashlib.sha256(graph).hexdigest()},
    }
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def small_graph(side: int) -> bytes:
    import torch

    from cloudvision.models import InputSettings
    from cloudvision.training.classify_graph import to_onnx
    from cloudvision.training.classify_network import Classifier, GateBackbone

    torch.manual_seed(0)
    backbone = GateBackbone()
    net = Classifier(backbone, features=backbone.features, labels=len(LABELS)).eval()
    return to_onnx(net, size=InputSettings(side, side), multilabel=False)


def conv_graph(side: int) -> bytes:
    """The convolutions of ResNet-18: 2.4 thousand million multiplications at 256 pixels."""
    made = Made()
    x = made.conv("scaled", 3, 64, kernel=7, stride=2)
    x = made.node("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    before = 64
    for width, stride in ((64, 1), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1)):
        short = x if stride == 1 else made.conv(x, before, width, kernel=1, stride=stride, relu=False)
        inner = made.conv(x, before, width, kernel=3, stride=stride)
        inner = made.conv(inner, width, width, kernel=3, stride=1, relu=False)
        x = made.node("Relu", [made.node("Add", [inner, short])])
        before = width
    return made.finish(made.node("Flatten", [made.node("GlobalAveragePool", [x])]), before, side)


def dense_graph(side: int, *, width: int = 4096, pooled: int = 24) -> bytes:
    """Average-pooled pixels through two dense layers: 141 million weights, of each of which a picture takes two operations."""
    made = Made()
    x = made.node("AveragePool", ["scaled"], kernel_shape=[side // pooled] * 2, strides=[side // pooled] * 2)
    x, before = made.node("Flatten", [x]), 3 * pooled * pooled
    for after in (width, width * 8):
        x = made.node("Tanh", [made.node("MatMul", [x, made.weights(before, after)])])
        before = after
    return made.finish(x, before, side)


class Made:
    """A graph that is put together node by node, with random weights."""

    def __init__(self) -> None:
        self._rng = np.random.default_rng(0)
        self._nodes: list[Any] = []
        self._values: list[Any] = []
        self.node("Mul", ["pixels", self._value(np.float32(1 / 255))], name="scaled")

    def node(self, kind: str, inputs: list[str], *, name: str = "", **attributes: Any) -> str:
        """Name of its output."""
        from onnx import helper

        name = name or f"x{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def weights(self, *shape: int) -> str:
        drawn = self._rng.standard_normal(shape, dtype=np.float32)
        return self._value(drawn * np.float32((2 / np.prod(shape[1:] if len(shape) == 4 else shape[:1])) ** 0.5))

    def conv(self, x: str, before: int, after: int, *, kernel: int, stride: int, relu: bool = True) -> str:
        weights = self.weights(after, before, kernel, kernel)
        shape = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2, "pads": [kernel // 2] * 4}
        x = self.node("Conv", [x, weights], **shape)
        return self.node("Relu", [x]) if relu else x

    def finish(self, x: str, features: int, side: int) -> bytes:
        from onnx import TensorProto, helper

        logits = self.node("MatMul", [x, self.weights(features, len(LABELS))])
        self.node("Softmax", [logits], name="probabilities")
        pixels = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["n", 3, side, side])
        out = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", len(LABELS)])
        graph = helper.make_graph(self._nodes, "made", [pixels], [out], initializer=self._values)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        return bytes(model.SerializeToString())

    def _value(self, array: Any) -> str:
        from onnx import numpy_helper

        name = f"v{len(self._values)}"
        self._values.append(numpy_helper.from_array(np.asarray(array), name))
        return name


def pictures(count: int = 40) -> list[bytes]:
    """Different JPEG files of 640 x 480, some 50 kB each."""
    rng = np.random.default_rng(1)
    found = []
    for _ in range(count):
        rough = rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)
        stream = io.BytesIO()
        Image.fromarray(rough).resize((640, 480), Image.Resampling.BICUBIC).save(stream, "JPEG", quality=92)
        found.append(stream.getvalue())
    return found
