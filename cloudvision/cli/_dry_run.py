"""`cloudvision run --dry-run`: what a run would do with every source, without a call and without a trace."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

from rich.markup import escape

from cloudvision import prices, sources
from cloudvision._printable import visible
from cloudvision.case import Source, name_of
from cloudvision.cli._job import Job
from cloudvision.cli._talk import say
from cloudvision.errors import CloudVisionError
from cloudvision.fetch import Fetcher
from cloudvision.gate.verdict import Verdict
from cloudvision.ledger import Ledger
from cloudvision.ledger_store import REDIS, LedgerStore, open_ledger
from cloudvision.pipeline import Pipeline
from cloudvision.provider import SelfChecking
from cloudvision.stop import StopSignal

EXIT_SOME_FAILED, EXIT_SETUP = 1, 2
_AHEAD = 8
"""Sources for each thread that are looked at before the first of them is shown."""


@dataclass(frozen=True, slots=True)
class _Fate:
    source: str
    would: Literal["call", "skip", "answered", "fail"]
    digest: str | None = None
    verdict: Verdict | None = None
    worst: int = 0
    error: str | None = None


def open_as_it_is(name: str, *, ttl_s: float | None) -> LedgerStore:
    """The ledger of that name, or an empty one where there is no such file: none is created."""
    if not name.startswith(REDIS) and not Path(name).exists():
        return Ledger()
    return open_ledger(name, ttl_s=ttl_s)


def dry_run(job: Job, ledger: LedgerStore, fetcher: Fetcher, stop: StopSignal) -> int:
    """Show what would become of each source, and the sum; the exit code."""
    line, passed = job.work.line(ledger, fetcher, stop), sources.Passed()
    counts, worst, seen = Counter[str](), 0, set[str]()
    for fate in _fates(line, job.work.sources(passed), workers=job.workers):
        copy = fate.would == "call" and fate.digest in seen
        counts["answered" if copy else fate.would] += 1
        worst += 0 if copy else fate.worst
        if fate.digest is not None:
            seen.add(fate.digest)
        _show(fate, copy=copy)
    say(
        f"[bold]{counts.total()} sources:[/] {counts['call']} would be called, at most {worst / prices.MICROS:.4f} USD at"
        f" the first tier; {counts['skip']} skipped by the gate, {counts['answered']} answered already, {counts['fail']}"
        " cannot be loaded. Nobody was called, and nothing was written"
    )
    if passed.files:
        say(f"{passed.files} files in folders or under S3 prefixes are no pictures and would be passed over")
    return max(_set_up(job), EXIT_SOME_FAILED if counts["fail"] else 0)


def _fates(line: Pipeline, listed: Iterator[Source], *, workers: int) -> Iterator[_Fate]:
    with ThreadPoolExecutor(workers) as pool:
        while some := list(islice(listed, _AHEAD * workers)):
            yield from pool.map(lambda source: _fate(line, source), some)


def _fate(line: Pipeline, source: Source) -> _Fate:
    try:
        ahead = line.look_ahead(source)
    except CloudVisionError as error:
        if error.fatal:
            raise
        return _Fate(name_of(source), "fail", error=str(error))
    would: Literal["call", "skip", "answered"] = "answered" if ahead.answered else "call" if ahead.called else "skip"
    worst = line.provider.worst_cost(ahead.image) if ahead.called else 0
    return _Fate(ahead.image.source, would, ahead.image.digest, ahead.verdict, worst)


def _show(fate: _Fate, *, copy: bool) -> None:
    would = "answered" if copy else fate.would
    if not sys.stdout.isatty():
        values: dict[str, object] = {"source": fate.source, "would": would}
        values["gate"] = None if fate.verdict is None else round(fate.verdict.score, 6)
        values["cost_usd"] = 0.0 if copy else fate.worst / prices.MICROS
        print(json.dumps(values | ({} if fate.error is None else {"error": fate.error})))
        return
    score = "  - " if fate.verdict is None else f"{fate.verdict.score:.2f}"
    why = "" if fate.error is None else f"  {fate.error.removeprefix(f'{fate.source}: ')}"
    print(visible(f"{would:9} gate {score}  {fate.source}{why}").replace("\n", "\\n"))


def _set_up(job: Job) -> int:
    """Say what a real run would miss."""
    asked = [(job.name, job.work.provider)]
    if job.accounts:
        asked = [(f"{job.name}, {account.name}", job.opened(account)) for account in job.accounts]
    code = 0
    for name, provider in asked:
        try:
            if isinstance(provider, SelfChecking):
                provider.ready()
        except CloudVisionError as error:
            code = EXIT_SETUP
            say(f"[bold red]not ready:[/] {escape(name)}: {escape(str(error).removeprefix(f'{job.name}: '))}")
    return code
