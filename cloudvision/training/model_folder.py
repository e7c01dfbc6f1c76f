"""Write a stage that was trained on the corpus: config.json, model.onnx and MODEL_CARD.md."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from cloudvision.gate.drift import reference_of
from cloudvision.gate.folder import ModelFolder, describe
from cloudvision.gate.rewrite import entries
from cloudvision.training.evidence import Evidence


def write_stage(folder: ModelFolder, *, evidence: Evidence, training: dict[str, Any], card: str) -> None:
    """Write `folder` where its path says; `training` tells how it came about."""
    config = describe(folder) | calibrated(evidence) | {"training": training}
    folder.path.mkdir(parents=True, exist_ok=True)
    (folder.path / "model.onnx").write_bytes(folder.onnx)
    (folder.path / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    (folder.path / "MODEL_CARD.md").write_text(card, encoding="utf-8")
    print(f"wrote {folder.path}: {len(folder.onnx) / 1e6:.2f} MB, threshold {folder.threshold:.4f}")
    print_rows(evidence)


def calibrated(evidence: Evidence) -> dict[str, Any]:
    """What a config.json holds of its calibration."""
    reference = reference_of(evidence.scores)
    if evidence.certificate is not None:
        return entries(evidence.certificate, reference)
    return {
        "threshold_chosen": f"highest with recall {evidence.recall} on {len(evidence.scores)} pictures of "
        f"{len(set(evidence.groups))} sources that the scoring network had not seen; not certified",
        "calibration_scores": asdict(reference),
    }


def print_rows(evidence: Evidence) -> None:
    for row in evidence.rows():
        at = f"specificity at recall 0.95 {row.specificity_95:.3f} at 0.98 {row.specificity_98:.3f}"
        print(f"{row.truth:12} AUC {row.auc:.4f} {at}")
