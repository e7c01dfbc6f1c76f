"""An ONNX export of Custom Vision as it comes: model.onnx, labels.txt, cvexport.manifest, metadata_properties.json.

Written from the vendor's public sample scripts for exported models, which tell the inputs and outputs of each domain, and from
what people report of their exports; no real export was at hand. What is known:

- Channel order and range of the input stand in the graph's own metadata ("Image.BitmapPixelFormat": "Bgr8" or "Rgb8",
  "Image.NominalPixelRange": "NominalRange_0_255" or "Normalized_0_1"); without them, it is RGB from 0 to 1.
  metadata_properties.json holds keys of the same names that describe the service's own network: exports whose graph scales
  by itself say "Normalized_0_1" there all the same, so these are not used.
- A picture is stretched to the input's size, unless metadata_properties.json says "OneCropCenter": then the shorter side
  becomes TargetWidth, and the middle of CropWidth is cut out.
- labels.txt has one label a line in the order of the outputs, escaped as in HTML.
"""

from __future__ import annotations

import hashlib
import html
import json
from collections.abc import Mapping
from typing import Any

from cloudvision.errors import ConfigError
from cloudvision.models.custom_vision_layout import ANCHORS, Classifier, Detector, Grid, Pixels
from cloudvision.models.description import MAX_SIDE, Description, DetectSettings, InputSettings, Kind
from cloudvision.models.files import Files
from cloudvision.models.folder import Found
from cloudvision.models.graph import Graph, open_graph
from cloudvision.models.layout import Layout

LABELS = "labels.txt"
MANIFEST = "cvexport.manifest"
PROPERTIES = "metadata_properties.json"
THRESHOLD, OVERLAP, MOST = 0.1, 0.45, 64
"""Of the vendor's sample scripts; the threshold is that of its older, the number that of its newer ones."""

_DETECTED = {"detected_boxes", "detected_classes", "detected_scores"}
_PREFIX = "CustomVision.Preprocess."


def is_export(files: Files) -> bool:
    """True for what looks like an export of Custom Vision: a graph beside labels.txt, and no config.json."""
    return LABELS in files.names and any(name.endswith(".onnx") for name in files.names)


def read_export(files: Files, *, threads: int) -> Found:
    """Read an export.

    Raises:
        ConfigError: a file is missing or not as expected, or the graph is of no known domain.
    """
    manifest, properties = _json(files, MANIFEST), _json(files, PROPERTIES)
    labels = _labels(files, str(manifest.get("LabelFileName") or LABELS))
    name = _graph_name(files, manifest)
    onnx = files.read(name)
    where = f"{files.path}: {name}"
    graph = open_graph(onnx, where=where, threads=threads)
    layout, kind = _layout(graph, properties, labels, where)
    version = manifest.get("IterationId")
    description = Description(
        kind=kind,
        name=files.path.stem,
        labels=labels,
        input=_input(graph, properties, where),
        version=version if isinstance(version, str) and version else None,
        detect=_detect(properties) if kind == "detect" else None,
    )
    parts = [onnx, *(files.read(each) for each in (LABELS, MANIFEST, PROPERTIES) if each in files.names)]
    digests = b"".join(hashlib.sha256(part).digest() for part in parts)
    return Found(description, layout, graph, hashlib.sha256(digests).hexdigest())


def _layout(graph: Graph, properties: Mapping[str, Any], labels: tuple[str, ...], where: str) -> tuple[Layout, Kind]:
    said = dict(graph.metadata)
    pixels = Pixels(
        bgr=said.get("Image.BitmapPixelFormat") == "Bgr8",
        full=said.get("Image.NominalPixelRange") == "NominalRange_0_255",
    )
    outputs = {each.name: each for each in graph.outputs}
    if set(outputs) >= _DETECTED:
        return Detector(pixels, graph.input.name, labels=len(labels)), "detect"
    for each in graph.outputs:
        if each.type.startswith("seq(map(string"):
            return Classifier(pixels, graph.input.name, each.name, labels=labels, named=True), _classifies(properties)
        if each.type in ("tensor(float)", "tensor(float16)") and len(each.shape) == 4:
            return Grid(pixels, graph.input.name, each.name, len(labels), anchors=_anchors(properties)), "detect"
    for each in graph.outputs:
        if each.type in ("tensor(float)", "tensor(float16)") and len(each.shape) == 2:
            return Classifier(pixels, graph.input.name, each.name, labels=labels, named=False), _classifies(properties)
    shown = ", ".join(f"{each.name} {each.type} {list(each.shape)}" for each in graph.outputs)
    raise ConfigError(f"{where} is of no known domain of Custom Vision; its outputs are {shown}")


