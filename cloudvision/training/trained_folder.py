"""What is written of a gate that somebody trained on their own labels: config.json, model.onnx and MODEL_CARD.md."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cloudvision.errors import ConfigError
from cloudvision.gate import metrics
from cloudvision.gate.calibrate import Certificate, certify
from cloudvision.gate.criterion import Criterion
from cloudvision.gate.drift import reference_of
from cloudvision.gate.evaluate import Evaluation, evaluate
from cloudvision.gate.folder import Calibration, ModelFolder, describe
from cloudvision.gate.preprocess import Preprocessing
from cloudvision.gate.rewrite import chosen, entries, rounded
from cloudvision.training.export import INPUT, OUTPUT


@dataclass(frozen=True, slots=True)
class Judged:
    """Pictures that neither trained nor stopped the network: n scores, truths, groups and weights (NaN: unknown)."""

    scores: metrics.Scores
    truth: metrics.Truth
    groups: tuple[str, ...]
    weights: NDArray[np.float64]
    digest: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What the card tells besides the figures; `recipe` in the words of the network's own."""

    name: str
    network: str
    parameters: int
    start: str
    recipe: dict[str, object]
    command: str
    data_sha256: str
    pictures: int
    groups: int
    parted_by: str


@dataclass(frozen=True, slots=True)
class Threshold:
    """The threshold and why it is that one; `certificate` is None where there was too little to certify it."""

    value: float
    why: str
    certificate: Certificate | None


def choose(judged: Judged, *, recall: float, confidence: float, fixed: float | None, by_group: bool) -> Threshold:
    """The given threshold, else a certified one, else the highest that has the recall on these very pictures."""
    if fixed is not None:
        return Threshold(fixed, "given; not certified", None)
    known = np.isfinite(judged.weights)
    weights = judged.weights[known]
    try:
        found = certify(
            judged.scores[known],
            judged.truth[known],
            recall=recall,
            confidence=confidence,
            groups=np.array(judged.groups, dtype=object)[known].tolist() if by_group else None,
            weights=weights if (weights != 1).any() else None,
            data_sha256=judged.digest,
        )
    except ConfigError as error:
        value = metrics.threshold_at_recall(judged.scores, judged.truth, recall=recall)
        why = (
            f"highest with recall {recall} on {int(judged.truth.sum())} held-out positives; not certified: {error};"
            " certify one with `cloudvision gate calibrate` on a random draw of your pictures"
        )
        return Threshold(rounded(value), why, None)
    return Threshold(rounded(found.threshold), chosen(found), found)


def write(
    out: Path,
    *,
    onnx: bytes,
    preprocessing: Preprocessing,
    calibration: Calibration,
    criterion: Criterion,
    threshold: Threshold,
    judged: Judged,
    facts: Facts,
) -> Evaluation:
    """Write the folder; how good the gate is on the pictures that judged it."""
    folder = ModelFolder(
        path=out,
        name=facts.name,
        version="1",
        stage="fast",
        input_name=INPUT,
        output_name=OUTPUT,
        preprocessing=preprocessing,
        calibration=calibration,
        threshold=threshold.value,
        criterion=criterion,
        onnx=onnx,
    )
    reference = reference_of(judged.scores)
    told = {"threshold_chosen": threshold.why, "calibration_scores": asdict(reference)}
    if threshold.certificate is not None:
        told = entries(threshold.certificate, reference)
    training = {
        "command": facts.command,
        "data_sha256": facts.data_sha256,
        "calibration_sha256": judged.digest,
        "start": facts.start,
        "recipe": facts.recipe,
        "held_out": sorted(set(judged.groups)) if facts.parted_by == "group" else [],
    }
    found = evaluate(judged.scores, judged.truth, threshold=threshold.value, groups=judged.groups)
    out.mkdir(parents=True, exist_ok=True)
    (out / "model.onnx").write_bytes(onnx)
    config = describe(folder) | told | {"training": training}
    (out / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    card = _card(facts, found, judged, threshold, onnx_bytes=len(onnx))
    (out / "MODEL_CARD.md").write_text(card, encoding="utf-8")
    return found


def _card(f: Facts, found: Evaluation, judged: Judged, threshold: Threshold, *, onnx_bytes: int) -> str:
    unseen = {
        "group": "Split by group: no group of the pictures below was trained on.",
        "picture": "There were too few groups to split by: the pictures below were not trained on, others of their groups were."
        " On another group the figures will be worse.",
    }[f.parted_by]
    rows = "\n".join(
        f"| {name} | {one.value:.3f} | {one.low:.3f} to {one.high:.3f} |"
        for name, one in (
            ("recall", found.recall),
            ("specificity", found.specificity),
            ("precision", found.precision),
            ("NPV", found.npv),
            ("calls skipped", found.skipped),
            ("AUC", found.auc),
            ("average precision", found.average_precision),
        )
    )
    bins = "\n".join(f"| {one.score:.2f} | {one.share:.2f} | {one.pictures} |" for one in found.curve)
    recipe = ", ".join(f"{name} {value}" for name, value in f.recipe.items())
    return f"""# {f.name}: is a picture worth a paid call?

Network `{f.network}`, {f.parameters:,} parameters, {onnx_bytes / 1e6:.2f} MB, {f.start}.

## Training

{f.pictures:,} pictures of {f.groups:,} groups. {unseen}

    {f.command}

Recipe: {recipe}.

SHA-256 of pictures and labels: `{f.data_sha256}`; of those that calibrated it: `{judged.digest}`

## Results on {found.pictures:,} pictures of {found.groups:,} groups, {found.positives:,} of them worth a call

Threshold {threshold.value:.4f}: {threshold.why}.

| figure | value | 95 % interval ({found.method}) |
|---|---|---|
{rows}

The threshold and the scale of the scores were chosen on these very pictures.

## By group, at the threshold

| group | positives | recall | negatives | specificity |
|---|---|---|---|---|
{_groups(found, judged)}

## Calibration

Expected calibration error {found.calibration_error:.3f}.

| mean score | share that is worth a call | pictures |
|---|---|---|
{bins}
"""


def _groups(found: Evaluation, judged: Judged) -> str:
    names = np.array(judged.groups, dtype=object)
    out = []
    for name in sorted(set(judged.groups)):
        c = metrics.confusion(judged.scores[names == name], judged.truth[names == name], threshold=found.threshold)
        positives, negatives = c.true_positive + c.false_negative, c.true_negative + c.false_positive
        recall = f"{c.recall:.2f}" if positives else "-"
        specificity = f"{c.specificity:.2f}" if negatives else "-"
        out.append(f"| {name or '(none)'} | {positives} | {recall} | {negatives} | {specificity} |")
    return "\n".join(out)
