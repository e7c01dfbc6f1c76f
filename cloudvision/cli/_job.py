"""What one command line asks for, and the pipeline that it comes to."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Literal

from cloudvision import images, prices, sources
from cloudvision.accounts import Account, failover
from cloudvision.breaker import CircuitBreaker, OutageBounds
from cloudvision.case import Source
from cloudvision.cli._identity import identity
from cloudvision.errors import ConfigError
from cloudvision.fetch import Fetcher
from cloudvision.gate import Gate
from cloudvision.ledger_store import LedgerStore
from cloudvision.limit import Limiter
from cloudvision.near import NearIndex
from cloudvision.pipeline import Pipeline
from cloudvision.policy import Policy
from cloudvision.provider import DETAILS, Provider
from cloudvision.providers._aws_s3 import S3
from cloudvision.providers._options import Options
from cloudvision.quotas import Quota
from cloudvision.stop import StopSignal
from cloudvision.telemetry import Telemetry

Order = Literal["input", "done"]
Uncertain = Literal["retry", "keep"]
Again = Literal["no", "failed", "rejected", "all"]


@dataclass(frozen=True, slots=True)
class Job:
    """The values of the flags; `provider` stands for all `accounts`, where there are any."""

    names: tuple[str, ...]
    provider: Provider
    options: Options
    accounts: tuple[Account, ...]
    gate: Gate | None
    policy: Policy
    again: Again
    limit: int | None
    near_duplicates: int | None
    workers: int
    order: Order
    quota: Quota | None
    output: Path | None
    timeout_s: float
    longest_outage_s: float

    @property
    def identity(self) -> str:
        """The same for the same command: an unfinished run of it goes on where it was."""
        same = identity(self.names, provider=self.provider, gate=self.gate, audit=self.policy.audit, limit=self.limit)
        # What an unfinished ordinary run has done already is to be paid for anew too.
        return f"{same} again" if self.again == "all" else same

    @property
    def documents(self) -> bool:
        """PDFs, and all pages of TIFFs, can be read."""
        return DETAILS[self.provider.name].reads_documents

    def sources(self, passed: sources.Passed) -> Iterator[Source]:
        """The list, read as it is needed."""
        return islice(sources.expand(self.names, passed=passed, documents=self.documents), self.limit)

    def length(self) -> int | None:
        """Number of sources, where it can be known without touching a picture or a stream."""
        if any(_is_open_ended(name) or sources.is_prefix(name) for name in self.names):
            return None
        return sum(1 for _ in self.sources(sources.Passed()))

    def pipeline(
        self, ledger: LedgerStore, fetcher: Fetcher, stop: StopSignal, *, run_id: int | None, telemetry: Telemetry
    ) -> Pipeline:
        """The straight line that all sources go through."""
        name, provider = self.provider.name, self.provider
        if self.accounts:
            provider = failover(self.accounts, name, self.options, shared=ledger, sleep=stop.sleep)
        return Pipeline(
            provider,
            gate=self.gate,
            ledger=ledger,
            run_id=run_id,
            policy=self.policy,
            limiter=self._limiter(ledger, stop),
            breaker=CircuitBreaker(name, bounds=OutageBounds(longest_s=self.longest_outage_s)),
            load=partial(images.load, fetcher=fetcher, documents=self.documents),
            load_object=partial(S3.from_env().load, documents=self.documents),
            send_objects=DETAILS[name].reads_s3,
            stop=stop,
            telemetry=telemetry,
            near=None if self.near_duplicates is None else NearIndex(self.near_duplicates, store=ledger),
            polls=self._polls(ledger, stop),
        )

    def _limiter(self, ledger: LedgerStore, stop: StopSignal) -> Limiter:
        name, details = self.provider.name, DETAILS[self.provider.name]
        if self.quota is not None:
            per_second, per_minute = self.quota.per_second, self.quota.per_minute
            return Limiter(per_second, per_minute, shared=ledger, bucket=name, sleep=stop.sleep)
        if self.accounts:
            return Limiter(sleep=stop.sleep)  # each account has one of its own
        # What a standard account allows is the most; a free or a shared one allows less, and nobody says how much.
        return Limiter(details.rate_per_s, adaptive=not details.local, sleep=stop.sleep)

    def _polls(self, ledger: LedgerStore, stop: StopSignal) -> Limiter:
        name = self.provider.name
        most = DETAILS[name].polls_per_s if self.quota is None else self.quota.polls_per_second
        return Limiter(most, shared=None if most is None else ledger, bucket=f"{name} polls", sleep=stop.sleep)


def threads(provider: str, asked: int | None) -> int:
    """A call over the wire waits, a local one computes: more threads than cores only help the first."""
    return asked or ((os.cpu_count() or 1) if DETAILS[provider].local else 8)


def micros(usd: float | None) -> int | None:
    """A sum of money in millionths of a US dollar.

    Raises:
        ConfigError: it is not finite.
    """
    if usd is None:
        return None
    if not math.isfinite(usd):
        raise ConfigError(f"a budget is a sum of money, got {usd}; leave it out for no bound")
    return round(usd * prices.MICROS)


def options_of(
    *, features: str, model: str | None, locale: str | None, pages: str | None, shrink: bool, timeout_s: float
) -> Options:
    """The settings of a provider as the flags give them."""
    return Options(
        features=tuple(name.strip() for name in features.split(",") if name.strip()),
        model=model,
        language=locale,
        pages=pages,
        shrink=shrink,
        timeout_s=timeout_s,
    )


def _is_open_ended(name: str) -> bool:
    # A pipe, such as @<(grep ...) or @/dev/stdin, can be read only once.
    piped = name.startswith("@") and Path(name[1:]).exists() and not Path(name[1:]).is_file()
    return piped or name == "-" or (not name.startswith("@") and Path(name).is_dir())
