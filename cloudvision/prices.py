"""Dated list prices and what calls cost, and when services end.

Money is counted in *micros*, whole millionths of a US dollar, so that a million small sums add up exactly. The figures
stand in `prices.json` beside this file, each with its date, its source and whether it could be checked.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from cloudvision.errors import ConfigError

MICROS = 1_000_000
"""Micros in one US dollar."""


@dataclass(frozen=True, slots=True)
class Tier:
    """A price that holds up to and including the `up_to`-th unit of a month; None means without end."""

    up_to: int | None
    micros: int


@dataclass(frozen=True, slots=True)
class Price:
    """One line of the price list.

    Args:
        operation: "service/operation", such as "aws-rekognition/DetectText".
        unit: what is counted: an image, a page, one feature of one image, an hour.
        region: where, and in which pricing tier of the vendor, the figures hold.
        as_of: the day on which the source was read.
        tiers: micros for one unit, by units used in the month.
        source: whose figures these are.
        verified: False where a figure could not be checked; `note` says why.
        note: limits of the figures, "" when there are none.
        free: the vendor's free allowance in words, "" when there is none. Costs are computed without it.
    """

    operation: str
    unit: str
    region: str
    as_of: date
    tiers: tuple[Tier, ...]
    source: str
    verified: bool
    note: str = ""
    free: str = ""


@dataclass(frozen=True, slots=True)
class Retirement:
    """When a service, one of its API versions or an SDK ends; `ends` is None where no date is announced."""

    name: str
    ends: date | None
    source: str
    note: str = ""


def price(service_operation: str, units: int, *, position: int = 0) -> int:
    """What `units` cost, in micros.

    Args:
        service_operation: such as "aws-rekognition/DetectText".
        units: how many are billed; they may straddle the border of a tier.
        position: units of this operation already billed in the month; 0 means the first, dearest tier.

    Raises:
        ConfigError: no such operation in the list; the message names the known ones.
        ValueError: `units` or `position` is negative.
    """
    if units < 0 or position < 0:
        raise ValueError(f"units and position may not be negative, got {units} and {position}")
    total, end = 0, position + units
    for tier in listed(service_operation).tiers:
        upper = end if tier.up_to is None else min(end, tier.up_to)
        if upper > position:
            total += (upper - position) * tier.micros
            position = upper
    return total


def image_analysis_cost(features: Iterable[str], *, images: int = 1, position: int = 0) -> int:
    """What Azure Image Analysis asks for `images` pictures with these features, in micros.

    The price page bills every feature of every picture as one transaction, in two price groups (captions and read; the
    others), and counts the month's tiers for each group on its own.

    Args:
        features: the service's names ("read", "caption", "denseCaptions", "tags", "objects", "people", "smartCrops");
            a name given twice counts once.
        images: how many pictures.
        position: transactions already billed in the month, in each of the groups.

    Raises:
        ConfigError: an unknown feature; the message names the known ones.
    """
    units = image_analysis_units(features)
    return sum(price(group, count * images, position=position) for group, count in units.items())


def image_analysis_units(features: Iterable[str]) -> dict[str, int]:
    """Transactions of one picture with these features, by price group; see `image_analysis_cost`."""
    groups: Mapping[str, str] = _table()["image_analysis_features"]
    wanted = set(features)
    if unknown := wanted - groups.keys():
        raise ConfigError(f"no price for the feature {', '.join(sorted(unknown))}; known: {', '.join(sorted(groups))}")
    return dict(Counter(groups[name] for name in wanted))


def document_units(model: str, features: Iterable[str], *, pages: int) -> dict[str, int]:
    """What Azure Document Intelligence bills for `pages` pages, by operation of the price list.

    Every page counts once for its model (read, layout, prebuilt, or a model of one's own), and once more for each
    feature that costs extra.

    Args:
        model: "prebuilt-read", "prebuilt-invoice" or the id of a model of one's own.
        features: the service's names ("ocrHighResolution", "formulas", "styleFont", "barcodes", ...).
        pages: how many are analysed.
    """
    table: Mapping[str, Any] = _table()["document_intelligence"]
    usual = table["prebuilt"] if model.startswith("prebuilt-") else table["own"]
    extra = len(set(features) & set(table["add_ons"]))
    units = {table["models"].get(model, usual): pages, table["add_on"]: extra * pages}
    return {operation: count for operation, count in units.items() if count}


def document_cost(model: str, features: Iterable[str], *, pages: int, position: int = 0) -> int:
    """What Azure Document Intelligence asks for `pages` pages, in micros; see `document_units`."""
    units = document_units(model, features, pages=pages)
    return sum(price(operation, count, position=position) for operation, count in units.items())


def listed(service_operation: str) -> Price:
    """The line of the price list.

    Raises:
        ConfigError: no such operation; the message names the known ones.
    """
    try:
        return _prices()[service_operation]
    except KeyError:
        known = ", ".join(sorted(_prices()))
        raise ConfigError(f"no list price for {service_operation!r}; known: {known}") from None


def all_listed() -> tuple[Price, ...]:
    """The whole price list, by operation."""
    return tuple(_prices()[name] for name in sorted(_prices()))


def retirement(service: str) -> date | None:
    """The day on which a service, an API version or an SDK ends; None where none is announced or nothing is known."""
    found = _retirements().get(service)
    return found.ends if found is not None else None


def all_retirements() -> tuple[Retirement, ...]:
    """All that is known about ends of services, API versions and SDKs, by name."""
    return tuple(_retirements()[name] for name in sorted(_retirements()))


NOTICE_DAYS = 365
"""How long before its end a service is worth a notice."""


def notices(names: Iterable[str], *, today: date) -> tuple[str, ...]:
    """What ended, or ends within `NOTICE_DAYS`, among these names of the list of retirements, in words."""
    found = []
    for name in names:
        ends = retirement(name)
        if ends is None or (ends - today).days > NOTICE_DAYS:
            continue
        line = _retirements()[name]
        verb = "ends" if ends >= today else "ended"
        found.append(f"{name} {verb} on {ends}. {line.note}".strip())
    return tuple(found)


@cache
def _table() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(files("cloudvision").joinpath("prices.json").read_text(encoding="utf-8"))
    return loaded


@cache
def _prices() -> dict[str, Price]:
    return {name: _price(name, line) for name, line in _table()["operations"].items()}


def _price(name: str, line: dict[str, Any]) -> Price:
    return Price(
        operation=name,
        unit=line["unit"],
        region=line["region"],
        as_of=date.fromisoformat(line["as_of"]),
        tiers=tuple(Tier(tier["up_to"], tier["micros"]) for tier in line["tiers"]),
        source=line["source"],
        verified=line["verified"],
        note=line["note"],
        free=line["free"],
    )


@cache
def _retirements() -> dict[str, Retirement]:
    return {name: _retirement(name, line) for name, line in _table()["retirements"].items()}


def _retirement(name: str, line: dict[str, Any]) -> Retirement:
    ends = None if line["ends"] is None else date.fromisoformat(line["ends"])
    return Retirement(name, ends, line["source"], line["note"])
