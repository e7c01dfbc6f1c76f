"""Write a stage that was trained on the corpus: config.json, model.onnx and MODEL_CARD.md."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from cloudvision.gate.folder import ModelFolder, describe
from cloudvision.gate.rewrite import rounded
from cloudvision.training.evidence import Evidence


def write_stage(folder: ModelFolder, *, evidence: Evidence, training: dict[str, Any], card: str) -> None:
    """Write `folder` where its path says, with the threshold of `evidence`; `training` tells how it came about."""
    folder = replace(folder, threshold=rounded(evidence.threshold))
    config = describe(folder) | {
        "threshold_chosen": f"highest with recall {evidence.recall} on {len(evidence.scores)} pictures of "
        f"{len(set(evidence.groups))} sources that the scoring network had not seen; not certified",
        "training": training,
    }
    folder.path.mkdir(parents=True, exist_ok=True)
    (folder.path / "model.onnx").write_bytes(folder.onnx)
    (folder.path / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    (folder.path / "MODEL_CARD.md").write_text(card, encoding="utf-8")
    print(f"wrote {folder.path}: {len(folder.onnx) / 1e6:.2f} MB, threshold {folder.threshold:.4f}")
    print_rows(evidence)


def print_rows(evidence: Evidence) -> None:
    for row in evidence.rows():
        at = f"specificity at recall 0.95 {row.specificity_95:.3f} at 0.98 {row.specificity_98:.3f}"
        print(f"{row.truth:12} AUC {row.auc:.4f} {at}")
