"""MODEL_CARD.md of the exact stage and of the cascade: every figure is computed here, none is typed."""

from __future__ import annotations

from dataclasses import dataclass

from cloudvision.gate.cascade import Combination, HandOver
from cloudvision.training import card
from cloudvision.training.evidence import Evidence
from cloudvision.training.fit_readout import CELLS_WITH, CELLS_WITHOUT, ReadOutRecipe
from cloudvision.training.readout import ReadOutShape


@dataclass(frozen=True, slots=True)
class ExactFacts:
    """What the card tells besides the evidence."""

    version: str
    recipe: ReadOutRecipe
    shape: ReadOutShape
    learned: int
    onnx_bytes: int
    command: str
    data_digest: str
    pictures: int
    folds: int


def exact_card(f: ExactFacts, e: Evidence) -> str:
    parts = (
        _exact_head(f),
        _exact_training(f, e),
        card.results(e, folds=f.folds, run=f.folds),
        card.threshold(e),
        card.calibration(e),
        card.sources(e),
        card.limits(e, side=f.recipe.side),
        _WEIGHTS,
    )
    return "\n\n".join(part.strip() for part in parts) + "\n"


def cascade_card(
    e: Evidence,
    *,
    version: str,
    hand_over: HandOver,
    combination: Combination,
    exact_share: float,
    folds: int,
    side: int,
) -> str:
    parts = (
        f"""
# cascade {version}: a fast look, and an exact one where that is unsure

[fast](../fast_v1/MODEL_CARD.md) looks at every picture. Where its probability lies from {hand_over.low} to {hand_over.high},
[exact](../exact_v1/MODEL_CARD.md) looks too, and both decide (weights of the logits: fast {combination.fast:.4f}, exact
{combination.exact:.4f}, offset {combination.offset:.4f}): {exact_share:.1%} of the pictures below took both.
""",
        card.results(e, folds=folds, run=folds),
        """
Slope and offset of the combination were fitted on these pictures; the networks that scored them had not seen their sources.
""",
        card.threshold(e),
        card.reliability(e),
        card.sources(e),
        card.limits(e, side=side),
    )
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _exact_head(f: ExactFacts) -> str:
    return f"""
# exact {f.version}: is there text worth a paid OCR call?

The probability that an OCR engine would read more than one word and more than five characters, at least one line of it with
a confidence of 0.90 or more. Input: one upright RGB picture, the longer side {f.recipe.side} pixels. It reads no text.

Architecture: the trunk of PP-OCRv6's text detector (small) up to its feature pyramid (96 channels at a quarter of the input,
averaged to an eighth), and a read-out of our own. A network of {f.shape.cell} units says of every cell whether it is text, text
that an engine is sure of, or the middle of a line; {f.shape.members} networks of {f.shape.picture} units each look at
statistics of these three maps and at the features under the text, at their peak and on average. {f.learned:,} parameters of
the read-out were trained here. Stored as float16, computed with as float32; {f.onnx_bytes / 1e6:.2f} MB.
"""


def _exact_training(f: ExactFacts, e: Evidence) -> str:
    r = f.recipe
    return f"""
## Training

{f.pictures:,} pictures of {len(set(e.groups))} public collections, labelled by an OCR engine (PP-OCRv6 small, on the full-size
originals), not by people. The trunk was left as it is; the read-out was trained on its features, first the look at a cell
(up to {CELLS_WITH} cells with and {CELLS_WITHOUT} without text of each picture, {r.cell_epochs} epochs, rate {r.cell_rate}),
then the look at the picture ({r.picture_epochs} epochs, rate {r.picture_rate}, weight decay {r.decay}, noise {r.noise}).
A source weighs as the root of its size. AdamW, seed {r.seed}. No epoch was chosen by held-out results. The shipped read-out
was trained on all sources: the figures below are those of the folds.

    {f.command}

The trunk knows its own engine's opinion of what text is, and the labels are that engine's: on another engine's labels the
figures would be lower.

SHA-256 of manifest and lines: `{f.data_digest}`
"""


_WEIGHTS = """
## Weights and licences

The trunk's weights are PP-OCRv6's (PaddleOCR, Apache License 2.0; converted to ONNX in RapidOCR's wheel, Apache License 2.0),
rounded to float16 and cut before the detector's own head. The read-out's were trained from random numbers. The collections that
it was trained on carry their own licences; no picture and no label is part of this package.
"""
