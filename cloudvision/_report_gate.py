"""What the list entries of a ledger tell of the gate: live recall by its audit, and whether its scores drift."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from cloudvision.gate.audit import Audited, Live, live
from cloudvision.gate.drift import Drift, Reference, drift
from cloudvision.ledger import Entry

MIN_SCORES = 100
"""Fewer scores say nothing of a drift: chance alone would make a large one."""


@dataclass(frozen=True, slots=True)
class Calibrated:
    """What scores looked like when a gate was calibrated. `model` is its name and version, as entries tell it."""

    model: str
    scores: Reference


@dataclass(frozen=True, slots=True)
class OfGate:
    """Live recall (None without an audit), drift (None with too few scores), and the thresholds of a gate that backed off."""

    live: Live | None
    drift: Drift | None
    backed_off: tuple[float, float] | None


def of_gate(
    runs: Iterable[Iterable[Entry]],
    *,
    worth: Callable[[Entry], bool | None],
    calibrated: Calibrated | None,
) -> OfGate:
    """Add up the entries of runs.

    Args:
        runs: the entries of each run.
        worth: whether the answer of a called picture meets the criterion; None where nobody knows.
        calibrated: what to compare the scores with.
    """
    called: Counter[bool] = Counter()
    audits: dict[float, Counter[bool]] = {}
    skipped: set[str] = set()
    scores: list[float] = []
    backed_off: tuple[float, float] | None = None
    for entries in runs:
        thresholds: list[float] = []
        for entry in entries:
            if entry.score is None or entry.cached:
                continue
            if calibrated is not None and entry.model == calibrated.model:
                scores.append(entry.score)
            if entry.threshold is not None:
                thresholds = (
                    [entry.threshold] if not thresholds else [max(thresholds), min(*thresholds, entry.threshold)]
                )
            if entry.kind == "skipped" or entry.audited:
                skipped.add(entry.digest or entry.source)
            if entry.kind != "analysed" or (truth := worth(entry)) is None:
                continue
            if not entry.audited:
                called[truth] += 1
            elif entry.propensity:
                audits.setdefault(entry.propensity, Counter())[truth] += 1
        if thresholds and min(thresholds) < max(thresholds):
            backed_off = max(thresholds), min(thresholds)
    told = [Audited(chance, found.total(), found[True]) for chance, found in sorted(audits.items())]
    return OfGate(
        live=live(called[True], called[False], told, skipped=len(skipped)) if told else None,
        drift=drift(np.array(scores), calibrated.scores) if calibrated and len(scores) >= MIN_SCORES else None,
        backed_off=backed_off,
    )


def rows(told: OfGate) -> tuple[tuple[str, str], ...]:
    """The figures as (name, value) for people."""
    out = []
    if (found := told.live) is not None:
        sure = f"each bound at {found.confidence:.0%}"
        r, s, m = found.recall, found.savings, found.missed
        out += [
            ("live recall", f"{r.value:.1%} (certified: at least {r.low:.1%}; at most {r.high:.1%}; {sure})"),
            (
                "missed by the gate",
                f"{m.value:.0f} pictures worth a call ({m.low:.0f} to {m.high:.0f}; {found.found} seen)",
            ),
            ("perfect gate's savings", f"{s.value:.1%} ({s.low:.1%} to {s.high:.1%}, {sure})"),
        ]
    if told.backed_off is not None:
        before, after = told.backed_off
        out.append(
            ("the gate backed off", f"its threshold went from {before:.4f} down to {after:.4f}: it missed too much")
        )
    if (moved := told.drift) is not None:
        figures = f"PSI {moved.psi:.3f}, KS {moved.ks:.3f} over {moved.pictures} pictures"
        out.append(("score drift", f"{moved.words} ({figures}) against the calibration set"))
    return tuple(out)
