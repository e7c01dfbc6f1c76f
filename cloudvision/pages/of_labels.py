"""The page of `cloudvision gate label`: how the pictures that are worth a call differ from the others."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

from cloudvision.labels import Labelled, LabelRow
from cloudvision.pages.frame import figure, grid, page, table
from cloudvision.pages.svg import Bars, bars

_COUNTS = (0, 1, 2, 3, 4, 6, 9, 14, 21, 36, 61, 101, 201, 501)
_SHARES = (0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0)
_SURE = tuple(k / 20 for k in range(20))
_PIXELS = (0, 100, 200, 300, 400, 600, 800, 1000, 1500, 2000, 3000, 4000, 6000)
_CHOSEN = {
    "everything": "called whatever a gate says",
    "gate": "chosen by a gate",
    "audit": "audited skips",
    "": "unknown",
}


@dataclass(frozen=True, slots=True)
class _Figure:
    title: str
    path: str  # of the value in a row
    edges: Sequence[float]
    kind: str


_FIGURES = (
    _Figure("Words", "of_all.words", _COUNTS, "count"),
    _Figure("Words, the sure ones", "of_sure.words", _COUNTS, "count"),
    _Figure("Characters", "of_all.characters", _COUNTS, "count"),
    _Figure("Characters of sure words", "of_sure.characters", _COUNTS, "count"),
    _Figure("Lines", "of_all.lines", _COUNTS, "count"),
    _Figure("Lines with a sure word", "of_sure.lines", _COUNTS, "count"),
    _Figure("Highest confidence", "of_all.confidence_max", _SURE, "share"),
    _Figure("Average confidence", "of_all.confidence_mean", _SURE, "share"),
    _Figure("Average confidence of sure words", "of_sure.confidence_mean", _SURE, "share"),
    _Figure("Largest box, share of the picture", "of_all.largest_box", _SHARES, "share"),
    _Figure("All boxes together, share of the picture", "of_all.total_box", _SHARES, "share"),
    _Figure("Boxes of sure words together, share of the picture", "of_sure.total_box", _SHARES, "share"),
    _Figure("Width in pixels", "width", _PIXELS, "count"),
    _Figure("Height in pixels", "height", _PIXELS, "count"),
)


def labels_page(labelled: Labelled, *, ledger: str, criterion: str) -> str:
    """One self-contained page.

    Args:
        ledger: its name, for the title.
        criterion: in words.
    """
    rows = labelled.rows
    worth = sum(row.worth for row in rows)
    under = f"{len(rows):,} pictures, {worth:,} worth a call ({worth / max(1, len(rows)):.1%}): {criterion}"
    return page(
        f"Labels from {ledger.rpartition('/')[2]}",
        under=under,
        parts=(
            "<h2>Where they come from</h2>",
            table(("chosen by", "pictures", "worth a call", "stand for"), _chosen(rows)),
            _left_out(labelled),
            "<h2>Groups</h2>",
            table(("group", "pictures", "worth a call"), _groups(rows)),
            "<h2>What was read</h2>",
            grid(_drawn(one, rows) for one in _FIGURES),
        ),
    )


def _chosen(rows: Sequence[LabelRow]) -> Sequence[Sequence[str]]:
    out = []
    for by, words in _CHOSEN.items():
        some = [row for row in rows if row.chosen_by == by]
        weights = [row.weight for row in some if row.weight is not None]
        stand = f"{sum(weights):,.0f} pictures" if weights else "nothing: what that gate skipped is not known"
        if some:
            out.append((words, f"{len(some):,}", f"{sum(row.worth for row in some):,}", stand))
    return out


def _left_out(labelled: Labelled) -> str:
    said = [
        f"{count:,} {words}"
        for count, words in (
            (labelled.refused, "refused by the service"),
            (labelled.unreadable, "cannot be read"),
            (labelled.without_text, "without a text part"),
        )
        if count
    ]
    return f"<p>Answers without a label: {', '.join(said)}.</p>" if said else ""


def _groups(rows: Sequence[LabelRow], *, most: int = 20) -> Sequence[Sequence[str]]:
    counts: dict[str, list[int]] = {}
    for row in rows:
        mine = counts.setdefault(row.group, [0, 0])
        mine[0] += 1
        mine[1] += row.worth
    ranked = sorted(counts.items(), key=lambda item: (-item[1][0], item[0]))
    shown = [(name or "(none)", f"{pictures:,}", f"{worth:,}") for name, (pictures, worth) in ranked[:most]]
    if len(ranked) > most:
        rest = [counts for _, counts in ranked[most:]]
        pictures, worth = (sum(column) for column in zip(*rest, strict=True))
        shown.append((f"{len(rest):,} more", f"{pictures:,}", f"{worth:,}"))
    return shown


def _drawn(one: _Figure, rows: Sequence[LabelRow]) -> str:
    heights = {True: [0.0] * len(one.edges), False: [0.0] * len(one.edges)}
    known, value_of = 0, attrgetter(one.path)
    for row in rows:
        if (value := value_of(row)) is not None:
            heights[row.worth][max(0, bisect_right(one.edges, value) - 1)] += 1
            known += 1
    series = (Bars("worth a call", "yes", heights[True]), Bars("not", "no", heights[False]))
    under = "" if known == len(rows) else f"known of {known:,} pictures"
    return figure(one.title, bars(_names(one), series, x=one.title.lower()), under=under)


def _names(one: _Figure) -> list[str]:
    """What the classes are called: where they begin, and a plus for the last; of many fractions every other one."""
    if one.kind == "share":
        return [f"{edge:g}" if number % 2 == 0 or len(one.edges) < 15 else "" for number, edge in enumerate(one.edges)]
    return [f"{edge:g}" for edge in one.edges[:-1]] + [f"{one.edges[-1]:g}+"]
