"""`cloudvision run`: sources in, only what is worth it is called, one outcome for each comes out."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from cloudvision import sources
from cloudvision.accounts import read_accounts
from cloudvision.batch import run_many
from cloudvision.case import name_of
from cloudvision.cli import _flags as flags
from cloudvision.cli._downloads import Downloads
from cloudvision.cli._dry_run import dry_run, open_as_it_is
from cloudvision.cli._duration import seconds
from cloudvision.cli._interrupt import ends_at_once, interruptible
from cloudvision.cli._job import Again, Job, Order, Uncertain, micros, quota_of, threads
from cloudvision.cli._output import open_output, writing
from cloudvision.cli._show import Bar, Counts
from cloudvision.cli._summary import exit_code, last_words, summary
from cloudvision.cli._talk import say, stderr
from cloudvision.cli._telemetry import reporting
from cloudvision.cli._work import gate_for, work_of
from cloudvision.errors import BudgetExceededError, CloudVisionError, OutageError, StoppedError
from cloudvision.fetch import Fetcher
from cloudvision.gate.gate import DEFAULT
from cloudvision.ledger import Budget
from cloudvision.ledger_store import LedgerStore, open_ledger
from cloudvision.policy import Policy
from cloudvision.stop import StopSignal
from cloudvision.telemetry import Telemetry


def run(
    source: flags.Sources,
    provider: flags.ProviderName = "local-ocr",
    accounts: flags.AccountsFile = None,
    gate: flags.UseGate = None,
    gate_model: flags.GateModel = DEFAULT,
    features: flags.Features = "",
    model: flags.Model = None,
    pages: flags.Pages = None,
    locale: flags.Locale = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="out.jsonl, out.csv or out.parquet.")] = None,
    shrink: flags.Shrink = False,
    min_confidence: flags.MinConfidence = None,
    store: flags.Store = False,
    ledger: flags.LedgerName = "cloudvision.db",
    answers_ttl: Annotated[str | None, typer.Option(help="Ask anew for answers older than this, such as 30d.")] = None,
    answers_max: Annotated[int | None, typer.Option(help="Keep so many answers, the newest ones.", min=1)] = None,
    budget: Annotated[float | None, typer.Option(help="Most US dollars that this run may spend.", min=0)] = None,
    budget_per_day: Annotated[float | None, typer.Option(help="Most US dollars for each UTC day.", min=0)] = None,
    budget_ledger: Annotated[
        float | None, typer.Option(help="Most US dollars for all runs of the ledger together.", min=0)
    ] = None,
    rate: Annotated[float | None, typer.Option(help="Most calls a second.", min=0.001)] = None,
    tier: Annotated[str | None, typer.Option(help="Tier of the account, such as F0: its quota is known.")] = None,
    workers: Annotated[int | None, typer.Option(help="Threads.", min=1, max=512)] = None,
    audit: flags.Audit = 0.0,
    audit_recall: flags.AuditRecall = None,
    order: Annotated[Order, typer.Option(help="Results in the order of the list, or as they come.")] = "input",
    timeout: flags.Timeout = 60.0,
    longest_outage: Annotated[
        str, typer.Option(help="How long to wait for a service that does not answer, such as 15m or 8h.")
    ] = "15m",
    uncertain: Annotated[Uncertain, typer.Option(help="Calls that were cut off: call again, or keep.")] = "retry",
    again: Annotated[Again, typer.Option(help="Do again what failed, was rejected, or everything.")] = "no",
    allow_private_hosts: flags.PrivateHosts = False,
    robots: flags.ObeyRobots = False,
    host_connections: flags.HostConnections = 8,
    host_rate: flags.HostRate = None,
    near_duplicates: flags.NearDuplicates = None,
    limit: flags.Limit = None,
    only_look: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done with each source; call nobody, write nothing.")
    ] = False,
    telemetry: Annotated[bool, typer.Option("--telemetry", help="Send spans and metrics to where is set up.")] = False,
) -> None:
    """Look at every source, call the provider for those that are worth it, and write one outcome for each."""
    work = work_of(
        source,
        provider,
        Policy(
            budget=Budget(run=micros(budget), ledger=micros(budget_ledger), day=micros(budget_per_day)),
            audit=audit,
            uncertain=uncertain,
            again="refused" if again == "rejected" else "all" if again == "all" else "no",
        ),
        gate=gate_for(provider, gate, gate_model),
        audit_recall=audit_recall,
        features=features,
        model=model,
        pages=pages,
        locale=locale,
        shrink=shrink,
        min_confidence=min_confidence,
        store=store,
        timeout_s=timeout,
        near_duplicates=near_duplicates,
        limit=limit,
    )
    job = Job(
        work,
        accounts=() if accounts is None else read_accounts(accounts, provider, env=os.environ),
        again=again,
        workers=threads(provider, workers),
        order=order,
        quota=quota_of(provider, rate=rate, tier=tier, accounts=accounts),
        output=output,
        timeout_s=timeout,
        longest_outage_s=seconds(longest_outage),
    )
    ttl_s = None if answers_ttl is None else seconds(answers_ttl)
    downloads, stop = Downloads(allow_private_hosts, timeout, host_connections, host_rate, robots), StopSignal()
    if only_look:
        with open_as_it_is(ledger, ttl_s=ttl_s) as opened, downloads.open(sleep=stop.sleep) as fetcher, ends_at_once():
            raise typer.Exit(dry_run(job, opened, fetcher, stop))
    with (
        reporting(telemetry) as told,
        open_ledger(ledger, ttl_s=ttl_s, max_answers=answers_max) as opened,
        downloads.open(sleep=stop.sleep) as fetcher,
    ):
        raise typer.Exit(_go(job, opened, fetcher, stop, telemetry=told))


def _go(job: Job, ledger: LedgerStore, fetcher: Fetcher, stop: StopSignal, *, telemetry: Telemetry) -> int:
    counts, passed = Counts(), sources.Passed()
    bar = Bar(job.work.length() if stderr.is_terminal else None)
    # Before the run begins: where another run writes to this file, there is none to go on with later.
    sink = open_output(job.output, provider=job.name, names=job.work.names)
    ended: CloudVisionError | None = None
    try:
        command = " ".join(map(name_of, job.work.names))[:500]  # kept and shown: without the secrets of URLs
        this_run = ledger.begin_run(
            job.identity, command=command, provider=job.name, reopen=job.again in ("failed", "rejected")
        )
        if this_run.beside:
            say(f"another process is at the same list; this is run {this_run.id}, with progress and budget of its own")
        pipeline = job.pipeline(ledger, fetcher, stop, run_id=this_run.id, telemetry=telemetry)
        bar.start()
        with interruptible(stop, ledger, last_words=partial(last_words, bar)):
            try:
                for outcome in run_many(pipeline, job.work.sources(passed), workers=job.workers, order=job.order):
                    with writing(job.output):
                        sink.write(outcome)
                    counts.add(outcome)
                    bar.update(counts)
            finally:
                # Also when the output breaks (a closed pipe, a full disk): what is paid for is written down.
                stop.set()
                ledger.wait_until_idle(job.timeout_s)
                ledger.leave_run(this_run.id)
        ledger.finish_run(this_run.id)
    except CloudVisionError as error:
        if not counts.done and not isinstance(error, StoppedError | BudgetExceededError | OutageError):
            raise  # nothing was done: there is nothing to sum up
        ended = error
    finally:
        bar.stop()
        with writing(job.output):
            sink.close()
    summary(job, ledger, this_run, counts, passed)
    return exit_code(job, ended, counts)
