"""`cloudvision run`: sources in, only what is worth it is called, one outcome for each comes out."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markup import escape

from cloudvision import images, prices, sources
from cloudvision.batch import run_many
from cloudvision.breaker import CircuitBreaker
from cloudvision.case import Source, name_of
from cloudvision.cli._downloads import Downloads
from cloudvision.cli._duration import seconds
from cloudvision.cli._identity import identity
from cloudvision.cli._interrupt import EXIT_CODE, interruptible
from cloudvision.cli._output import open_output, writing
from cloudvision.cli._show import SHOWN_FAILURES, Bar, Counts
from cloudvision.cli._talk import say, stderr
from cloudvision.cli._telemetry import reporting
from cloudvision.errors import BudgetExceededError, ConfigError, StoppedError
from cloudvision.fetch import Fetcher
from cloudvision.gate import Gate
from cloudvision.ledger import Budget, Run
from cloudvision.ledger_store import LedgerStore, open_ledger
from cloudvision.limit import Limiter
from cloudvision.near import MAX_DISTANCE, NearIndex
from cloudvision.pipeline import Pipeline
from cloudvision.policy import Policy
from cloudvision.provider import DETAILS, Provider, open_provider
from cloudvision.providers._aws_s3 import S3
from cloudvision.providers._options import Options
from cloudvision.quotas import Quota, quota
from cloudvision.report import report
from cloudvision.stop import StopSignal
from cloudvision.telemetry import Telemetry

Order = Literal["input", "done"]
Uncertain = Literal["retry", "keep"]
Again = Literal["no", "failed", "rejected", "all"]


@dataclass(frozen=True, slots=True)
class _Job:
    """What one command line asks for."""

    names: tuple[str, ...]
    provider: Provider
    gate: Gate | None
    policy: Policy
    again: Again
    limit: int | None
    near_duplicates: int | None
    workers: int
    order: Order
    quota: Quota | None
    private_hosts: bool
    output: Path | None
    timeout_s: float

    @property
    def identity(self) -> str:
        """The same for the same command: an unfinished run of it goes on where it was."""
        same = identity(self.names, provider=self.provider, gate=self.gate, audit=self.policy.audit, limit=self.limit)
        # What an unfinished ordinary run has done already is to be paid for anew too.
        return f"{same} again" if self.again == "all" else same

    def sources(self, passed: sources.Passed) -> Iterator[Source]:
        return islice(sources.expand(self.names, passed=passed), self.limit)


def run(
    source: Annotated[
        list[str],
        typer.Argument(
            help="File, folder, glob, URL, s3://bucket/key, s3://bucket/dir/, @list.txt, @rows.csv:column, @rows.jsonl:field, -"
        ),
    ],
    provider: Annotated[str, typer.Option(help="Who is asked; see `cloudvision providers`.")] = "local-ocr",
    gate: Annotated[bool, typer.Option(help="Look first with the local gate.")] = True,
    features: Annotated[str, typer.Option(help="What to analyse, separated by commas.")] = "",
    model: Annotated[str | None, typer.Option(help="Model or model version.")] = None,
    pages: Annotated[str | None, typer.Option(help="Page ranges of documents, such as 1-3,5.")] = None,
    locale: Annotated[str | None, typer.Option(help="Language of the text or of the answer, such as en.")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="out.jsonl, out.csv or out.parquet.")] = None,
    shrink: Annotated[
        bool, typer.Option("--shrink", help="Send large pictures smaller: quicker, not cheaper.")
    ] = False,
    ledger: Annotated[
        str, typer.Option(help="Keeps answers, spend and progress: file or redis://...")
    ] = "cloudvision.db",
    answers_ttl: Annotated[str | None, typer.Option(help="Ask anew for answers older than this, such as 30d.")] = None,
    budget: Annotated[float | None, typer.Option(help="Most US dollars that this run may spend.", min=0)] = None,
    budget_per_day: Annotated[float | None, typer.Option(help="Most US dollars for each UTC day.", min=0)] = None,
    rate: Annotated[float | None, typer.Option(help="Most calls a second.", min=0.001)] = None,
    tier: Annotated[str | None, typer.Option(help="Tier of the account, such as F0: its quota is known.")] = None,
    workers: Annotated[int | None, typer.Option(help="Threads.", min=1, max=512)] = None,
    audit: Annotated[float, typer.Option(help="Share of skips that are called all the same.", min=0, max=1)] = 0.0,
    order: Annotated[Order, typer.Option(help="Results in the order of the list, or as they come.")] = "input",
    timeout: Annotated[float, typer.Option(help="Seconds that one call or download may take.", min=0.1)] = 60.0,
    uncertain: Annotated[Uncertain, typer.Option(help="Calls that were cut off: call again, or keep.")] = "retry",
    again: Annotated[Again, typer.Option(help="Do again what failed, was rejected, or everything.")] = "no",
    allow_private_hosts: Annotated[bool, typer.Option(help="Let URLs lead to private addresses.")] = False,
    robots: Annotated[bool, typer.Option("--robots", help="Obey the robots.txt of hosts that URLs lead to.")] = False,
    host_connections: Annotated[int, typer.Option(help="Most downloads of one host at a time.", min=1)] = 8,
    host_rate: Annotated[float | None, typer.Option(help="Most requests a second to one host.", min=0.001)] = None,
    near_duplicates: Annotated[
        int | None,
        typer.Option(help="Let pictures that differ in so many of 64 bits share an answer.", min=0, max=MAX_DISTANCE),
    ] = None,
    limit: Annotated[int | None, typer.Option(help="Stop after so many sources.", min=1)] = None,
    telemetry: Annotated[bool, typer.Option("--telemetry", help="Send spans and metrics to where is set up.")] = False,
) -> None:
    """Look at every source, call the provider for those that are worth it, and write one outcome for each."""
    options = Options(
        features=tuple(name.strip() for name in features.split(",") if name.strip()),
        model=model,
        language=locale,
        pages=pages,
        shrink=shrink,
        timeout_s=timeout,
    )
    ttl_s = None if answers_ttl is None else seconds(answers_ttl)
    asked = open_provider(provider, options)
    details = DETAILS[provider]
    job = _Job(
        names=tuple(source),
        provider=asked,
        gate=Gate.load() if gate else None,
        policy=Policy(
            budget=Budget(run=_micros(budget), day=_micros(budget_per_day)),
            audit=audit,
            uncertain=uncertain,
            again="refused" if again == "rejected" else "all" if again == "all" else "no",
        ),
        again=again,
        limit=limit,
        near_duplicates=near_duplicates,
        # A call over the wire waits, a local one computes: more threads than cores only help the first.
        workers=workers or ((os.cpu_count() or 1) if details.local else 8),
        order=order,
        quota=Quota(per_second=rate) if rate else quota(asked.name, tier) if tier else None,
        private_hosts=allow_private_hosts,
        output=output,
        timeout_s=timeout,
    )
    downloads, stop = Downloads(allow_private_hosts, timeout, host_connections, host_rate, robots), StopSignal()
    with (
        reporting(telemetry) as told,
        open_ledger(ledger, ttl_s=ttl_s) as opened,
        downloads.open(sleep=stop.sleep) as fetcher,
    ):
        raise typer.Exit(_go(job, opened, fetcher, stop, telemetry=told))


def _go(job: _Job, ledger: LedgerStore, fetcher: Fetcher, stop: StopSignal, *, telemetry: Telemetry) -> int:
    near = None if job.near_duplicates is None else NearIndex(job.near_duplicates, store=ledger)
    command = " ".join(map(name_of, job.names))[:500]  # kept and shown: without the secrets of URLs
    this_run = ledger.begin_run(
        job.identity, command=command, provider=job.provider.name, reopen=job.again in ("failed", "rejected")
    )
    pipeline = Pipeline(
        job.provider,
        gate=job.gate,
        ledger=ledger,
        run_id=this_run.id,
        policy=job.policy,
        limiter=_limiter(job, ledger, stop),
        breaker=CircuitBreaker(job.provider.name),
        load=partial(images.load, fetcher=fetcher),
        load_object=S3.from_env().load,
        send_objects=DETAILS[job.provider.name].reads_s3,
        stop=stop,
        telemetry=telemetry,
        near=near,
    )
    counts, passed = Counts(), sources.Passed()
    bar = Bar(_total(job))
    sink = open_output(job.output, provider=job.provider.name, names=job.names)
    ended: StoppedError | BudgetExceededError | None = None
    bar.start()
    try:
        with interruptible(stop, ledger, last_words=partial(_last_words, bar)):
            try:
                for outcome in run_many(pipeline, job.sources(passed), workers=job.workers, order=job.order):
                    with writing(job.output):
                        sink.write(outcome)
                    counts.add(outcome)
                    bar.update(counts)
            finally:
                # Also when the output breaks (a closed pipe, a full disk): what is paid for is written down.
                stop.set()
                ledger.wait_until_idle(job.timeout_s)
        ledger.finish_run(this_run.id)
    except (StoppedError, BudgetExceededError) as error:
        ended = error
    finally:
        bar.stop()
        with writing(job.output):
            sink.close()
    _summary(job, ledger, this_run, counts, passed)
    return _exit_code(ended, counts)


def _limiter(job: _Job, ledger: LedgerStore, stop: StopSignal) -> Limiter:
    name, details = job.provider.name, DETAILS[job.provider.name]
    if job.quota is not None:
        per_second, per_minute = job.quota.per_second, job.quota.per_minute
        return Limiter(per_second, per_minute, shared=ledger, bucket=name, sleep=stop.sleep)
    # What a standard account allows is the most; a free or a shared one allows less, and nobody says how much.
    return Limiter(details.rate_per_s, adaptive=not details.local, sleep=stop.sleep)


def _exit_code(ended: StoppedError | BudgetExceededError | None, counts: Counts) -> int:
    if isinstance(ended, StoppedError):
        say("[bold]stopped.[/] The same command goes on where it was.")
        return EXIT_CODE
    if ended is not None:
        say(f"[bold]stopped:[/] {escape(str(ended))}. The same command with a larger budget goes on where it was.")
        return 3
    return 1 if counts.failed else 0


def _summary(job: _Job, ledger: LedgerStore, this_run: Run, counts: Counts, passed: sources.Passed) -> None:
    figures = report(ledger, run=this_run.id)
    say(
        f"[bold]{counts.done} sources:[/] {counts.called + counts.cached} read ({counts.called} called,"
        f" {counts.cached} from the ledger), {counts.skipped} skipped, {counts.failed} failed;"
        f" {counts.lines} lines of text"
    )
    free = DETAILS[job.provider.name].local
    saved = figures.saved_by_gate_usd + figures.saved_by_ledger_usd
    if free:
        # An engine on this machine costs nothing: the skips are told at the price they would have elsewhere.
        saved = prices.price("aws-rekognition/DetectText", figures.skipped + figures.cached) / prices.MICROS
    at = " at the list price of aws-rekognition" if free else ""
    say(
        f"[bold]spent[/] {figures.spent_usd:.4f} USD, [bold]saved[/] {saved:.4f} USD{at} (ledger {escape(ledger.name)})"
    )
    if figures.uncertain:
        say(f"{figures.uncertain} calls of this run were cut off and may have been billed; they count as spent")
    if passed.files:
        say(f"{passed.files} files in folders or under S3 prefixes are no pictures and were passed over")
    for source, message in counts.failures:
        say(f"[red]failed[/] {escape(source)}: {escape(message)}")
    if counts.failed > SHOWN_FAILURES:
        say(f"... and {counts.failed - SHOWN_FAILURES} more")
    if counts.failed:
        say("do the failed ones again with --again failed")


def _last_words(bar: Bar, left: int) -> None:
    bar.stop()
    cut = f" {left} calls were on the wire and are kept as uncertain." if left else ""
    say(f"[bold]stopped.[/]{cut} The same command goes on where it was.")


def _total(job: _Job) -> int | None:
    """Number of sources for the bar, where it can be known without touching a picture or a stream."""
    if not stderr.is_terminal or any(_is_open_ended(name) or sources.is_prefix(name) for name in job.names):
        return None
    return sum(1 for _ in job.sources(sources.Passed()))


def _is_open_ended(name: str) -> bool:
    # A pipe, such as @<(grep ...) or @/dev/stdin, can be read only once.
    piped = name.startswith("@") and Path(name[1:]).exists() and not Path(name[1:]).is_file()
    return piped or name == "-" or (not name.startswith("@") and Path(name).is_dir())


def _micros(usd: float | None) -> int | None:
    if usd is None:
        return None
    if not math.isfinite(usd):
        raise ConfigError(f"a budget is a sum of money, got {usd}; leave it out for no bound")
    return round(usd * prices.MICROS)
