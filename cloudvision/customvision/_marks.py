"""Marks as a kind of project takes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cloudvision.annotations import Mark
from cloudvision.customvision.answers import Kind
from cloudvision.customvision.limits import MOST_REGIONS, MOST_TAGS_OF_IMAGE
from cloudvision.geometry import Box

_SLIP = 0.01
"""A box that leaves its picture by so much of it was rounded; one that leaves it further is wrong."""


_SAME = 0.5
"""Boxes of one name that share so much of their union mean one thing."""


class UnfitError(ValueError):
    """A picture, or its marks, cannot be used; the caller adds which."""


def fitting(marks: Sequence[Mark], *, kind: Kind, negative: str | None) -> tuple[tuple[Mark, ...], tuple[str, ...]]:
    """The marks of one picture as they are sent, and what was done to them.

    Raises:
        UnfitError: there are none, too many, or ones of the wrong kind.
    """
    return _boxes(marks) if kind == "detection" else _names(marks, kind, negative)


def together(marks: Iterable[Sequence[Mark]]) -> tuple[Mark, ...]:
    """All marks that several entries have for one picture; a thing that two of them boxed a little differently counts once."""
    kept: list[Mark] = []
    for entry in marks:
        kept += [mark for mark in entry if not any(_is_same(mark, other) for other in tuple(kept))]
    return tuple(dict.fromkeys(kept))


def shared_by(one: Box | None, other: Box | None) -> float:
    """Intersection over union of two boxes, 0 to 1; 0 where there are not two."""
    if one is None or other is None:
        return 0.0
    width = min(one.right, other.right) - max(one.left, other.left)
    height = min(one.bottom, other.bottom) - max(one.top, other.top)
    common = max(0.0, width) * max(0.0, height)
    union = one.area + other.area - common
    return common / union if union > 0 else 0.0


def _is_same(mark: Mark, other: Mark) -> bool:
    return mark.name == other.name and (mark.box == other.box or shared_by(mark.box, other.box) >= _SAME)


def _names(marks: Sequence[Mark], kind: Kind, negative: str | None) -> tuple[tuple[Mark, ...], tuple[str, ...]]:
    names = list(dict.fromkeys(mark.name for mark in marks))
    notes = ("has boxes, of which only the names are used: the project classifies whole pictures",)
    said = notes if any(mark.box for mark in marks) else ()
    if not names:
        if negative is None:
            raise UnfitError("has no label; with a negative tag it could be used")
        return (Mark(negative),), ("has no label and gets the negative tag",)
    if negative in names and len(names) > 1:
        raise UnfitError(f"has the negative tag {negative!r} beside others")
    if kind == "multiclass" and len(names) > 1:
        raise UnfitError(f"has several labels, {', '.join(names)}, where one is taken")
    if len(names) > MOST_TAGS_OF_IMAGE:
        raise UnfitError(f"has {len(names)} labels, and {MOST_TAGS_OF_IMAGE} are taken")
    return tuple(Mark(name) for name in names), said


def _boxes(marks: Sequence[Mark]) -> tuple[tuple[Mark, ...], tuple[str, ...]]:
    if not marks:
        raise UnfitError("has no box: object detection is not trained on such pictures")
    if len(marks) > MOST_REGIONS:
        raise UnfitError(f"has {len(marks)} boxes, and {MOST_REGIONS} are taken")
    sent, said = [], set()
    for mark in marks:
        if mark.box is None:
            raise UnfitError(f"has the label {mark.name!r} without a box")
        box = _within(mark.box, mark.name)
        if box != mark.box:
            said.add("has a box that leaves the picture by a rounding error, and is cut at its edge")
        sent.append(Mark(mark.name, box))
    return tuple(dict.fromkeys(sent)), tuple(said)


def _within(box: Box, name: str) -> Box:
    """The box, cut at the edges of the picture where it is out by no more than a slip."""
    out = max(-box.left, -box.top, box.right - 1, box.bottom - 1)
    if out <= 0:
        return box
    left, top = max(0.0, box.left), max(0.0, box.top)
    width, height = min(1.0, box.right) - left, min(1.0, box.bottom) - top
    if out > _SLIP or width <= 0 or height <= 0:
        raise UnfitError(
            f"has a box of {name!r} out of range: left {box.left:.4g}, top {box.top:.4g}, right {box.right:.4g}, bottom "
            f"{box.bottom:.4g}, where 0 to 1 are within the picture"
        )
    # Left + width must not pass 1 again by the rounding of floats.
    return Box(left, top, min(width, 1.0 - left), min(height, 1.0 - top))
