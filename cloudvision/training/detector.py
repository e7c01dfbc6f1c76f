"""The trunk of PP-OCRv6's text detector (small, Apache-2.0), as the exact stage's eyes.

RapidOCR's wheel brings the detector. Of its graph everything up to the feature pyramid's end is kept: 96 channels at a
quarter of the input, averaged over 2 x 2 here. What comes after, which turns features into a map of the input's size, costs a
fifth of the time and is left out: a read-out of our own takes its place.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper, numpy_helper

from cloudvision._onnxruntime import one_thread
from cloudvision.errors import ConfigError

MODEL = "PP-OCRv6_det_small.onnx"
CHANNELS, STRIDE = 96, 8
PIXELS, FEATURES = "pixels", "features"
# The detector was trained on BGR pictures with these, in that order.
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def detector_file() -> Path:
    """Raises ConfigError where RapidOCR, or this model of it, is not installed."""
    found = importlib.util.find_spec("rapidocr")
    folder = Path(found.origin).parent / "models" if found and found.origin else None
    if folder is None or not (folder / MODEL).is_file():
        raise ConfigError(
            f"the exact stage starts from {MODEL} of RapidOCR: pip install 'cloudvision-gate[local,train]'"
        )
    return folder / MODEL


def trunk(file: Path, *, opset: int) -> ModelProto:
    """(1, h, w, 3) uint8 RGB -> (1, CHANNELS, h / STRIDE, w / STRIDE); h and w divisible by 32."""
    whole = onnx.load(str(file))
    (given,) = whole.graph.input
    levels = _levels(whole.graph)
    cut = onnx.utils.Extractor(whole).extract_model([given.name], list(levels))
    model = onnx.version_converter.convert_version(cut, opset)
    graph = model.graph
    _take_pixels(graph, given.name)
    mean = (np.array(MEAN[::-1]) * 255).astype(np.float32).reshape(1, 3, 1, 1)
    graph.initializer.append(numpy_helper.from_array(mean, "pixel_mean"))
    # Bytes are turned into planes first: a mean for a plane is subtracted by whole vectors, one for every third number is not.
    front = [
        helper.make_node("Transpose", [PIXELS], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Cast", ["planes"], ["planes_float"], to=TensorProto.FLOAT),
        helper.make_node("Sub", ["planes_float", "pixel_mean"], [given.name]),
    ]
    nodes = [*front, *graph.node, *_joined(graph, levels)]
    return helper.make_model(
        helper.make_graph(
            nodes,
            "trunk",
            [helper.make_tensor_value_info(PIXELS, TensorProto.UINT8, [1, "height", "width", 3])],
            [helper.make_tensor_value_info(FEATURES, TensorProto.FLOAT, [1, CHANNELS, "rows", "columns"])],
            list(graph.initializer),
        ),
        opset_imports=[helper.make_opsetid("", opset)],
        ir_version=min(model.ir_version, 10),
    )


class Trunk:
    """The trunk, ready to run on one thread."""

    def __init__(self, model: ModelProto) -> None:
        self._session = one_thread(model.SerializeToString())

    def features(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(1, h, w, 3) -> (CHANNELS, h / STRIDE, w / STRIDE)."""
        (features,) = self._session.run([FEATURES], {PIXELS: pixels})
        return np.asarray(features[0], dtype=np.float32)


def _levels(graph: onnx.GraphProto) -> dict[str, int]:
    """The pyramid's levels before they are brought to one size and joined, and by how much each is enlarged."""
    makers = {name: node for node in graph.node for name in node.output}
    constants = {entry.name: numpy_helper.to_array(entry) for entry in graph.initializer}
    levels = {}
    for joined in [node for node in graph.node if node.op_type == "Concat"][-1].input:
        name = joined
        while makers[name].op_type == "Identity":
            name = makers[name].input[0]
        if makers[name].op_type == "Resize":
            source, _, scales = makers[name].input
            levels[source] = int(constants[scales][-1])
        else:
            levels[name] = 1
    return levels


def _joined(graph: onnx.GraphProto, levels: dict[str, int]) -> list[onnx.NodeProto]:
    """The levels at half the size that the detector joins them at.

    Nearest-neighbour enlarging by 2k and then averaging over 2 x 2 is enlarging by k: only the finest level is averaged.
    """
    nodes, parts = [], []
    for index, (name, enlarged) in enumerate(levels.items()):
        part = name
        if enlarged == 1:
            part = f"level_{index}"
            nodes.append(helper.make_node("AveragePool", [name], [part], kernel_shape=[2, 2], strides=[2, 2]))
        elif enlarged > 2:
            part, scales = f"level_{index}", np.array([1, 1, enlarged / 2, enlarged / 2], dtype=np.float32)
            graph.initializer.append(numpy_helper.from_array(scales, f"scales_{index}"))
            nodes.append(
                helper.make_node(
                    "Resize",
                    [name, "", f"scales_{index}"],
                    [part],
                    mode="nearest",
                    coordinate_transformation_mode="asymmetric",
                    nearest_mode="floor",
                )
            )
        parts.append(part)
    return [*nodes, helper.make_node("Concat", parts, [FEATURES], axis=1)]


def _take_pixels(graph: onnx.GraphProto, name: str) -> None:
    """Turn the first convolution's weights round, so that it takes RGB, and scale them: 0 to 255 less the mean goes in.

    What it is filled up with at the edges is zero either way.
    """
    (first,) = (node for node in graph.node if name in node.input)
    (weights,) = (entry for entry in graph.initializer if entry.name == first.input[1])
    scale = 1 / (np.array(DEVIATION[::-1]) * 255).reshape(1, 3, 1, 1)
    turned = (numpy_helper.to_array(weights)[:, ::-1] * scale).astype(np.float32)
    weights.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(turned), weights.name))
