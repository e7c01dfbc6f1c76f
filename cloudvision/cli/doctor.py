"""`cloudvision doctor`: is everything there that a run needs? Nobody is called, and nothing is paid."""

from __future__ import annotations

import json
import os
import platform
import socket
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Annotated
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import typer

from cloudvision._printable import visible
from cloudvision._version import version
from cloudvision.accounts import read_accounts
from cloudvision.cli import _flags as flags
from cloudvision.cli.providers import installed
from cloudvision.errors import CloudVisionError, ConfigError
from cloudvision.gate import Gate
from cloudvision.provider import DETAILS, PROVIDERS, Details, SelfChecking, open_provider

CONNECT_S = 5.0
"""Seconds that a connection to an endpoint may take."""

EXIT_SETUP = 2


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found out about one thing that a run needs."""

    name: str
    ready: bool
    told: str


def doctor(
    provider: Annotated[str | None, typer.Option(help="Only this one; exit code 2 where it is not ready.")] = None,
    accounts: flags.AccountsFile = None,
    connect: Annotated[bool, typer.Option(help="Connect to the endpoints, and send nothing.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Check extras, keys, endpoints and regions, and the gate. No service is called."""
    if provider is not None and provider not in PROVIDERS:
        open_provider(provider)  # says which there are
    if accounts is not None and provider is None:
        raise ConfigError("--accounts needs --provider NAME: whose accounts they are")
    asked = sorted(PROVIDERS) if provider is None else [provider]
    if accounts is not None and provider is not None:
        found = [
            _of_provider(provider, f"{provider}, {account.name}", account.env, connect)
            for account in read_accounts(accounts, provider, env=os.environ)
        ]
    else:
        found = [_of_provider(name, name, os.environ, connect) for name in asked]
    found.append(_of_gate())
    if as_json:
        print(json.dumps([asdict(one) for one in found], indent=2))
    else:
        print(f"cloudvision {version()}, Python {platform.python_version()}")
        for one in found:
            print(visible(f"{one.name:30}{'ready' if one.ready else 'not ready'}: {one.told}"))
    if provider is not None and not all(one.ready for one in found):
        raise typer.Exit(EXIT_SETUP)


def _of_provider(name: str, shown: str, env: Mapping[str, str], connect: bool) -> Finding:
    details = DETAILS[name]
    if not installed(details):
        return Finding(shown, False, f"pip install 'cloudvision-gate[{details.extra}]'")
    try:
        asked = open_provider(name, env=env)
        told = asked.ready() if isinstance(asked, SelfChecking) else _by_variables(details, env)
    except CloudVisionError as error:
        return Finding(shown, False, str(error).removeprefix(f"{name}: "))
    trouble = next(_out_of_reach(told), None) if connect else None
    return Finding(shown, trouble is None, told if trouble is None else f"{told}; {trouble}")


def _by_variables(details: Details, env: Mapping[str, str]) -> str:
    if missing := [name for name in details.variables if not env.get(name)]:
        raise ConfigError(f"not set: {', '.join(missing)}")
    return details.does


def _out_of_reach(told: str) -> Iterator[str]:
    """Why the endpoint in these words cannot be connected to; nothing behind a proxy, which has its own way there."""
    parts = urlsplit(told.partition(",")[0])
    if parts.scheme not in ("http", "https") or parts.hostname is None:
        return
    if parts.scheme in getproxies() and not proxy_bypass(parts.hostname):
        return
    place = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection(place, timeout=CONNECT_S).close()
    except OSError as error:
        yield f"and no connection: {error.strerror or error}"


def _of_gate() -> Finding:
    try:
        gate = Gate.load()
    except CloudVisionError as error:
        return Finding("gate", False, str(error))
    return Finding("gate", True, f"{gate.model}, threshold {gate.threshold:.3f}")
