"""How fast, how often and with whom a run does its work."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from cloudvision import prices
from cloudvision.accounts import Account, failover
from cloudvision.breaker import CircuitBreaker, OutageBounds
from cloudvision.cli._work import Work
from cloudvision.errors import ConfigError
from cloudvision.fetch import Fetcher
from cloudvision.ledger_store import LedgerStore
from cloudvision.limit import Limiter
from cloudvision.pipeline import Pipeline
from cloudvision.provider import DETAILS, Provider, open_provider
from cloudvision.quotas import Quota, quota
from cloudvision.stop import StopSignal
from cloudvision.telemetry import Telemetry

Order = Literal["input", "done"]
Uncertain = Literal["retry", "keep"]
Again = Literal["no", "failed", "rejected", "all"]


@dataclass(frozen=True, slots=True)
class Job:
    """The values of the flags of `run`; the provider of the work stands for all `accounts`, where there are any."""

    work: Work
    accounts: tuple[Account, ...]
    again: Again
    workers: int
    order: Order
    quota: Quota | None
    output: Path | None
    timeout_s: float
    longest_outage_s: float

    @property
    def name(self) -> str:
        """Of the provider."""
        return self.work.provider.name

    @property
    def identity(self) -> str:
        """The same for the same command: an unfinished run of it goes on where it was."""
        # What an unfinished ordinary run has done already is to be paid for anew too.
        return f"{self.work.identity} again" if self.again == "all" else self.work.identity

    def opened(self, account: Account) -> Provider:
        """The provider as one of the accounts."""
        return open_provider(self.name, self.work.options, env=account.env)

    def pipeline(
        self, ledger: LedgerStore, fetcher: Fetcher, stop: StopSignal, *, run_id: int | None, telemetry: Telemetry
    ) -> Pipeline:
        """The straight line that all sources go through."""
        provider = self.work.provider
        if self.accounts:
            provider = failover(self.accounts, self.name, self.work.options, shared=ledger, sleep=stop.sleep)
        return replace(
            self.work.line(ledger, fetcher, stop),
            provider=provider,
            run_id=run_id,
            limiter=self._limiter(ledger, stop),
            breaker=CircuitBreaker(self.name, bounds=OutageBounds(longest_s=self.longest_outage_s)),
            telemetry=telemetry,
            polls=self._polls(ledger, stop),
        )

    def _limiter(self, ledger: LedgerStore, stop: StopSignal) -> Limiter:
        if self.quota is not None:
            per_second, per_minute = self.quota.per_second, self.quota.per_minute
            return Limiter(per_second, per_minute, shared=ledger, bucket=self.name, sleep=stop.sleep)
        if self.accounts:
            return Limiter(sleep=stop.sleep)  # each account has one of its own
        # What a standard account allows is the most; a free or a shared one allows less, and nobody says how much.
        details = self.work.details
        return Limiter(details.rate_per_s, adaptive=not details.local, sleep=stop.sleep)

    def _polls(self, ledger: LedgerStore, stop: StopSignal) -> Limiter:
        tier = self.quota.polls_per_second if self.quota else None
        most = tier or self.work.details.polls_per_s
        return Limiter(most, shared=None if most is None else ledger, bucket=f"{self.name} polls", sleep=stop.sleep)


def quota_of(provider: str, *, rate: float | None, tier: str | None, accounts: Path | None) -> Quota | None:
    """How fast all threads together may call; None where that is found out.

    Raises:
        ConfigError: it is said twice, or the provider has no such tier.
    """
    if rate is not None and tier is not None:
        raise ConfigError("--rate and --tier both say how fast to call: give one of them")
    if tier is not None and accounts is not None:
        raise ConfigError(f"write the tier of each account into {accounts}; --rate bounds all of them together")
    if rate is not None:
        return Quota(per_second=rate)
    return None if tier is None else quota(provider, tier)


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
