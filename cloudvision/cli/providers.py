"""`cloudvision providers`: names, what they do, what they need, what they cost, when they end."""

from __future__ import annotations

import json
from importlib.util import find_spec
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cloudvision import prices
from cloudvision.provider import DETAILS, PROVIDERS, Details


def providers(as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False) -> None:
    """List the known providers."""
    if as_json:
        print(json.dumps([_values(name) for name in sorted(PROVIDERS)], indent=2))
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("name", "does", "list price", "ends", "needs"):
        table.add_column(column, overflow="fold")
    for name in sorted(PROVIDERS):
        details = DETAILS[name]
        table.add_row(name, details.does, _price(details), _ends(details), _needs(details))
    Console(highlight=False).print(table)


def _values(name: str) -> dict[str, object]:
    details = DETAILS[name]
    return {
        "name": name,
        "does": details.does,
        "installed": _installed(details),
        "extra": details.extra,
        "variables": details.variables,
        "prices": {
            op: {
                "usd": prices.price(op, 1) / prices.MICROS,
                "unit": prices.listed(op).unit,
                "as_of": str(prices.listed(op).as_of),
            }
            for op in details.prices
        },
        "ends": _ends(details) or None,
    }


def _installed(details: Details) -> bool:
    if details.package is None:
        return True
    try:
        return find_spec(details.package) is not None
    except ModuleNotFoundError:  # a parent package is missing
        return False


def _price(details: Details) -> str:
    if not details.prices:
        return "free"
    ones = (prices.price(op, 1) / prices.MICROS for op in details.prices)
    return " / ".join(f"{usd:.4f}" for usd in ones) + f" USD ({prices.listed(details.prices[0]).as_of})"


def _ends(details: Details) -> str:
    days = [day for name in details.ends if (day := prices.retirement(name)) is not None]
    return str(min(days)) if days else ""


def _needs(details: Details) -> str:
    missing = "" if _installed(details) else f"pip install 'cloudvision-gate[{details.extra}]'"
    return ", ".join(part for part in (missing, *details.variables) if part)
