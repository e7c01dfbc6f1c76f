"""Amounts of money in text: where they stand, and what they are worth."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

SYMBOLS = {
    "RM": "MYR",
    "US$": "USD",
    "S$": "SGD",
    "A$": "AUD",
    "C$": "CAD",
    "HK$": "HKD",
    "$": "USD",
    "€": "EUR",
    "£": "GBP",
    "¥": "JPY",
    "₹": "INR",
    "CHF": "CHF",
    "MYR": "MYR",
    "USD": "USD",
    "EUR": "EUR",
    "GBP": "GBP",
    "SGD": "SGD",
}
"""Signs and codes of currencies -> ISO 4217 code."""

_SIGNS = "|".join(re.escape(sign) for sign in sorted(SYMBOLS, key=len, reverse=True))
_AMOUNT = re.compile(
    # Recognisers join what stands close: "TotalRM5.00", and two columns as "22.9022.90".
    rf"""
    (?:(?<![\w.,/%\#])|(?<=[.,]\d\d)|(?=RM))
    (?P<minus>[-(]\s?)?
    (?:(?P<before>{_SIGNS})\.?\s{{0,2}})?
    (?P<inner_minus>-)?
    (?P<number>\d{{1,3}}(?:[.,'’]\d{{3}})+[.,]\d{{2}}|(?:\d{{1,7}}|O)[.,]\d{{2}}|(?<=[M$\s-])\.\d\d)
    (?!\d(?!\d{{0,5}}[.,]\d\d(?!\d))|[.,:/-]\d|\s?%)
    (?:\s?(?P<after>€|EUR|CHF|MYR|USD|GBP|SGD)(?!\w))?
    (?P<last_minus>-(?!\w))?
    """,
    re.VERBOSE,
)
_WHOLE = re.compile(rf"(?<!\w)(?P<before>{_SIGNS})\.?\s?(?P<number>\d{{1,7}})(?![\w.,/])")


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount, from `start` to `end` of the text it was found in."""

    value: float
    start: int
    end: int

    sign: str | None
    """The currency's sign or code as it is written, None without one."""


def amounts(text: str) -> Iterator[Amount]:
    """The amounts in `text`, from left to right: numbers with two decimals, and whole ones after a currency's sign."""
    found = [_amount(match) for match in _AMOUNT.finditer(text)]
    whole = [_amount(match) for match in _WHOLE.finditer(text)]
    found += [
        amount for amount in whole if all(amount.end <= other.start or other.end <= amount.start for other in found)
    ]
    yield from sorted(found, key=lambda amount: amount.start)


def cents(value: float) -> int:
    """`value` in hundredths: amounts are compared as whole numbers."""
    return round(value * 100)


def _amount(match: re.Match[str]) -> Amount:
    groups = match.groupdict()
    digits = re.sub(r"\D", "", match["number"].replace("O", "0"))
    value = int(digits) / 100 if match.re is _AMOUNT else float(digits)
    if groups.get("minus") or groups.get("inner_minus") or groups.get("last_minus"):
        value = -value
    return Amount(value, match.start(), match.end(), groups.get("before") or groups.get("after"))
