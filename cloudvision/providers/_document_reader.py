"""What the readers of a Document Intelligence answer share: outlines as fractions of a page, texts of spans, warnings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from cloudvision._json import JSON
from cloudvision.geometry import Polygon
from cloudvision.layout import PageRegion
from cloudvision.providers._json_read import Object, UnreadableError, a_list, a_number, an_object, number_of, text_of

T = TypeVar("T")
Size = tuple[float, float]


@dataclass(slots=True)
class Reader:
    """Reads the parts of one answer; collects what could not be read.

    Args:
        content: the whole text, which spans point into.
        sizes: width and height of each page, in the unit of its outlines, by page number.
    """

    content: str
    sizes: Mapping[int, Size]
    warnings: list[str] = field(default_factory=list)

    def each(self, entries: JSON, name: str, read: Callable[[Object], T]) -> tuple[T, ...]:
        """The entries that can be read; what else is there is worth a warning."""
        if entries is None:
            return ()
        good: list[T] = []
        try:
            found = a_list(entries)
        except UnreadableError as error:
            self.warn(f"{name}: {error}")
            return ()
        for number, entry in enumerate(found):
            try:
                good.append(read(an_object(entry)))
            except UnreadableError as error:
                self.warn(f"{name}[{number}] was left out: {error}")
        return tuple(good)

    def part(self, entries: JSON, name: str, read: Callable[[Object], T]) -> tuple[T, ...] | None:
        """Like `each`, and None where the part is missing: it was not asked for."""
        return None if entries is None else self.each(entries, name, read)

    def warn(self, text: str) -> None:
        """Keep a warning, once."""
        if text not in self.warnings:
            self.warnings.append(text)

    def outline(self, entry: Object, page: int) -> Polygon:
        """The outline of `entry` on that page; without points where the service gives none (spreadsheets)."""
        # The previews called it "boundingBox".
        given = entry.get("polygon", entry.get("boundingBox"))
        if given is None:
            return Polygon(())
        numbers = [a_number(number) for number in a_list(given)]
        size = self.sizes.get(page)
        if size is None:
            self.warn(f"the answer does not say how large page {page} is: places on it cannot be given")
            return Polygon(())
        return Polygon(tuple((x / size[0], y / size[1]) for x, y in zip(numbers[::2], numbers[1::2], strict=False)))

    def regions(self, entry: Object) -> tuple[PageRegion, ...]:
        """Where `entry` stands; it may stretch over several pages."""
        return self.each(entry.get("boundingRegions"), "boundingRegions", self._region)

    def texts(self, entry: Object) -> tuple[str, ...]:
        """The pieces of text that the spans of `entry` point to."""
        return self.each(entry.get("spans"), "spans", self._text)

    def _region(self, entry: Object) -> PageRegion:
        page = whole(entry, "pageNumber")
        return PageRegion(page, self.outline(entry, page))

    def _text(self, span: Object) -> str:
        start, end = ends(span)
        return self.content[start:end]


def ends(span: Object) -> tuple[int, int]:
    """Where a span begins and ends in the text."""
    start = whole(span, "offset")
    return start, start + whole(span, "length")


def whole(entry: Object, name: str) -> int:
    """The whole number, 0 or more, under `name`."""
    value = number_of(entry, name)
    if value < 0 or value != int(value):
        raise UnreadableError(f"{name} is {value}")
    return int(value)


def confidence(entry: Object) -> float | None:
    """The confidence of `entry`, None where it has none."""
    return None if entry.get("confidence") is None else number_of(entry, "confidence")


def optional_text(entry: Object, name: str) -> str | None:
    """The text under `name`, None where there is none."""
    return text_of(entry, name) if isinstance(entry.get(name), str) else None


def sizes_of(pages: JSON) -> dict[int, Size]:
    """Width and height of the pages that tell theirs."""
    found: dict[int, Size] = {}
    for page in pages if isinstance(pages, list | tuple) else ():
        try:
            entry = an_object(page)
            width, height = number_of(entry, "width"), number_of(entry, "height")
            if width > 0 and height > 0:
                found[whole(entry, "pageNumber")] = (width, height)
        except UnreadableError:
            continue  # reading the page itself gives the warning
    return found
