"""ONNX exports of Custom Vision in the documented layout, made of the colours and spots of `model_files`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from tests.model_files import COLOURS, GRID, SIDE, TensorProto, graph, helper, value

FULL_BGR = {"Image.BitmapPixelFormat": "Bgr8", "Image.NominalPixelRange": "NominalRange_0_255"}
UNIT_RGB = {"Image.BitmapPixelFormat": "Rgb8", "Image.NominalPixelRange": "Normalized_0_1"}
PROPERTIES = {
    "CustomVision.Metadata.Version": "1.1",
    "CustomVision.Postprocess.Method": "ClassificationMultiClass",
    "CustomVision.Postprocess.Yolo.Biases": "null",
    "CustomVision.Postprocess.Yolo.NmsThreshold": "null",
    "CustomVision.Preprocess.CropHeight": "0",
    "CustomVision.Preprocess.CropMethod": "FullImageShorterSide",
    "CustomVision.Preprocess.CropWidth": "0",
    "CustomVision.Preprocess.ResizeMethod": "ByShorterSideAlign32",
    "CustomVision.Preprocess.TargetHeight": str(SIDE),
    "CustomVision.Preprocess.TargetWidth": str(SIDE),
    "Image.BitmapPixelFormat": "Rgb8",
    "Image.NominalPixelRange": "Normalized_0_1",
}
"""As an export of a classifier says; the last two are those of the service's own network, not of the graph."""


def write_export(path: Path, onnx_bytes: bytes, *, labels: str = "\r\n".join(COLOURS), **properties: str) -> Path:
    """The files of an export; `properties` are given with "_" for "."."""
    path.mkdir(parents=True)
    (path / "model.onnx").write_bytes(onnx_bytes)
    (path / "labels.txt").write_bytes(labels.encode("utf-8-sig"))
    manifest = {
        "DomainType": "Classification",
        "Platform": "ONNX",
        "IterationId": "2f1b6d2c-0000-4000-8000-3c6a2f0d1b11",
        "ModelFileName": "model.onnx",
        "LabelFileName": "labels.txt",
        "MetadataPropsFileName": "metadata_properties.json",
        "SchemaVersion": "1.0",
    }
    (path / "cvexport.manifest").write_text(json.dumps(manifest), "utf-8")
    changed = {f"CustomVision.{name.replace('_', '.')}": text for name, text in properties.items()}
    (path / "metadata_properties.json").write_text(json.dumps(PROPERTIES | changed), "utf-8")
    return path


def classifier(*, named: bool, metadata: dict[str, str], batch: str | int = "None") -> bytes:
    """ "data" -> "classLabel" and "loss" (a sequence of maps), or "model_output" in the order of labels.txt.

    How red, green and blue the picture is, seen through the input's order and range.
    """
    blue_first = metadata.get("Image.BitmapPixelFormat") == "Bgr8"
    full = 255.0 if metadata.get("Image.NominalPixelRange") == "NominalRange_0_255" else 1.0
    weights = (np.eye(3)[::-1] if blue_first else np.eye(3)).astype(np.float32) * (16 / full)
    nodes = [
        helper.make_node("ReduceMean", ["data"], ["mean"], axes=[2, 3], keepdims=0),
        helper.make_node("Gemm", ["mean", "weights"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["model_output"]),
    ]
    outputs: dict[str, Any] = {"model_output": (batch, 3)}
    if named:
        keys = {"keys_int64s": [0, 1, 2], "values_strings": COLOURS}
        nodes += [
            helper.make_node("ArgMax", ["model_output"], ["best"], axis=1, keepdims=0),
            helper.make_node("LabelEncoder", ["best"], ["classLabel"], domain="ai.onnx.ml", **keys),
            helper.make_node("ZipMap", ["model_output"], ["loss"], domain="ai.onnx.ml", classlabels_strings=COLOURS),
        ]
        score = helper.make_tensor_type_proto(TensorProto.FLOAT, [])
        maps = helper.make_sequence_type_proto(helper.make_map_type_proto(TensorProto.STRING, score))
        outputs = {
            "classLabel": helper.make_tensor_value_info("classLabel", TensorProto.STRING, [batch]),
            "loss": helper.make_value_info("loss", maps),
        }
    values = [value("weights", weights)]
    return graph(nodes, values=values, outputs=outputs, input="data", batch=batch, metadata=metadata)


def detector(boxes: list[list[float]], classes: list[int], scores: list[float]) -> bytes:
    """ "image_tensor" -> what was found: always the same, plus nothing of the picture."""
    nodes = [
        helper.make_node("ReduceMax", ["image_tensor"], ["most"], keepdims=0),
        helper.make_node("Mul", ["most", "none"], ["zero"]),
        helper.make_node("Add", ["found", "zero"], ["detected_boxes"]),
        helper.make_node("Identity", ["kinds"], ["detected_classes"]),
        helper.make_node("Identity", ["sure"], ["detected_scores"]),
    ]
    count = len(boxes)
    values = [
        value("none", np.float32(0)),
        value("found", np.array(boxes, np.float32).reshape(1, count, 4)),
        value("kinds", np.array([classes], np.int64).reshape(1, count)),
        value("sure", np.array([scores], np.float32).reshape(1, count)),
    ]
    outputs = {
        "detected_boxes": (1, "num", 4),
        "detected_classes": helper.make_tensor_value_info("detected_classes", TensorProto.INT64, [1, "num"]),
        "detected_scores": (1, "num"),
    }
    return graph(nodes, values=values, outputs=outputs, input="image_tensor", batch=1, metadata=UNIT_RGB)


def grid(*, anchors: int = 5) -> bytes:
    """ "data" -> "model_outputs0", the last layer of a grid: anchor 1 of each cell is as present as the cell is bright."""
    kernel = [SIDE // GRID, SIDE // GRID]
    channels = anchors * 8  # 5 and three labels
    weights = np.zeros((channels, 3, *kernel), np.float32)
    offsets = np.zeros(channels, np.float32)
    offsets[4::8] = -20
    first = 8  # anchor 1
    offsets[first : first + 2] = 0.5
    offsets[first + 4] = -10
    for label in range(3):
        weights[first + 4, label] = 20 / (255 * kernel[0] * kernel[1])
        weights[first + 5 + label, label] = 9 / (255 * kernel[0] * kernel[1])
    nodes = [
        helper.make_node(
            "Conv", ["data", "weights", "offsets"], ["model_outputs0"], kernel_shape=kernel, strides=kernel
        )
    ]
    values = [value("weights", weights), value("offsets", offsets)]
    outputs = {"model_outputs0": (1, channels, GRID, GRID)}
    full_rgb = UNIT_RGB | {"Image.NominalPixelRange": "NominalRange_0_255"}
    return graph(nodes, values=values, outputs=outputs, input="data", batch=1, metadata=full_rgb)
