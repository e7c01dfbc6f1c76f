"""What the emulator would send as an invoice: counted from the requests alone, by the rules below.

The rules are written from the services' price pages and know nothing of this library's price list, so that the two can be
held against each other. Units are counted, not money.

==========================================  =====================================================================
unit                                        one is billed for
==========================================  =====================================================================
``rekognition DetectText images``           a request that was answered with 200
``image-analysis text transactions``        each of the features read, caption and denseCaptions of a request that
                                            was answered with 200
``image-analysis visual transactions``      each of the features tags, objects, people and smartCrops of such a one
``document-intelligence read pages``        each page looked at of an analysis that was accepted with 202, by the class
``document-intelligence layout pages``      of its model: prebuilt-read, prebuilt-layout, any other prebuilt one
``document-intelligence prebuilt pages``
``document-intelligence add-on pages``      each page of one with the feature ocrHighResolution, besides
``custom-vision predictions``               a prediction or quick test that was answered with 200
``custom-vision trainings``                 a regular training that was begun (the service bills its hours)
``custom-vision advanced training hours``   each hour of the budget that an advanced training reserves
==========================================  =====================================================================

A refused request (4xx), one that was throttled, and one that failed on the service's side (5xx) are not billed, with one
exception, seen in a recording: Image Analysis counts one transaction for a URL that it could not reach (as read under
``text`` where that was asked for, else under ``visual``). An answer that was worked out and then lost on its way (cut off,
spoilt, reset) is billed.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bill:
    """A copy of the bill at one moment.

    Args:
        units: account -> unit -> how many were billed.
        requests: account -> "service operation status" -> how many were answered so; status "-" for none.
    """

    units: Mapping[str, Mapping[str, int]]
    requests: Mapping[str, Mapping[str, int]]

    def total(self, unit: str) -> int:
        """How many of that unit, over all accounts."""
        return sum(units.get(unit, 0) for units in self.units.values())

    def to_json(self) -> dict[str, dict[str, dict[str, int]]]:
        """JSON values."""
        both = (("units", self.units), ("requests", self.requests))
        return {name: {account: dict(counts) for account, counts in of.items()} for name, of in both}


class Books:
    """Keeps the bill. Safe to share between threads."""

    def __init__(self) -> None:
        self._units: dict[str, Counter[str]] = {}
        self._requests: dict[str, Counter[str]] = {}
        self._lock = threading.Lock()

    def book(self, account: str, units: Mapping[str, int], *, request: str) -> None:
        """Add one request and what it is billed."""
        with self._lock:
            self._requests.setdefault(account, Counter())[request] += 1
            if units:
                self._units.setdefault(account, Counter()).update(units)

    def bill(self) -> Bill:
        """What stands in them now."""
        with self._lock:
            return Bill(
                {account: dict(counts) for account, counts in self._units.items()},
                {account: dict(counts) for account, counts in self._requests.items()},
            )

    def clear(self) -> None:
        """Begin with nothing."""
        with self._lock:
            self._units.clear()
            self._requests.clear()
