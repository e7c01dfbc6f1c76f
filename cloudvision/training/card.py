"""MODEL_CARD.md: every figure in it is computed here from the evidence, none is typed."""

from __future__ import annotations

from dataclasses import dataclass

from cloudvision.gate import metrics
from cloudvision.training.evidence import Evidence
from cloudvision.training.fit import Recipe
from cloudvision.training.network import Shape


@dataclass(frozen=True, slots=True)
class Facts:
    """What the card tells besides the evidence."""

    name: str
    version: str
    shape: Shape
    parameters: int
    recipe: Recipe
    command: str
    data_digest: str
    pictures: int
    sources: int
    folds: int
    folds_run: int
    trained_on_all: bool


def write_card(facts: Facts, evidence: Evidence, *, onnx_bytes: int) -> str:
    parts = (
        _head(facts, onnx_bytes=onnx_bytes),
        _training(facts),
        results(evidence, folds=facts.folds, run=facts.folds_run),
        threshold(evidence),
        calibration(evidence),
        sources(evidence),
        limits(evidence, side=facts.recipe.side),
        _DATA,
    )
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _head(f: Facts, *, onnx_bytes: int) -> str:
    return f"""
# {f.name} {f.version}: is there text worth a paid OCR call?

The probability that an OCR engine would read more than one word and more than five characters, at least one line of it with
a confidence of 0.90 or more. Input: one upright RGB picture, the longer side {f.recipe.side} pixels. It reads no text.

Architecture: depthwise-separable convolutions at strides 2 to 32 (widths {", ".join(map(str, f.shape.widths))}), a feature
pyramid back to stride 4 ({f.shape.pyramid} channels), a text map (any line; a line that the engine is sure of; the middle
of a line) with a count of characters, and a read-out of {f.shape.hidden} units over statistics of the map and pooled
features. {f.parameters:,} parameters, fp32, {onnx_bytes / 1e6:.2f} MB.
"""


def _training(f: Facts) -> str:
    every = "The shipped weights were trained with the same recipe on all sources: the figures below are of the networks of\n"
    every += "the folds, since for the shipped one no source is left to measure on."
    one = "The shipped weights are those of the first fold: the sources measured below were never trained on."
    r = f.recipe
    return f"""
## Training

{f.pictures:,} pictures of {f.sources} public collections, labelled by an OCR engine (PP-OCRv6 small, on the full-size
originals), not by people. The outlines of the lines are the truth of the map. Split by source: {f.folds} folds,
{f.folds_run} of them run.
{every if f.trained_on_all else one}

    {f.command}

AdamW, rate {r.rate} along half a cosine, weight decay {r.decay}, batches of {r.batch}, {r.epochs} epochs (the first two
thirds at {r.small_side} pixels, the rest at {r.side}), running average of the weights ({r.average}), bfloat16 on CPU,
seed {r.seed}. No epoch was chosen by held-out results.

Augmentation: colour, contrast, inversion, blur, noise, JPEG, scale, crop, small rotations; lines written on and copied onto
pictures without text, lines wiped off others.

SHA-256 of manifest and lines: `{f.data_digest}`
"""


def results(e: Evidence, *, folds: int, run: int) -> str:
    rows = "\n".join(
        f"| {r.truth} | {r.pictures:,} | {r.positives:,} | {r.auc:.3f} | {r.specificity_95:.3f} | {r.specificity_98:.3f} |"
        for r in e.rows()
    )
    return f"""
## Results on sources that the scoring network had not seen

{len(e.scores):,} pictures of {len(set(e.groups))} sources ({run} of {folds} folds). *Criterion*: meets it,
against all others, one-word signs included. *Clear cases*: meets it, against pictures without any line.

| truth | pictures | positives | AUC | specificity at recall 0.95 | specificity at recall 0.98 |
|---|---|---|---|---|---|
{rows}
"""


def threshold(e: Evidence) -> str:
    c = e.certificate
    if c is None:
        return f"""
## Threshold

{e.threshold:.6f}: the highest with recall {e.recall} on these very pictures. It is *not certified*: on other pictures the
recall will be another. {at_threshold(e)}
"""
    return f"""
## Threshold

{e.threshold:.6f}: *certified* to call at least {c.recall:.0%} of the positives with confidence {c.confidence:.0%} in data like
these whole sources ({c.groups} of them with positives, which vary like {c.independent:.0f} independent pictures). A stream of
your own is another matter: `cloudvision gate calibrate` certifies a threshold on it. {at_threshold(e)}

Method: {c.method}. Calibration set: `{c.data_sha256}`.
"""


def at_threshold(e: Evidence) -> str:
    c = e.confusion()
    return f"""At it: recall {c.recall:.3f}, specificity {c.specificity:.3f}, precision
{c.precision:.3f}, NPV {c.npv:.3f}, accuracy {c.accuracy:.3f}; {c.skipped:.1%} of the calls skipped."""


def calibration(e: Evidence) -> str:
    return f"""
## Calibration

Platt (slope {e.calibration.slope:.4f}, offset {e.calibration.offset:.4f}), fitted on the held-out pictures above, and shown
on the same ones:
{_bins(e)}
"""


def reliability(e: Evidence) -> str:
    return f"""
## Calibration

On the pictures above:
{_bins(e)}
"""


def _bins(e: Evidence) -> str:
    bins = "\n".join(f"| {score:.2f} | {share:.2f} | {count} |" for score, share, count in e.reliability())
    return f"""
| mean score | share that meets the criterion | pictures |
|---|---|---|
{bins}"""


def sources(e: Evidence) -> str:
    rows = "\n".join(_source(name, c) for name, c in e.by_group())
    return f"""
## By source, at the threshold

| source | positives | recall | negatives | specificity |
|---|---|---|---|---|
{rows}
"""


def _source(name: str, c: metrics.Confusion) -> str:
    positives, negatives = c.true_positive + c.false_negative, c.true_negative + c.false_positive
    recall = f"{c.recall:.2f}" if positives else "-"
    specificity = f"{c.specificity:.2f}" if negatives else "-"
    return f"| {name} | {positives} | {recall} | {negatives} | {specificity} |"


def limits(e: Evidence, *, side: int) -> str:
    missed = [(name, c.false_negative, c.true_positive + c.false_negative) for name, c in e.by_group()]
    called = [(name, c.false_positive, c.true_negative + c.false_positive) for name, c in e.by_group()]
    return f"""
## Limits

- Most missed: {_worst(missed)}.
- Most called in vain: {_worst(called)}.
- It sees a picture at {side} pixels: small print in a large photo is missed.
- The labels are an engine's opinion: the engine misses faint and curved text, and scripts that it cannot read counted as
  no text.
- Recall differs from source to source (table above): measure it on your own pictures before relying on it.
"""


def _worst(counts: list[tuple[str, int, int]]) -> str:
    ranked = sorted(counts, key=lambda row: -row[1])[:5]
    return ", ".join(f"{name} ({wrong} of {whole})" for name, wrong, whole in ranked if wrong) or "none"


_DATA = """
## Data and licences

The collections carry their own licences (MIT, Apache-2.0, CC0, CC-BY-SA, GPL, GFDL, public domain); several state none or
allow research only. No picture and no label is part of this package. The weights were trained from random numbers: no other
model's weights went in; the labels come from an engine under Apache-2.0.
"""
