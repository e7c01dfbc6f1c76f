"""Where things are: boxes and outlines as fractions of the upright picture, origin at the top left, not clipped."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Box:
    """An upright rectangle: left and top edge, width and height, all as fractions of the picture."""

    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """The right edge, `left + width`."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """The lower edge, `top + height`."""
        return self.top + self.height

    @property
    def area(self) -> float:
        """Share of the picture, 0 to 1 (more where the box leaves the picture)."""
        return self.width * self.height


@dataclass(frozen=True, slots=True)
class Polygon:
    """A closed outline, `((x, y), ...)`, normally four corners, clockwise from the top left of the text."""

    points: tuple[tuple[float, float], ...]

    @property
    def box(self) -> Box:
        """The smallest upright rectangle around the outline (width and height never negative)."""
        xs, ys = [p[0] for p in self.points], [p[1] for p in self.points]
        if not xs:
            return Box(0.0, 0.0, 0.0, 0.0)
        return Box(min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys))

    @staticmethod
    def of_box(box: Box) -> Polygon:
        """The four corners of `box`, clockwise from the top left."""
        return Polygon(
            ((box.left, box.top), (box.right, box.top), (box.right, box.bottom), (box.left, box.bottom)),
        )
