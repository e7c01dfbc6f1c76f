"""Pictures and what is known of them."""

from __future__ import annotations

from dataclasses import dataclass

from cloudvision.geometry import Box


@dataclass(frozen=True, slots=True)
class Mark:
    """A label of a picture.

    Args:
        name: the label.
        box: where it applies, as fractions of the upright picture; it may leave the picture. None: the whole picture.
    """

    name: str
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class Annotated:
    """A picture and its marks.

    Args:
        source: path of a file, or a URL as it was given (which may hold a signature: never show it as it is).
        marks: in the order of the file; () for a picture that shows none of the labels.
        group: pictures that belong together (a folder, or the column `group`); "" where nobody said.
    """

    source: str
    marks: tuple[Mark, ...]
    group: str = ""

    @property
    def is_url(self) -> bool:
        """It is to be fetched, and is no file."""
        return is_url(self.source)


@dataclass(frozen=True, slots=True)
class Annotations:
    """All pictures of one place.

    Args:
        items: those that can be used.
        labels: all names, in the order of the class list where the format has one, else in order of first sight.
        problems: what could not be used, each with its place ("boxes.csv, line 7: ...").
    """

    items: tuple[Annotated, ...]
    labels: tuple[str, ...]
    problems: tuple[str, ...] = ()

    @property
    def has_boxes(self) -> bool:
        """At least one mark says where."""
        return any(mark.box is not None for item in self.items for mark in item.marks)


def is_url(source: str) -> bool:
    """Whether a source is a URL rather than a path."""
    return source.lower().startswith(("http://", "https://"))
