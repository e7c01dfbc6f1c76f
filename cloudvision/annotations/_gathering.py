"""Collecting pictures and marks while a file is read, and what is wrong with it.

A picture with a mark that cannot be used is left out whole: half of the truth teaches the wrong thing.
"""

from __future__ import annotations

import math
from pathlib import Path

from cloudvision._printable import printable_source, visible
from cloudvision.annotations.annotated import Annotated, Annotations, Mark, is_url
from cloudvision.errors import ConfigError
from cloudvision.geometry import Box


class UnusableError(ValueError):
    """A value that says nothing usable; the reader adds the place."""


class Gathering:
    """Pictures in order of first sight.

    Args:
        labels: the class list, where the format has one.
    """

    def __init__(self, labels: tuple[str, ...] = ()) -> None:
        self._marks: dict[str, list[Mark]] = {}
        self._groups: dict[str, str] = {}
        self._labels = dict.fromkeys(labels)
        self._spoilt: set[str] = set()
        self._problems: list[str] = []

    def add(self, source: str, *marks: Mark, group: str = "") -> None:
        """Note a picture, and what is known of it."""
        self._marks.setdefault(source, []).extend(marks)
        self._labels |= dict.fromkeys(mark.name for mark in marks)
        if group:
            self._groups[source] = group

    def label(self, name: str) -> None:
        """Note a label, whether or not a picture shows it."""
        self._labels.setdefault(name)

    def problem(self, place: str, what: object, *, source: str | None = None) -> None:
        """Note what cannot be used; with `source`, that picture is left out."""
        self._problems.append(visible(f"{place}: {what}"))
        if source is not None:
            self._spoilt.add(source)

    def done(self, path: Path) -> Annotations:
        """All that was found.

        Raises:
            ConfigError: that is nothing; says the first problem.
        """
        items = tuple(
            Annotated(source, tuple(marks), self._groups.get(source, ""))
            for source, marks in self._marks.items()
            if source not in self._spoilt
        )
        if not items:
            raise ConfigError("; ".join([f"{path}: no picture that can be used", *self._problems[:1]]))
        return Annotations(items, tuple(self._labels), tuple(self._problems))


def shown(source: object) -> str:
    """A path or URL as it may be printed."""
    text = str(source)
    return visible(printable_source(text)) if is_url(text) else visible(text)


def name_in(value: object) -> str:
    """A label.

    Raises:
        UnusableError: empty, no text, or one with half a surrogate pair, which no service takes.
    """
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise UnusableError(f"expected the name of a label, got {value!r:.60}")
    text = str(value).strip()
    if not text:
        raise UnusableError("a label without a name")
    if any("\ud800" <= sign <= "\udfff" for sign in text):
        raise UnusableError(f"a label that is no text: {text!r:.60}")
    return text


def number_in(value: object, what: str) -> float:
    """A finite number.

    Raises:
        UnusableError: it is none.
    """
    try:
        number = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise UnusableError(f"{what} is not a number: {value!r:.60}")
    return number


def box_of(left: float, top: float, width: float, height: float) -> Box:
    """A box of fractions.

    Raises:
        UnusableError: it has no area, or lies so far outside that these cannot be fractions.
    """
    if not (width > 0 and height > 0):
        raise UnusableError(f"a box without area: width {width:g}, height {height:g}")
    if max(abs(left), abs(top), abs(left + width), abs(top + height)) > 10:
        raise UnusableError(f"a box far outside of its picture: left {left:g}, top {top:g} (fractions are expected)")
    return Box(left, top, width, height)


def box_of_pixels(corners: tuple[float, float, float, float], size: tuple[float, float]) -> Box:
    """A box from left, top, right and bottom in pixels, and the picture's width and height.

    Raises:
        UnusableError: the picture has no size, or the box no area.
    """
    (left, top, right, bottom), (width, height) = corners, size
    if not (width >= 1 and height >= 1):
        raise UnusableError(f"the size of the picture is missing or wrong: {width:g} x {height:g}")
    return box_of(left / width, top / height, (right - left) / width, (bottom - top) / height)
