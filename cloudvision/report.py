"""What a ledger tells of its runs: called, skipped, cached, failed, uncertain, spent and saved."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import isnan

from cloudvision import _report_gate
from cloudvision._json import JSON, encode, tagged
from cloudvision._report_gate import Calibrated, OfGate, of_gate
from cloudvision.gate import binomial
from cloudvision.ledger import Entry, Foreseen, Tally
from cloudvision.ledger_store import LedgerStore

__all__ = ["Calibrated", "OfGate", "Report", "Share", "page", "report", "rows", "wilson"]


@dataclass(frozen=True, slots=True)
class Share:
    """`hits` of `trials`, with the bounds of the Wilson score interval at 95 % confidence (all 0 to 1)."""

    hits: int
    trials: int
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Report:
    """Figures of one run, or of a whole ledger.

    Args:
        entries: list entries with an outcome.
        called: entries that were answered by a call of this run.
        cached: entries answered out of the ledger, at no cost.
        skipped: entries that the gate found not worth a call.
        failed: entries without an answer.
        uncertain: attempts that may have been billed (they count as spent).
        in_flight: attempts reserved and not ended.
        spent_usd: settled, reserved and uncertain together, as a budget counts it.
        saved_by_gate_usd, saved_by_ledger_usd: worst cost of the calls that were not made, at first-tier list prices.
        skip_share: skipped of all that the gate or the call decided (failed ones left out).
        missed_share: of the audited skips, those in which the call found text; None without an audit.
        foreseen: what the last estimate before this run said (money in millionths of a US dollar); None without one.
        gate: live recall, drift of scores and whether the gate backed off; None where nobody reads the answers.
    """

    entries: int
    called: int
    cached: int
    skipped: int
    failed: int
    uncertain: int
    in_flight: int
    spent_usd: float
    saved_by_gate_usd: float
    saved_by_ledger_usd: float
    skip_share: Share
    missed_share: Share | None
    foreseen: Foreseen | None = None
    gate: OfGate | None = None

    def to_json(self) -> dict[str, JSON]:
        """Plain JSON values with a `schema` number; a figure without a denominator is null."""
        return tagged(_without_nan(encode(self)))


def report(
    ledger: LedgerStore,
    *,
    run: int | None = None,
    found_text: Callable[[Entry], bool] | None = None,
    worth: Callable[[Entry], bool | None] | None = None,
    calibrated: Calibrated | None = None,
) -> Report:
    """Add up one run, or all runs of a ledger.

    Args:
        ledger: an open ledger.
        run: id of a run; None for all.
        found_text: tells of an audited entry whether its call brought text; None leaves the missed share out.
        worth: tells of a called entry whether its answer met the criterion, None where nobody knows; without it nothing is
            said of the gate's recall.
        calibrated: what scores looked like when the gate was calibrated; None says nothing of their drift.
    """
    tallies = ledger.tallies(run)
    attempts = {state: (number, micros) for state, number, micros in ledger.attempts(run)}

    def count(kind: str, *, cached: bool | None = None) -> int:
        return sum(t.entries for t in tallies if t.kind == kind and cached in (None, t.cached))

    skipped, called, cached = count("skipped"), count("analysed", cached=False), count("analysed", cached=True)
    return Report(
        entries=sum(t.entries for t in tallies),
        called=called,
        cached=cached,
        skipped=skipped,
        failed=count("failed"),
        uncertain=attempts.get("uncertain", (0, 0))[0],
        in_flight=attempts.get("reserved", (0, 0))[0],
        spent_usd=sum(micros for _, micros in attempts.values()) / 1e6,
        saved_by_gate_usd=sum(t.avoided for t in tallies if t.kind == "skipped") / 1e6,
        saved_by_ledger_usd=sum(t.avoided for t in tallies if t.kind == "analysed") / 1e6,
        skip_share=wilson(skipped, skipped + called + cached),
        missed_share=_missed(ledger, run, found_text),
        foreseen=None if run is None else ledger.estimated(run),
        gate=None if worth is None else _of_gate(ledger, run, tallies, worth=worth, calibrated=calibrated),
    )


def wilson(hits: int, trials: int, *, confidence: float = 0.95) -> Share:
    """The score interval of Wilson (1927) for a share; (0, 1) without trials."""
    return Share(hits, trials, *binomial.wilson(hits, trials, confidence=confidence))


def _missed(ledger: LedgerStore, run: int | None, found_text: Callable[[Entry], bool] | None) -> Share | None:
    if found_text is None or not any(t.audited for t in ledger.tallies(run)):
        return None
    audited = [e for entries in _entries(ledger, run) for e in entries if e.audited and e.kind == "analysed"]
    return wilson(sum(found_text(entry) for entry in audited), len(audited))


def _of_gate(
    ledger: LedgerStore,
    run: int | None,
    tallies: tuple[Tally, ...],
    *,
    worth: Callable[[Entry], bool | None],
    calibrated: Calibrated | None,
) -> OfGate | None:
    audited = any(t.audited for t in tallies)
    if not audited and calibrated is None:
        return None  # nothing to learn from reading millions of entries
    # Without an audit called answers say nothing of recall, and need not be parsed.
    return of_gate(_entries(ledger, run), worth=worth if audited else lambda _: None, calibrated=calibrated)


def _entries(ledger: LedgerStore, run: int | None) -> Iterator[Iterator[Entry]]:
    """The list entries of one run, or of each."""
    for number in [row.id for row in ledger.runs()] if run is None else [run]:
        yield ledger.progress(number)


def _without_nan(value: JSON) -> JSON:
    if isinstance(value, float):
        return None if isnan(value) else value
    if isinstance(value, Mapping):
        return {name: _without_nan(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_without_nan(item) for item in value]
    return value


def rows(figures: Report) -> tuple[tuple[str, str], ...]:
    """The figures as (name, value) for people."""

    def share(value: Share) -> str:
        return f"{value.hits} of {value.trials} ({value.low:.1%} to {value.high:.1%}, 95 % interval)"

    out = [
        ("entries", str(figures.entries)),
        ("called", str(figures.called)),
        ("cached", f"{figures.cached}, saved {figures.saved_by_ledger_usd:.4f} USD"),
        ("skipped by the gate", f"{share(figures.skip_share)}, saved {figures.saved_by_gate_usd:.4f} USD"),
        ("failed", str(figures.failed)),
        ("uncertain", f"{figures.uncertain} attempts that may have been billed"),
        ("spent", f"{figures.spent_usd:.4f} USD"),
    ]
    if figures.in_flight:
        out.append(("in flight", f"{figures.in_flight} attempts reserved and not ended"))
    if figures.missed_share is not None:
        out.append(("audited skips with text", share(figures.missed_share)))
    if figures.gate is not None:
        out += _report_gate.rows(figures.gate)
    if (said := figures.foreseen) is not None:
        cost, low, high = (micros / 1e6 for micros in (said.cost, said.cost_low, said.cost_high))
        where = f"{said.sampled} of {said.entries} entries looked at"
        calls = f"{said.calls} ({said.calls_low} to {said.calls_high}) calls, {cost:.4f} USD ({low:.4f} to {high:.4f})"
        out.append(("estimated", f"{calls}; {where}"))
    return tuple(out)


def page(title: str, parts: tuple[tuple[str, Report], ...]) -> str:
    """One self-contained HTML page with a table for each (heading, figures)."""
    tables = "".join(
        f"<h2>{html.escape(heading)}</h2><table>"
        + "".join(f"<tr><th>{html.escape(n)}</th><td>{html.escape(v)}</td></tr>" for n, v in rows(figures))
        + "</table>"
        for heading, figures in parts
    )
    style = (
        "body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#1b1f24}"
        "table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.35rem .6rem;"
        "border-bottom:1px solid #d8dee4}th{font-weight:600;width:14rem;white-space:nowrap}h2{font-size:1.1rem;"
        "overflow-wrap:anywhere;margin-top:2rem}"
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{style}</style><h1>{html.escape(title)}</h1>{tables}</html>\n"
    )
