"""`cloudvision providers`: names, what they do, what they need, what they cost, when they end."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from importlib.util import find_spec
from typing import Annotated

import typer

from cloudvision import prices
from cloudvision.provider import DETAILS, PROVIDERS, Details


def providers(as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False) -> None:
    """List the known providers."""
    if as_json:
        print(json.dumps([_values(name) for name in sorted(PROVIDERS)], indent=2))
        return
    for name in sorted(PROVIDERS):
        details = DETAILS[name]
        print(f"{name:28}{details.does}")
        facts = (
            ("price", _price(details)),
            ("ends", _ends(details)),
            ("notice", " ".join(_notices(details))),
            ("note", " ".join(_notes(details))),
            ("reads", ", ".join(details.variables)),
            ("missing", "" if installed(details) else f"pip install 'cloudvision-gate[{details.extra}]'"),
        )
        for label, fact in facts:
            if fact:
                print(f"    {label:10}{fact}")


def _values(name: str) -> dict[str, object]:
    details = DETAILS[name]
    return {
        "name": name,
        "does": details.does,
        "installed": installed(details),
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
        "notices": _notices(details),
        "notes": _notes(details),
    }


def installed(details: Details) -> bool:
    """Whether the package that the provider needs can be imported."""
    if details.package is None:
        return True
    try:
        return find_spec(details.package) is not None
    except ModuleNotFoundError:  # a parent package is missing
        return False


def _price(details: Details) -> str:
    if not details.prices:
        return "free"
    return "; ".join(
        f"{prices.price(op, 1) / prices.MICROS:.4f} USD per {prices.listed(op).unit} ({op}, {prices.listed(op).as_of})"
        for op in details.prices
    )


def _notices(details: Details) -> tuple[str, ...]:
    return prices.notices(details.ends, today=datetime.now(UTC).date())


def _notes(details: Details) -> list[str]:
    return [line.note for line in prices.all_retirements() if line.name in details.ends and line.note]


def _ends(details: Details) -> str:
    days = [day for name in details.ends if (day := prices.retirement(name)) is not None]
    return str(min(days)) if days else ""
