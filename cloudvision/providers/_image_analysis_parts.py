"""The parts of an Image Analysis answer: pixels become fractions, and what cannot be read becomes a warning."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from cloudvision._json import JSON
from cloudvision.geometry import Box, Polygon
from cloudvision.providers._json_read import Object, UnreadableError, a_list, a_number, an_object, number_of, text_of
from cloudvision.results import Caption, Crop, Label, Line, Region, Word

T = TypeVar("T")


@dataclass(slots=True)
class Reader:
    """Reads the parts of one answer; collects what could not be read."""

    size: tuple[int, int] | None
    warnings: list[str] = field(default_factory=list)

    def values(self, part: JSON, name: str, read: Callable[[Object], T]) -> tuple[T, ...] | None:
        """The entries of `part["values"]` that can be read; None where the part is missing."""
        if part is None:
            return None
        return self.each(an_object(part).get("values"), f"{name}.values", read)

    def each(self, entries: JSON, name: str, read: Callable[[Object], T]) -> tuple[T, ...]:
        """The entries that can be read."""
        good: list[T] = []
        try:
            found = a_list(entries)
        except UnreadableError as error:
            self.warn(f"{name}: {error}")
            return ()
        for entry in found:
            try:
                good.append(read(an_object(entry)))
            except UnreadableError as error:
                self.warn(f"{name}: an entry was left out: {error}")
        return tuple(good)

    def warn(self, text: str) -> None:
        if text not in self.warnings:
            self.warnings.append(text)

    def caption(self, part: JSON) -> Caption | None:
        if part is None:
            return None
        try:
            return Caption(text_of(an_object(part), "text"), number_of(an_object(part), "confidence"))
        except UnreadableError as error:
            self.warn(f"captionResult was left out: {error}")
            return None

    def dense_caption(self, entry: Object) -> Caption:
        box = None if self.size is None else self.box(entry)
        return Caption(text_of(entry, "text"), number_of(entry, "confidence"), box)

    def label(self, entry: Object) -> Label:
        return Label(text_of(entry, "name"), number_of(entry, "confidence"))

    def thing(self, entry: Object) -> Region:
        # Without tags: the preview's shape, which the vendor's documentation still shows.
        tags = a_list(entry.get("tags", [entry]))
        if not tags:
            raise UnreadableError("it has no tags")
        named = an_object(tags[0])
        return Region(text_of(named, "name"), number_of(named, "confidence"), self.box(entry))

    def person(self, entry: Object) -> Region:
        return Region("person", number_of(entry, "confidence"), self.box(entry))

    def crop(self, entry: Object) -> Crop:
        return Crop(number_of(entry, "aspectRatio"), self.box(entry))

    def lines(self, part: JSON) -> tuple[Line, ...] | None:
        if part is None:
            return None
        read = an_object(part)
        if "blocks" in read:
            blocks = self.each(read["blocks"], "readResult.blocks", lambda block: block.get("lines"))
            return tuple(line for lines in blocks for line in self.each(lines, "readResult lines", self.line))
        if "pages" in read:
            self.warn("readResult has the shape of a 2022 preview: lines without words")
            pages = self.each(read["pages"], "readResult.pages", self.page)
            return tuple(line for lines in pages for line in lines)
        self.warn("readResult has no blocks")
        content = read.get("content")
        texts = content.splitlines() if isinstance(content, str) else []
        return tuple(Line(text, None, Polygon(())) for text in texts)

    def line(self, entry: Object) -> Line:
        words = self.each(entry.get("words", ()), "words of a line", self.word)
        return Line(text_of(entry, "text"), None, self.outline(entry), words)

    def word(self, entry: Object) -> Word:
        try:
            confidence = number_of(entry, "confidence")
        except UnreadableError as error:
            self.warn(f"a word: {error}")
            confidence = None
        return Word(text_of(entry, "text"), confidence, self.outline(entry))

    def page(self, entry: Object) -> tuple[Line, ...]:
        size = size_of(entry) or self.size
        return self.each(entry.get("lines"), "readResult.pages lines", lambda line: _preview_line(line, size))

    def outline(self, entry: Object) -> Polygon:
        """Where the text stands; the text is worth keeping without it."""
        try:
            corners = [an_object(corner) for corner in a_list(entry.get("boundingPolygon"))]
            points = [(number_of(corner, "x"), number_of(corner, "y")) for corner in corners]
        except UnreadableError as error:
            self.warn(f"an outline of text was left out: {error}")
            return Polygon(())
        return _polygon(points, self.size)

    def box(self, entry: Object) -> Box:
        if self.size is None:
            raise UnreadableError("its place is in pixels of a picture of unknown size")
        box, (width, height) = an_object(entry.get("boundingBox")), self.size
        x, y, w, h = (number_of(box, name) for name in "xywh")
        return Box(x / width, y / height, w / width, h / height)


def _preview_line(entry: Object, size: tuple[int, int] | None) -> Line:
    numbers = [a_number(value) for value in a_list(entry.get("boundingBox"))]
    return Line(text_of(entry, "content"), None, _polygon(list(zip(numbers[::2], numbers[1::2], strict=False)), size))


def _polygon(points: Sequence[tuple[float, float]], size: tuple[int, int] | None) -> Polygon:
    if size is None:
        return Polygon(())
    width, height = size
    return Polygon(tuple((x / width, y / height) for x, y in points))


def size_of(value: JSON) -> tuple[int, int] | None:
    """Width and height in pixels out of an object that has both, else None."""
    if not isinstance(value, Mapping):
        return None
    try:
        return known_size(int(number_of(value, "width")), int(number_of(value, "height")))
    except UnreadableError:
        return None


def known_size(width: int | None, height: int | None) -> tuple[int, int] | None:
    """Both as a pair, None unless both are positive."""
    return (width, height) if width and height and width > 0 and height > 0 else None
