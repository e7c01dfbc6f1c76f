"""Dates and times in text, in the ways in which receipts and invoices print them."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            ("jan", "january", "januari", "januar"),
            ("feb", "february", "februari", "februar"),
            ("mar", "march", "mac", "märz"),
            ("apr", "april"),
            ("may", "mei", "mai"),
            ("jun", "june", "juni"),
            ("jul", "july", "julai", "juli"),
            ("aug", "august", "ogos"),
            ("sep", "sept", "september"),
            ("oct", "october", "okt", "oktober"),
            ("nov", "november"),
            ("dec", "december", "dis", "disember", "dez", "dezember"),
        ),
        start=1,
    )
    for name in names
}
_NAMES = "|".join(sorted(_MONTHS, key=len, reverse=True))

# A time may follow without a space ("9/3/201820:54:50"), so four digits of a year must begin with 19 or 20.
_YEAR = r"(?P<year>(?:19|20)\d{2}|\d{2})(?!\d(?!\d?:\d\d))"
_FORMS = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        r"(?<!\d)(?P<year>20\d{2})\s?[-/.]\s?(?P<month>\d{1,2})\s?[-/.]\s?(?P<day>\d{1,2})(?!\d(?!\d?:\d\d))",
        rf"(?<![\d/.])(?P<first>\d{{1,2}})\s?(?P<mark>(?<!\d-\d)(?<!\d-\d\d)-|[/.])\s?(?P<second>\d{{1,2}})\s?(?P=mark)\s?{_YEAR}(?![/-]\d)",
        rf"(?<!\d)(?P<day>\d{{1,2}})(?:st|nd|rd|th)?[\s/.,'-]{{0,3}}(?P<name>{_NAMES})[\s/.,'-]{{0,3}}{_YEAR}",
        rf"(?<![a-z])(?P<name>{_NAMES})\.?\s?(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?\s{{0,2}}(?P<year>20\d{{2}})(?!\d)",
        # Eight digits alone are an article number; only before a time are they a date.
        r"(?<!\d)(?P<day>\d{2})(?P<month>\d{2})(?P<year>20\d{2})(?=\s\d{1,2}:\d{2})",
    )
)
_TIME = re.compile(
    r"(?<![\d:])(?P<hour>[01]?\d|2[0-3])\s?:\s?(?P<minute>[0-5]\d)(?:\s?:\s?(?P<second>[0-5]\d))?(?![\d:])"
    r"(?:\s?(?P<half>[ap])\.?m\b)?",
    re.IGNORECASE,
)
_TIME_AFTER_DATE = re.compile(_TIME.pattern.removeprefix(r"(?<![\d:])"), re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Found:
    """A date or a time, from `start` to `end` of the text it was found in."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Date(Found):
    """A date; `ambiguous` where day and month could be changed over."""

    value: datetime.date
    ambiguous: bool


@dataclass(frozen=True, slots=True)
class Time(Found):
    """A time of day."""

    value: datetime.time


def dates(text: str, *, day_first: bool) -> Iterator[Date]:
    """The dates in `text`, from left to right.

    Args:
        day_first: how to read 03/04/2018, which both 3 April and March 4th may be.
    """
    found: list[Date] = []
    for form in _FORMS:
        for match in form.finditer(text):
            date = _date(match, day_first=day_first)
            if date is not None and all(date.end <= other.start or other.end <= date.start for other in found):
                found.append(date)
    yield from sorted(found, key=lambda date: date.start)


def times(text: str, *, after: int | None = None) -> Iterator[Time]:
    """The times of day in `text`; one may begin right at `after`, the end of a date."""
    if after is not None and (match := _TIME_AFTER_DATE.match(text, after)):
        yield _time(match)
    yield from (_time(match) for match in _TIME.finditer(text))


def _date(match: re.Match[str], *, day_first: bool) -> Date | None:
    parts = match.groupdict()
    year = int(parts["year"]) if len(parts["year"]) == 4 else 2000 + int(parts["year"])
    ambiguous = False
    if "first" in parts:
        first, second = int(parts["first"]), int(parts["second"])
        ambiguous = first <= 12 and second <= 12 and first != second
        day, month = (first, second) if (day_first and second <= 12) or first > 12 else (second, first)
    else:
        day = int(parts["day"])
        month = _MONTHS[parts["name"].lower()] if parts.get("name") else int(parts["month"])
    try:
        return Date(match.start(), match.end(), datetime.date(year, month, day), ambiguous)
    except ValueError:  # the 31st of June, the 45th month: not a date
        return None


def _time(match: re.Match[str]) -> Time:
    hour, minute, second = int(match["hour"]), int(match["minute"]), int(match["second"] or 0)
    if match["half"]:
        hour = hour % 12 + (12 if match["half"].lower() == "p" else 0) if hour <= 12 else hour
    return Time(match.start(), match.end(), datetime.time(hour, minute, second))
