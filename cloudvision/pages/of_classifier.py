"""The page of `cloudvision train --kind classify --html`: how good a classifier is, label by label."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from cloudvision.pages.frame import page, table


@dataclass(frozen=True, slots=True)
class Scores:
    """Figures on pictures that a model was not trained on.

    Args:
        accuracy: share of the pictures of which all is right; `interval` is its 95 % one.
        labels: (name, pictures, precision, recall, average precision) each; NaN where there is none.
        confusion: a row a true label, a column what was said; () for a multilabel model.
    """

    name: str
    pictures: int
    accuracy: float
    interval: tuple[float, float]
    labels: tuple[tuple[str, int, float, float, float], ...]
    confusion: tuple[tuple[int, ...], ...]


def classifier_page(scores: Scores) -> str:
    """One self-contained page."""
    low, high = scores.interval
    names = [name for name, *_ in scores.labels]
    rows = [
        (name, str(count), _share(precision), _share(recall), _share(average))
        for name, count, precision, recall, average in scores.labels
    ]
    return page(
        f"{scores.name}: how good it is",
        under=f"{scores.pictures:,} pictures that it was not trained on: accuracy {scores.accuracy:.3f}, "
        f"95 % interval {low:.3f} to {high:.3f} (Clopper-Pearson)",
        parts=(
            "<h2>By label</h2>",
            table(("label", "pictures", "precision", "recall", "average precision"), rows),
            *(("<h2>What was taken for what</h2>", _matrix(names, scores.confusion)) if scores.confusion else ()),
        ),
    )


def _matrix(names: Sequence[str], counts: Sequence[Sequence[int]]) -> str:
    """Rows are what is true; a cell is the darker the larger its share of the row."""
    head = "".join(f'<th class="n">{escape(name)}</th>' for name in names)
    body = []
    for n, (name, row) in enumerate(zip(names, counts, strict=True)):
        whole = max(1, sum(row))
        cells = "".join(
            f'<td class="n" style="background:color-mix(in srgb,var(--{"yes" if m == n else "no"}) '
            f'{round(60 * value / whole)}%,transparent)">{value or ""}</td>'
            for m, value in enumerate(row)
        )
        body.append(f"<tr><th>{escape(name)}</th>{cells}</tr>")
    return f'<div class="wide"><table><tr><th>true \\ said</th>{head}</tr>{"".join(body)}</table></div>'


def _share(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}"
