"""What a list would cost, told before a cent is spent: a random sample goes down the line up to the call.

The sample is drawn evenly from the whole list in one pass (Vitter's algorithm R), so that lists of any length are read
once and kept nowhere. Each count is the sample's share times the length of the list, with the interval of Wilson (1927)
at 95 % around the share. A list that fits into the sample is looked at in full, and its counts have no interval. Two
things an estimate does not see: copies of a picture within the list beyond those in the sample, which a run pays once,
and what changes until the run.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

from cloudvision import prices
from cloudvision._bill import Bill, Itemised, PriceUsed, Range, Seen, units_of
from cloudvision._json import JSON, encode, tagged
from cloudvision.case import Source
from cloudvision.errors import CloudVisionError
from cloudvision.ledger import Foreseen
from cloudvision.near import NearIndex
from cloudvision.pipeline import Pipeline
from cloudvision.report import wilson

__all__ = ["SAMPLE", "Estimate", "Itemised", "PriceUsed", "Range", "estimate", "rows"]

SAMPLE = 200
"""Pictures looked at by default: the interval of a share is then at most 14 percentage points wide."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run over a list is expected to do and to cost. Counts are list entries.

    Args:
        entries: length of the list.
        sampled: entries that were looked at.
        seed: of the draw; the same seed draws the same places of the list.
        exact: True when the whole list was looked at.
        calls: entries that lead to a paid call.
        answered: entries whose answer is in the ledger, or that repeat another entry of the sample.
        skipped: entries that the gate finds not worth a call (without those called all the same for the audit).
        failed: entries that cannot be loaded.
        cost_usd: list price of the calls, from `position` on in the tiers of the month.
        saved_usd: list price of the calls that the gate saves.
        position: units of each operation already used this month.
        tiered: False where the provider's calls could only be priced at the first, dearest tier.
        prices: the lines of the price list that were used.
    """

    entries: int
    sampled: int
    seed: int
    exact: bool
    calls: Range
    answered: Range
    skipped: Range
    failed: Range
    cost_usd: Range
    saved_usd: Range
    position: int
    tiered: bool
    prices: tuple[PriceUsed, ...]

    def to_json(self) -> dict[str, JSON]:
        """Plain JSON values with a `schema` number."""
        return tagged(encode(self))

    def foreseen(self) -> Foreseen:
        """What the ledger keeps of it."""
        calls, cost = self.calls, self.cost_usd
        micros = (round(usd * prices.MICROS) for usd in (cost.expected, cost.low, cost.high))
        return Foreseen(self.entries, self.sampled, round(calls.expected), round(calls.low), round(calls.high), *micros)


def estimate(
    pipeline: Pipeline,
    sources: Iterable[Source],
    *,
    sample: int = SAMPLE,
    position: int = 0,
    seed: int = 0,
    workers: int = 8,
) -> Estimate:
    """Price a list with a sample of it. Nobody is called, and no key is needed.

    Args:
        pipeline: as for the run, with its provider, gate, ledger and loading.
        sources: the list; read once, lazily.
        sample: how many pictures are loaded and judged.
        position: units of each operation already used this month.
        seed: of the draw.
        workers: threads that load.

    Raises:
        CloudVisionError: a fatal one only; a picture that cannot be loaded is counted.
        ValueError: `sample` or `workers` is below 1, or `position` below 0.
    """
    if sample < 1 or workers < 1 or position < 0:
        raise ValueError(f"sample and workers begin at 1, position at 0: got {sample}, {workers}, {position}")
    entries, drawn = _draw(sources, sample, random.Random(seed))
    with ThreadPoolExecutor(workers) as pool:
        seen = _without_copies(list(pool.map(lambda source: _look(pipeline, source), drawn)), pipeline.near)
    counts = Counter(one.fate for one in seen)
    calls, answered, skipped, failed = (
        _scaled(counts[fate], len(seen), entries) for fate in ("call", "answered", "skipped", "failed")
    )
    bill = Bill(tuple(seen), position)
    return Estimate(
        entries=entries,
        sampled=len(seen),
        seed=seed,
        exact=len(seen) == entries,
        calls=calls,
        answered=answered,
        skipped=skipped,
        failed=failed,
        cost_usd=bill.usd("call", calls),
        saved_usd=bill.usd("skipped", skipped),
        position=position,
        tiered=bill.tiered,
        prices=bill.lines(),
    )


def rows(figures: Estimate) -> tuple[tuple[str, str], ...]:
    """The figures as (name, value) for people."""

    def count(value: Range) -> str:
        if figures.exact:
            return f"{value.expected:,.0f}"
        return f"{value.expected:,.0f} ({value.low:,.0f} to {value.high:,.0f})"

    def money(value: Range) -> str:
        if figures.exact:
            return f"{value.expected:.4f} USD"
        return f"{value.expected:.4f} USD ({value.low:.4f} to {value.high:.4f})"

    how = "all of them" if figures.exact else "95 % Wilson intervals of the sample's shares"
    out = [
        ("entries", f"{figures.entries:,}"),
        ("looked at", f"{figures.sampled:,}: {how}"),
        ("calls", count(figures.calls)),
        ("in the ledger or twice", count(figures.answered)),
        ("skipped by the gate", f"{count(figures.skipped)}, saves {money(figures.saved_usd)}"),
        ("cannot be loaded", count(figures.failed)),
        ("cost", money(figures.cost_usd)),
    ]
    for line in figures.prices:
        checked = "" if line.verified else ", not checked against the vendor's own page"
        tiers = f"from unit {figures.position + 1:,} of the month" if figures.tiered else "all at the first tier"
        out.append(("price list", f"{line.operation} of {line.as_of}, {tiers}{checked}"))
    return tuple(out)


def _draw(sources: Iterable[Source], sample: int, rng: random.Random) -> tuple[int, list[Source]]:
    kept: list[Source] = []
    number = 0
    for number, source in enumerate(sources, 1):
        if number <= sample:
            kept.append(source)
        elif (place := rng.randrange(number)) < sample:
            kept[place] = source
    return number, kept


def _look(pipeline: Pipeline, source: Source) -> Seen:
    try:
        ahead = pipeline.look_ahead(source)
    except CloudVisionError as error:
        if error.fatal:
            raise
        return Seen("failed")
    if ahead.answered:
        return Seen("answered", ahead.image.digest)
    provider = pipeline.provider
    worst = provider.worst_cost(ahead.image)
    fate: Literal["call", "skipped"] = "call" if ahead.called else "skipped"
    return Seen(fate, ahead.image.digest, worst, units_of(provider, ahead.image, worst), ahead.looks)


def _without_copies(seen: list[Seen], near: NearIndex | None) -> list[Seen]:
    """The second time that a picture comes, or one that looks like it where that counts, its answer is there already."""
    met: set[str] = set()
    asked: list[int] = []
    out = []
    for one in seen:
        looks = one.looks if one.fate == "call" else None
        alike = near is not None and looks is not None and any(near.alike(looks, other) for other in asked)
        copy = one.fate == "call" and (alike or one.digest in met)
        out.append(Seen("answered", one.digest) if copy else one)
        if looks is not None and not copy:
            asked.append(looks)
        if one.digest is not None:
            met.add(one.digest)
    return out


def _scaled(hits: int, trials: int, entries: int) -> Range:
    if trials == entries:
        return Range(hits, hits, hits)
    share = wilson(hits, trials)
    # What has been seen is certain: that many there are, and that many there are not.
    low, high = max(hits, share.low * entries), min(entries - (trials - hits), share.high * entries)
    return Range(hits / trials * entries, low, high)
