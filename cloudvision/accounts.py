"""Several accounts, regions or keys of one provider, as a TOML file names them.

::

    [east]                              # a name of your own; it stands in results, and is no secret
    VISION_ENDPOINT = "https://east.cognitiveservices.azure.com/"
    VISION_KEY = "$EAST_KEY"            # taken from the environment: no key is ever written here
    tier = "S1"                         # or: rate = 10, calls a second; without either the rate is found by itself

    [west]
    VISION_ENDPOINT = "https://west.cognitiveservices.azure.com/"
    VISION_KEY = "$WEST_KEY"

Each account knows the variables that stand under its name, and no others: a key is never sent to the endpoint of another
account. (For AWS, its own chain finds what is missing, so `AWS_REGION = "eu-west-1"` alone is an account.)
"""

from __future__ import annotations

import re
import time
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cloudvision.errors import ConfigError
from cloudvision.failover import Failover
from cloudvision.limit import Limiter, SharedStarts
from cloudvision.long_failover import LongRunningFailover
from cloudvision.provider import DETAILS, LongRunning, open_provider
from cloudvision.providers._options import Options
from cloudvision.quotas import Quota, quota

_SECRET = re.compile(r"KEY|SECRET|TOKEN|PASSWORD")
_REFERENCE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


@dataclass(frozen=True, slots=True)
class Account:
    """One account: its name, its variables, and its quota (None: found by itself)."""

    name: str
    env: Mapping[str, str] = field(repr=False)
    quota: Quota | None


def read_accounts(path: str | Path, provider: str, *, env: Mapping[str, str]) -> tuple[Account, ...]:
    """The accounts in a file.

    Args:
        path: the TOML file.
        provider: registry name of the provider that all of them are accounts of.
        env: where "$NAME" is looked up.

    Raises:
        ConfigError: the file cannot be read, holds a key, or names what this provider or the environment has not.
    """
    try:
        tables = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read the accounts {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}") from error
    if not tables:
        raise ConfigError(f"{path} names no accounts; write one table for each, such as [east]")
    return tuple(_account(f"{path}, [{name}]", name, table, provider, env) for name, table in tables.items())


def failover(
    accounts: tuple[Account, ...],
    provider: str,
    options: Options,
    *,
    shared: SharedStarts | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Failover:
    """One provider made of these accounts.

    Args:
        accounts: see `read_accounts`.
        provider: registry name.
        options: the same for all.
        shared: counts the calls of several processes together where an account's quota is known; a ledger, mostly.
        clock: seconds, monotonic.
        sleep: waits for a turn.
    """
    most = DETAILS[provider].rate_per_s

    def limiter(account: Account) -> Limiter:
        bucket = f"{provider}/{account.name}"
        if account.quota is None:
            return Limiter(most, adaptive=True, bucket=bucket, clock=clock, sleep=sleep)
        known = account.quota
        return Limiter(known.per_second, known.per_minute, shared=shared, bucket=bucket, clock=clock, sleep=sleep)

    pairs = [(account.name, open_provider(provider, options, env=account.env)) for account in accounts]
    kind = LongRunningFailover if all(isinstance(opened, LongRunning) for _, opened in pairs) else Failover
    return kind(
        pairs,
        limiters={account.name: limiter(account) for account in accounts},
        clock=clock,
        sleep=sleep,
    )


def _account(where: str, name: str, table: object, provider: str, env: Mapping[str, str]) -> Account:
    if not isinstance(table, dict):
        raise ConfigError(f"{where}: variables stand under the name of an account, such as [east]")
    known = DETAILS[provider].variables
    own: dict[str, str] = {}
    for variable, value in table.items():
        if variable in ("tier", "rate"):
            continue
        if variable not in known:
            names = ", ".join(known) or "none"
            raise ConfigError(f"{where}: {provider} reads no {variable}; it reads {names}; and there are tier and rate")
        if not isinstance(value, str):
            raise ConfigError(f"{where}: {variable} is not text")
        own[variable] = _value(where, variable, value, env)
    return Account(name, own, _quota(where, table, provider))


def _value(where: str, variable: str, value: str, env: Mapping[str, str]) -> str:
    reference = _REFERENCE.fullmatch(value.strip())
    if reference is None:
        if _SECRET.search(variable):
            raise ConfigError(
                f'{where}: no key is written into this file; write {variable} = "$NAME" and set the variable NAME'
            )
        return value
    named = reference[1] or reference[2]
    if not env.get(named):
        raise ConfigError(f"{where}: the variable {named} is not set")
    return env[named]


def _quota(where: str, table: Mapping[str, object], provider: str) -> Quota | None:
    tier, rate = table.get("tier"), table.get("rate")
    if tier is not None and rate is not None:
        raise ConfigError(f"{where}: give a tier or a rate, not both")
    if isinstance(tier, str):
        return quota(provider, tier)
    if tier is not None:
        raise ConfigError(f"{where}: tier is not text")
    if rate is None:
        return None
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not rate > 0:
        raise ConfigError(f"{where}: rate is a number of calls a second, above 0")
    return Quota(per_second=float(rate))
