"""The page of `cloudvision gate evaluate`."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from cloudvision.gate.evaluate import Estimated, Evaluation
from cloudvision.gate.metrics import Scores, Truth, confusion
from cloudvision.gate.ranking import over_thresholds
from cloudvision.pages.frame import figure, grid, matrix, page, table
from cloudvision.pages.svg import Bars, Curve, bars, curves

_CLASSES = 20
_SHARES = ("recall", "specificity", "precision", "npv", "skipped", "auc", "average_precision")
_WORDS = {
    "recall": ("Recall", "positives called / positives"),
    "specificity": ("Specificity", "negatives skipped / negatives: the share of a perfect gate's savings"),
    "precision": ("Precision", "positives / called"),
    "npv": ("NPV", "negatives / skipped"),
    "skipped": ("Calls skipped", "skipped / all"),
    "auc": ("AUC", "chance that a positive scores higher than a negative"),
    "average_precision": ("Average precision", "mean precision at every positive"),
}


@dataclass(frozen=True, slots=True)
class Missed:
    """A positive below the threshold: what it is called, its score, and a small JPEG of it."""

    name: str
    score: float
    jpeg: bytes


@dataclass(frozen=True, slots=True)
class Judged:
    """Scores (n,), truths, groups and weights, in one order."""

    scores: Scores
    truth: Truth
    groups: Sequence[str]
    weights: NDArray[np.float64]


def rows(found: Evaluation, *, price: str) -> tuple[tuple[str, str, str, str], ...]:
    """(figure, value, interval, meaning) for people; `price` says at whose price."""
    out = []
    for name in _SHARES:
        title, meaning = _WORDS[name]
        one: Estimated = getattr(found, name)
        out.append((title, _number(one.value), f"{_number(one.low)} to {_number(one.high)}", meaning))
    saved = found.saved_usd
    bounds = f"{saved.low:.4f} to {saved.high:.4f}"
    return (
        *out,
        ("Saved, USD per 1,000 pictures", f"{saved.value:.4f}", bounds, f"calls skipped, at list price: {price}"),
    )


def evaluation_page(
    found: Evaluation, judged: Judged, *, model: str, data: str, price: str, worst: Sequence[Missed]
) -> str:
    """One self-contained page.

    Args:
        model, data: names for the title.
        price: at whose price the savings are.
        worst: false negatives with the lowest scores, lowest first.
    """
    under = (
        f"{found.pictures:,} pictures of {found.groups:,} groups in {data}, {found.positives:,} worth a call;"
        f" threshold {found.threshold:.4f}; intervals at 95 %: {found.method}"
    )
    return page(
        f"Gate {model}",
        under=under,
        parts=(
            table(("figure", "value", "95 % interval", "meaning"), rows(found, price=price)),
            "<h2>At a glance</h2>",
            grid((_matrix(found), _against_threshold(found, judged), _histogram(judged), _reliability(found))),
            "<h2>By group</h2>",
            _by_group(found, judged),
            "<h2>Worst false negatives</h2>",
            _sheet(worst),
        ),
    )


def _matrix(found: Evaluation) -> str:
    tp, fp, tn, fn = (f"{count:,.0f}" for count in found.counts)
    drawing = matrix(
        ("called", "skipped"),
        (
            ("worth a call", ((tp, "true positives", "yes"), (fn, "false negatives: missed", "no"))),
            ("not", ((fp, "false positives: paid in vain", "no"), (tn, "true negatives: saved", "yes"))),
        ),
    )
    return figure("Confusion matrix", drawing, under=f"at the threshold {found.threshold:.4f}")


def _against_threshold(found: Evaluation, judged: Judged) -> str:
    points = over_thresholds(judged.scores, judged.truth, judged.weights)
    drawing = curves(
        (
            Curve("recall", "yes", [(t, recall) for t, _, recall in points if not math.isnan(recall)]),
            Curve("precision", "no", [(t, precision) for t, precision, _ in points if not math.isnan(precision)]),
        ),
        x="threshold",
        y="share",
        mark=found.threshold,
        marked=f"threshold {found.threshold:.3f}",
    )
    return figure("Precision and recall against the threshold", drawing)


def _histogram(judged: Judged) -> str:
    place = np.minimum((judged.scores * _CLASSES).astype(int), _CLASSES - 1)
    heights = {
        side: [float(n) for n in np.bincount(place[some], minlength=_CLASSES)]
        for side, some in ((True, judged.truth), (False, ~judged.truth))
    }
    names = [f"{k / _CLASSES:g}" if k % 4 == 0 else "" for k in range(_CLASSES)]
    drawing = bars(names, (Bars("worth a call", "yes", heights[True]), Bars("not", "no", heights[False])), x="score")
    return figure("Scores", drawing, under="a good gate has two heaps far apart")


def _reliability(found: Evaluation) -> str:
    drawing = curves(
        (
            Curve("pictures", "line", [(one.score, one.share) for one in found.curve], dots=True),
            Curve("scores that are probabilities", "dim", ((0.0, 0.0), (1.0, 1.0)), dashed=True),
        ),
        x="mean score",
        y="share worth a call",
    )
    return figure("Reliability", drawing, under=f"expected calibration error {found.calibration_error:.3f}")


def _by_group(found: Evaluation, judged: Judged, *, most: int = 40) -> str:
    names = np.asarray(judged.groups, dtype=object).astype(str)
    out = []
    for name in np.unique(names):
        some = names == name
        c = confusion(judged.scores[some], judged.truth[some], threshold=found.threshold)
        positives, negatives = c.true_positive + c.false_negative, c.true_negative + c.false_positive
        recall, specificity = _number(c.recall), _number(c.specificity)
        missed = f"{c.false_negative:,}"
        row = (name or "(none)", f"{positives:,}", missed, recall, f"{negatives:,}", specificity)
        out.append((c.false_negative, row))
    ranked = [row for _, row in sorted(out, key=lambda item: -item[0])]
    head = ("group", "positives", "missed", "recall", "negatives", "specificity")
    more = (
        f"<p>{len(ranked) - most:,} more groups, each with no more positives missed.</p>" if len(ranked) > most else ""
    )
    return table(head, ranked[:most]) + more


def _sheet(worst: Sequence[Missed]) -> str:
    if not worst:
        return "<p>None: every picture that is worth a call is called.</p>"
    pictures = "".join(
        f'<figure><img alt="" src="data:image/jpeg;base64,{base64.b64encode(one.jpeg).decode()}">'
        f"<figcaption>{one.score:.4f}  {escape(one.name)}</figcaption></figure>"
        for one in worst
    )
    return f'<div class="sheet">{pictures}</div>'


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}"