def _classifies(properties: Mapping[str, Any]) -> Kind:
    multilabel = properties.get("CustomVision.Postprocess.Method") == "ClassificationMultiLabel"
    return "multilabel" if multilabel else "classify"


def _input(graph: Graph, properties: Mapping[str, Any], where: str) -> InputSettings:
    crop, target = (
        (_pixels(properties, f"{of}Width"), _pixels(properties, f"{of}Height")) for of in ("Crop", "Target")
    )
    cut = properties.get(f"{_PREFIX}CropMethod") == "OneCropCenter" and min(crop) > 0 and min(target) >= min(crop)
    height, width = graph.input.shape[2:]
    if not isinstance(height, int) or not isinstance(width, int):
        width, height = crop if cut else target
    if not 1 <= min(width, height) <= max(width, height) <= MAX_SIDE:
        raise ConfigError(f"{where} takes any size, and {PROPERTIES} does not say which one it was trained for")
    if not cut:
        return InputSettings(width, height, "stretch")
    return InputSettings(width, height, "crop", shown=min(crop) / min(target))


def _detect(properties: Mapping[str, Any]) -> DetectSettings:
    overlap = _value(properties, "CustomVision.Postprocess.Yolo.NmsThreshold")
    return DetectSettings(THRESHOLD, overlap if isinstance(overlap, float) and 0 < overlap <= 1 else OVERLAP, MOST)


def _anchors(properties: Mapping[str, Any]) -> tuple[tuple[float, float], ...]:
    """Widths and heights in cells of the grid, as the properties say, else the ones of the vendor's sample scripts."""
    said = _value(properties, "CustomVision.Postprocess.Yolo.Biases")
    flat = (
        [side for each in said for side in (each if isinstance(each, list) else [each])]
        if isinstance(said, list)
        else []
    )
    if not flat or len(flat) % 2 or not all(isinstance(side, int | float) and side > 0 for side in flat):
        return ANCHORS
    return tuple(zip(map(float, flat[::2]), map(float, flat[1::2]), strict=True))


def _value(properties: Mapping[str, Any], key: str) -> Any:
    """Values are JSON inside of text: "null", "[0.57, 0.67]"."""
    text = properties.get(key)
    try:
        return json.loads(text) if isinstance(text, str) else text
    except ValueError:
        return None


def _pixels(properties: Mapping[str, Any], name: str) -> int:
    value = _value(properties, _PREFIX + name)
    return value if isinstance(value, int) else 0


def _graph_name(files: Files, manifest: Mapping[str, Any]) -> str:
    said = manifest.get("ModelFileName")
    found = [name for name in files.names if name.endswith(".onnx")]
    if isinstance(said, str) and said in found:
        return said
    if len(found) > 1 and "model.onnx" not in found:
        raise ConfigError(f"{files.path}: has several graphs, {', '.join(found)}, and {MANIFEST} names none of them")
    return "model.onnx" if "model.onnx" in found else found[0]


def _labels(files: Files, name: str) -> tuple[str, ...]:
    try:
        text = files.read(name).decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise ConfigError(f"{files.path}: {name} is not UTF-8") from exc
    labels = tuple(html.unescape(line.strip()) for line in text.splitlines() if line.strip())
    if not labels or len(set(labels)) != len(labels):
        raise ConfigError(
            f"{files.path}: {name} should hold different labels, one a line, and holds {list(labels)!r:.200}"
        )
    return labels


def _json(files: Files, name: str) -> Mapping[str, Any]:
    """{} where the file is not there: older exports have neither."""
    if name not in files.names:
        return {}
    try:
        values = json.loads(files.read(name).decode("utf-8-sig"))
    except (ValueError, RecursionError) as exc:
        raise ConfigError(f"{files.path}: {name} is not JSON ({exc})") from exc
    return values if isinstance(values, dict) else {}
