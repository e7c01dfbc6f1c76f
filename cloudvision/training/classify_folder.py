"""Write a classifier's model folder: graphs, config.json, MODEL_CARD.md. Every figure in the card is computed here."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cloudvision.models import Description
from cloudvision.training.classify_scores import Judged, matrix_text

_SHOWN = 40  # labels up to which the card draws the confusion matrix


@dataclass(frozen=True, slots=True)
class Graphs:
    """The graphs of one model.

    Args:
        quantised: None where it was not wanted, or loses more than a hundredth.
        apart: largest difference of a probability between torch and the fp32 graph.
        loss: accuracy of fp32 less that of the quantised graph, on `compared` pictures; None where it was not wanted.
    """

    onnx: bytes = field(repr=False)
    quantised: bytes | None = field(repr=False)
    apart: float
    loss: float | None
    compared: int


@dataclass(frozen=True, slots=True)
class Facts:
    """How a model came about. `parts` are the numbers of pictures that learned, stopped and judged."""

    backbone: str
    parameters: int
    recipe: dict[str, Any]
    parts: tuple[int, int, int]
    groups: int
    data_sha256: str
    problems: tuple[str, ...]
    command: str


def write_folder(out: Path, described: Description, *, graphs: Graphs, judged: Judged, facts: Facts) -> None:
    """Write all files of the folder. `judged` is of pictures that learned, where none judge, and then no figure is shown."""
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
            "left_out": len(facts.problems),
            "recipe": facts.recipe,
            "metrics": _metrics(judged) if facts.parts[2] else None,
            "torch_to_onnx": graphs.apart,
            "quantised_loss": graphs.loss,
        },
    }
    out.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (out / name).write_bytes(data)
    (out / "MODEL_CARD.md").write_text(_card(described, graphs, judged, facts), encoding="utf-8")
    # Last: a folder with a config is a whole one.
    (out / "config.json").write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _metrics(judged: Judged) -> dict[str, Any]:
    low, high = judged.interval()
    return {
        "accuracy": _number(judged.accuracy),
        "accuracy_interval": [_number(low), _number(high)],
        "labels": {
            one.name: {
                "pictures": one.pictures,
                "precision": _number(one.precision),
                "recall": _number(one.recall),
                "average_precision": _number(one.average_precision),
            }
            for one in judged.by_label()
        },
    }


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 6)


def _card(d: Description, graphs: Graphs, judged: Judged, facts: Facts) -> str:
    what = "any number of these labels" if d.kind == "multilabel" else "one of these labels"
    background = f" `{d.background}` means that it shows none of the others." if d.background else ""
    learned, stopped, judging = facts.parts
    command = f"\n    {facts.command}\n" if facts.command else ""
    left_out = f" {len(facts.problems)} pictures could not be used." if facts.problems else ""
    return f"""# {d.name}{f" {d.version}" if d.version else ""}

Says of a picture {what}: {", ".join(f"`{label}`" for label in d.labels)}.{background}

Input: {d.input.width} by {d.input.height} pixels ({d.input.resize}). Backbone: {facts.backbone}.
{facts.parameters:,} parameters.

## Training

{sum(facts.parts):,} pictures of {facts.groups:,} groups: {learned:,} were learned from, {stopped:,} said when to
stop, {judging:,} judged. No group was parted; where nobody named groups, only equal files share one.{left_out}
{command}
Recipe: {", ".join(f"{name} {value}" for name, value in facts.recipe.items())}.

SHA-256 of pictures and labels: `{facts.data_sha256}`

{_results(judged) if judging else _NOT_JUDGED}
## Graphs

| graph | MB |
|---|---|
| model.onnx (fp32) | {len(graphs.onnx) / 1e6:.2f} |
{_quantised(graphs)}
Largest difference of a probability between torch and model.onnx: {graphs.apart:.1e}.
"""


_NOT_JUDGED = """## Results

No picture was kept back to judge: nothing is known of how good it is.
"""


def _results(judged: Judged) -> str:
    low, high = judged.interval()
    rows = "\n".join(
        f"| {one.name} | {one.pictures} | {one.precision:.3f} | {one.recall:.3f} | {one.average_precision:.3f} |"
        for one in judged.by_label()
    )
    right = "all labels right at a threshold of 0.5" if judged.multilabel else "the surest label is right"
    matrix = ""
    if not judged.multilabel and len(judged.labels) <= _SHOWN:
        matrix = f"\n```\n{matrix_text(judged)}\n```\n"
    return f"""## Results on {len(judged.truth):,} pictures that it was not trained on

Accuracy ({right}) {judged.accuracy:.3f}, 95 % interval {low:.3f} to {high:.3f} (Clopper-Pearson; it takes the pictures for
independent ones).

| label | pictures | precision | recall | average precision |
|---|---|---|---|---|
{rows}
{matrix}"""


def _quantised(graphs: Graphs) -> str:
    if graphs.loss is None:
        return ""
    if graphs.quantised is None:
        return f"\nA graph of eight bits would lose {graphs.loss:.1%} ({graphs.compared:,} pictures) and was not written.\n"
    return (
        f"| model.int8.onnx (eight bits) | {len(graphs.quantised) / 1e6:.2f} |\n\n"
        f"Accuracy lost by eight bits, on {graphs.compared:,} pictures: {graphs.loss:.1%}.\n"
    )
