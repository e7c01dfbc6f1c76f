"""What the calls for a list would be billed as, worked out from those of a sample."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from cloudvision import prices
from cloudvision.images import Image, Remote
from cloudvision.provider import DETAILS


@runtime_checkable
class Itemised(Protocol):
    """A provider that tells what a call is billed as, so that the tiers of the price list can be applied."""

    def units(self, image: Image | Remote, /) -> Mapping[str, int]:
        """Billed units of one call by operation of the price list."""
        ...


@dataclass(frozen=True, slots=True)
class Range:
    """An expected value with the bounds of its 95 % interval; all three are equal where it is known exactly."""

    expected: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class PriceUsed:
    """A line of the price list that the cost was computed with; `as_of` is an ISO date."""

    operation: str
    as_of: str
    verified: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """One sampled entry; `worst` and `units` are those of its call, `looks` its hash where near-duplicates count."""

    fate: Literal["call", "answered", "skipped", "failed"]
    digest: str | None = None
    worst: int = 0
    units: tuple[tuple[str, int], ...] = ()
    looks: int | None = None


def units_of(provider: object, image: Image | Remote, worst: int) -> tuple[tuple[str, int], ...]:
    if isinstance(provider, Itemised):
        return tuple(provider.units(image).items())
    details = DETAILS.get(getattr(provider, "name", ""))
    if details is not None and len(details.prices) == 1:
        operation = details.prices[0]
        units, rest = divmod(worst, prices.price(operation, 1))
        if rest == 0:
            return ((operation, units),)
    return ()


@dataclass(frozen=True, slots=True)
class Bill:
    """The bill for calls like the sampled ones, from `position` units of the month on."""

    seen: tuple[Seen, ...]
    position: int

    @property
    def tiered(self) -> bool:
        return all(one.units or not one.worst for one in self.seen)

    def usd(self, fate: str, count: Range) -> Range:
        """What that many calls like the sampled ones cost, in US dollars."""
        alike = [one for one in self.seen if one.fate == fate] or [one for one in self.seen if one.worst]
        return Range(*(self._micros(alike, n) / prices.MICROS for n in (count.expected, count.low, count.high)))

    def lines(self) -> tuple[PriceUsed, ...]:
        named = {operation for one in self.seen for operation, _ in one.units}
        listed = [prices.listed(operation) for operation in sorted(named)]
        return tuple(PriceUsed(line.operation, line.as_of.isoformat(), line.verified) for line in listed)

    def _micros(self, alike: list[Seen], calls: float) -> float:
        if not alike:
            return 0.0
        if not self.tiered:
            return calls * sum(one.worst for one in alike) / len(alike)
        units: Counter[str] = Counter()
        for one in alike:
            units.update(dict(one.units))
        each = {operation: calls * number / len(alike) for operation, number in units.items()}
        return sum(prices.price(operation, round(number), position=self.position) for operation, number in each.items())
