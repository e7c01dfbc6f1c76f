"""Where a document comes from, as far as it decides how its dates and amounts are to be read."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from cloudvision.emulator.reading.money import SYMBOLS

_MONTH_FIRST = frozenset({"US", "PH"})
_CURRENCIES = {"US": "USD", "MY": "MYR", "GB": "GBP", "SG": "SGD", "AU": "AUD", "CA": "CAD", "IN": "INR", "JP": "JPY"}
_EURO = frozenset({"DE", "FR", "IT", "ES", "NL", "IE", "AT", "BE", "FI", "PT"})
_MALAYSIA = re.compile(
    r"\bS(DN|/?B)\b\.?\s*B?HD\b|\bRM\s?\d|\(RM\)|\bjalan\b|\bjln\b|\bmalaysia\b|\bselangor\b", re.IGNORECASE
)
_AMERICA = re.compile(r"\b[A-Z]{2},?\s+\d{5}(-\d{4})?\b|\bU\.?S\.?A\b|\bUSD\b")
_SURELY_DAY_FIRST = re.compile(r"(?<!\d)(1[3-9]|2\d|3[01])[-/.](0?[1-9]|1[0-2])[-/.](20)?\d\d(?!\d)")
_SURELY_MONTH_FIRST = re.compile(r"(?<!\d)(0?[1-9]|1[0-2])[-/.](1[3-9]|2\d|3[01])[-/.](20)?\d\d(?!\d)")


@dataclass(frozen=True, slots=True)
class Region:
    """How to read a document.

    Args:
        day_first: 03/04/2018 is 3 April.
        dollar: ISO 4217 code of an amount in "$".
        currency: code of an amount without a sign, None where nobody can tell.
    """

    day_first: bool
    dollar: str
    currency: str | None

    def code(self, sign: str | None) -> str | None:
        """The ISO 4217 code of an amount with that sign."""
        if sign is None:
            return self.currency
        return self.dollar if sign == "$" else SYMBOLS.get(sign)


def region_of(texts: Iterable[str], *, locale: str | None) -> Region:
    """What the locale says ("en-US"); where there is none, what the document's own dates, places and amounts say."""
    text = "\n".join(texts)
    country = _country(text, locale)
    currency = "EUR" if country in _EURO else _CURRENCIES.get(country)
    dollar = currency if currency in ("SGD", "AUD", "CAD") else "USD"
    if _SURELY_DAY_FIRST.search(text) and not _SURELY_MONTH_FIRST.search(text):
        return Region(True, dollar, currency)
    if _SURELY_MONTH_FIRST.search(text) and not _SURELY_DAY_FIRST.search(text):
        return Region(False, dollar, currency)
    month_first = country in _MONTH_FIRST or (not country and "$" in text)
    return Region(not month_first, dollar, currency)


def _country(text: str, locale: str | None) -> str:
    if locale and len(locale) == 5:
        return locale[3:].upper()
    if _MALAYSIA.search(text):
        return "MY"
    return "US" if _AMERICA.search(text) else ""
