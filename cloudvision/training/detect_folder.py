"""Write a detector's model folder: graphs, config.json, MODEL_CARD.md. Every figure in the card is computed here."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cloudvision.models import Description
from cloudvision.training.average_precision import DetectionScores


@dataclass(frozen=True, slots=True)
class DetectGraphs:
    """The graphs of one model.

    Args:
        quantised: None where it was not wanted, or loses more than a hundredth.
        apart: largest difference of a score, or of a corner as a fraction of the input, between torch and the fp32 graph.
        loss: mAP@0.5 of fp32 less that of the quantised graph, on the same pictures; None where it was not wanted.
    """

    onnx: bytes = field(repr=False)
    quantised: bytes | None = field(repr=False)
    apart: float
    loss: float | None


@dataclass(frozen=True, slots=True)
class DetectFacts:
    """How a model came about.

    Args:
        parts: the numbers of pictures that learned, stopped and judged.
        boxes: how many boxes those have that learned, and that judged.
    """

    backbone: str
    parameters: int
    recipe: dict[str, Any]
    parts: tuple[int, int, int]
    boxes: tuple[int, int]
    data_sha256: str
    problems: tuple[str, ...]
    command: str


def write_folder(
    out: Path, described: Description, *, graphs: DetectGraphs, judged: DetectionScores | None, facts: DetectFacts
) -> None:
    """Write all files of the folder; `judged` is None where no picture was kept back."""
    files = {"model.onnx": graphs.onnx}
    if graphs.quantised is not None:
        files["model.int8.onnx"] = graphs.quantised
    config = described.to_config() | {
        "backbone": facts.backbone,
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
        "training": {
            "command": facts.command,
            "data_sha256": facts.data_sha256,
            "pictures": dict(zip(("learn", "stop", "judge"), facts.parts, strict=True)),
            "boxes": dict(zip(("learn", "judge"), facts.boxes, strict=True)),
            "left_out": len(facts.problems),
            "recipe": facts.recipe,
            "metrics": _metrics(judged) if judged else None,
            "torch_to_onnx": graphs.apart,
            "quantised_loss": None if graphs.loss is None else _number(graphs.loss),
        },
    }
    out.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (out / name).write_bytes(data)
    (out / "MODEL_CARD.md").write_text(_card(described, graphs, judged, facts), encoding="utf-8")
    # Last: a folder with a config is a whole one.
    (out / "config.json").write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _metrics(judged: DetectionScores) -> dict[str, Any]:
    return {
        "map_50": _number(judged.map_50),
        "map_50_95": _number(judged.map_50_95),
        "labels": {
            one.name: {
                "boxes": one.boxes,
                "ap_50": _number(one.ap_50),
                "ap_50_95": _number(one.ap_50_95),
                "precision": _number(one.precision),
                "recall": _number(one.recall),
            }
            for one in judged.labels
        },
    }


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 6)


def _card(d: Description, graphs: DetectGraphs, judged: DetectionScores | None, facts: DetectFacts) -> str:
    assert d.detect is not None, "a detector"
    learned, stopped, judging = facts.parts
    command = f"\n    {facts.command}\n" if facts.command else ""
    left_out = f" {len(facts.problems)} pictures could not be used." if facts.problems else ""
    return f"""# {d.name}{f" {d.version}" if d.version else ""}

Says where in a picture there is: {", ".join(f"`{label}`" for label in d.labels)}.

Input: {d.input.width} by {d.input.height} pixels ({d.input.resize}): what is smaller than about 8 of these pixels is not found.
Boxes of a score below {d.detect.threshold} are left out, and of two of one label that overlap by more than
{d.detect.overlap} the less sure one. Backbone: {facts.backbone}. {facts.parameters:,} parameters.

Separable convolutions at strides 2 to 32, a pyramid of strides 8, 16 and 32 (down and up), and for each cell of it a score for
each label and the distances to the four edges; no anchors.

## Training

{sum(facts.parts):,} pictures: {learned:,} ({facts.boxes[0]:,} boxes) were learned from, {stopped:,} said when to stop and
which threshold is best, {judging:,} ({facts.boxes[1]:,} boxes) judged. Pictures that look alike were not parted.{left_out}
{command}
Recipe: {", ".join(f"{name} {value}" for name, value in facts.recipe.items())}.

SHA-256 of pictures and boxes: `{facts.data_sha256}`

{_results(judged, threshold=d.detect.threshold, pictures=judging) if judged else _NOT_JUDGED}
## Graphs

| graph | MB |
|---|---|
| model.onnx (fp32) | {len(graphs.onnx) / 1e6:.2f} |
{_quantised(graphs)}
Largest difference between torch and model.onnx, of a score or a corner as a fraction of the input: {graphs.apart:.1e}.
"""


_NOT_JUDGED = """## Results

No picture was kept back to judge: nothing is known of how good it is.
"""


def _results(judged: DetectionScores, *, threshold: float, pictures: int) -> str:
    rows = "\n".join(
        f"| {one.name} | {one.boxes} | {one.ap_50:.3f} | {one.ap_50_95:.3f} | {one.precision:.3f} | {one.recall:.3f} |"
        for one in judged.labels
    )
    return f"""## Results on {pictures:,} pictures that it was not trained on

mAP@0.5 {judged.map_50:.3f}, mAP@0.5:0.95 {judged.map_50_95:.3f} (COCO's way of counting; precision and recall at a score of
{threshold} and an overlap of 0.5).

| label | boxes | AP@0.5 | AP@0.5:0.95 | precision | recall |
|---|---|---|---|---|---|
{rows}
"""


def _quantised(graphs: DetectGraphs) -> str:
    if graphs.loss is None:
        return ""
    if graphs.quantised is None:
        return f"\nA graph of eight bits would lose {graphs.loss:.1%} of mAP@0.5 and was not written.\n"
    return (
        f"| model.int8.onnx (eight bits) | {len(graphs.quantised) / 1e6:.2f} |\n\n"
        f"mAP@0.5 lost by eight bits, on the same pictures: {graphs.loss:.1%}.\n"
    )
