"""`cloudvision estimate`: what a list would cost and skip, before a cent is spent."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from cloudvision import estimate as figures
from cloudvision import sources
from cloudvision.cli import _flags as flags
from cloudvision.cli._downloads import Downloads
from cloudvision.cli._interrupt import ends_at_once
from cloudvision.cli._talk import say
from cloudvision.cli._work import gate_for, work_of
from cloudvision.gate.gate import DEFAULT
from cloudvision.ledger_store import open_ledger
from cloudvision.policy import Policy
from cloudvision.stop import StopSignal


def estimate(
    source: flags.Sources,
    provider: flags.ProviderName = "local-ocr",
    accounts: flags.AccountsFile = None,  # noqa: ARG001  as for `run`: whoever answers, it costs the same
    gate: flags.UseGate = None,
    gate_model: flags.GateModel = DEFAULT,
    features: flags.Features = "",
    model: flags.Model = None,
    pages: flags.Pages = None,
    locale: flags.Locale = None,
    shrink: flags.Shrink = False,
    min_confidence: flags.MinConfidence = None,
    store: flags.Store = False,
    ledger: flags.LedgerName = "cloudvision.db",
    audit: flags.Audit = 0.0,
    near_duplicates: flags.NearDuplicates = None,
    limit: flags.Limit = None,
    sample: Annotated[int, typer.Option(help="Pictures that are loaded and judged.", min=1)] = figures.SAMPLE,
    seed: Annotated[int, typer.Option(help="Of the draw: the same seed draws the same sources.")] = 0,
    month_position: Annotated[int, typer.Option(help="Units already used this month, for price tiers.", min=0)] = 0,
    workers: Annotated[int, typer.Option(help="Threads.", min=1, max=512)] = 8,
    timeout: flags.Timeout = 60.0,
    allow_private_hosts: flags.PrivateHosts = False,
    robots: flags.ObeyRobots = False,
    host_connections: flags.HostConnections = 8,
    host_rate: flags.HostRate = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Tell what `cloudvision run` with the same flags would call, skip and cost. Nobody is called; no key is needed."""
    work = work_of(
        source,
        provider,
        Policy(audit=audit),
        gate=gate_for(provider, gate, gate_model),
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
    passed, stop = sources.Passed(), StopSignal()
    downloads = Downloads(allow_private_hosts, timeout, host_connections, host_rate, robots)
    with open_ledger(ledger) as opened, downloads.open(sleep=stop.sleep) as fetcher, ends_at_once():
        found = figures.estimate(
            work.line(opened, fetcher, stop),
            work.sources(passed),
            sample=sample,
            position=month_position,
            seed=seed,
            workers=workers,
        )
        opened.add_estimate(work.identity, found.foreseen())
    if as_json:
        print(json.dumps(found.to_json(), indent=2))
    else:
        for label, value in figures.rows(found):
            print(f"{label:24}{value}")
    if passed.files:
        say(f"{passed.files} files in folders or under S3 prefixes are no pictures and were passed over")
