"""Drawings as inline SVG: curves over the unit square, and bars. Colours are the page's variables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 560, 300
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 26, 42
_ACROSS, _DOWN = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM


@dataclass(frozen=True, slots=True)
class Curve:
    """Points with x and y from 0 to 1, from left to right. `colour` is a variable of the page: "yes", "no", "line", "dim"."""

    name: str
    colour: str
    points: Sequence[tuple[float, float]]
    dots: bool = False
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Bars:
    """Heights of one colour, one for each class."""

    name: str
    colour: str
    heights: Sequence[float]


def curves(series: Sequence[Curve], *, x: str, y: str, mark: float | None = None, marked: str = "") -> str:
    """Curves over the unit square; `mark` is an upright line at that x, with the words `marked` beside it."""
    parts = [_axes(x, y, steps=[(k / 5, f"{k / 5:.1f}") for k in range(6)])]
    parts += [_tick_across(k / 5, f"{k / 5:.1f}") for k in range(6)]
    if mark is not None:
        at = LEFT + mark * _ACROSS
        anchor, aside = ("start", 5) if mark < 0.6 else ("end", -5)
        parts.append(
            f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{TOP + _DOWN}" stroke="var(--dim)" stroke-dasharray="3 3"/>'
            f'<text x="{at + aside:.1f}" y="{TOP + _DOWN - 8}" text-anchor="{anchor}">{escape(marked)}</text>'
        )
    for one in series:
        places = [(LEFT + px * _ACROSS, TOP + (1 - py) * _DOWN) for px, py in one.points]
        path = " ".join(f"{px:.1f},{py:.1f}" for px, py in places)
        dash = ' stroke-dasharray="5 4"' if one.dashed else ""
        parts.append(f'<polyline points="{path}" fill="none" stroke="var(--{one.colour})" stroke-width="2"{dash}/>')
        if one.dots:
            parts += [f'<circle cx="{px:.1f}" cy="{py:.1f}" r="3.5" fill="var(--{one.colour})"/>' for px, py in places]
    return _drawing([*parts, _legend([(one.name, one.colour) for one in series])], said=f"{y} against {x}")


def bars(classes: Sequence[str], series: Sequence[Bars], *, x: str, y: str = "pictures") -> str:
    """Bars beside each other for each class. `classes` name the classes from left to right; "" leaves one unnamed."""
    highest = max((height for one in series for height in one.heights), default=0) or 1
    top = _round_up(highest)
    parts = [_axes(x, y, steps=[(k / 4, f"{top * k / 4:g}") for k in range(5)])]
    slot = _ACROSS / max(1, len(classes))
    wide = slot * 0.86 / max(1, len(series))
    for number, name in enumerate(classes):
        parts.append(_tick_across((number + 0.5) / len(classes), name))
        for place, one in enumerate(series):
            tall = one.heights[number] / top * _DOWN
            left = LEFT + number * slot + slot * 0.07 + place * wide
            parts.append(
                f'<rect x="{left:.1f}" y="{TOP + _DOWN - tall:.1f}" width="{wide:.1f}" height="{tall:.1f}"'
                f' fill="var(--{one.colour})"><title>{escape(name)}: {one.heights[number]:g} {escape(one.name)}</title></rect>'
            )
    return _drawing([*parts, _legend([(one.name, one.colour) for one in series])], said=f"{y} by {x}")


def _round_up(value: float) -> float:
    """The next number that four grid lines divide into round ones: 4, 8, 12, 16, 20, 24, 32, 40, 60, 80, 100, 120, ..."""
    step = 1.0
    while True:
        for factor in (4, 6, 8, 10, 12, 16, 20, 24, 32):
            if value <= factor * step and (step > 1 or factor % 4 == 0):
                return factor * step
        step *= 10


def _axes(x: str, y: str, *, steps: Sequence[tuple[float, str]]) -> str:
    rows = "".join(
        f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{TOP + (1 - at) * _DOWN:.1f}" y2="{TOP + (1 - at) * _DOWN:.1f}"'
        f' stroke="var(--rule)"/><text x="{LEFT - 6}" y="{TOP + (1 - at) * _DOWN + 4:.1f}" text-anchor="end">{name}</text>'
        for at, name in steps
    )
    return (
        f'{rows}<text x="{LEFT + _ACROSS / 2}" y="{HEIGHT - 6}" text-anchor="middle">{escape(x)}</text>'
        f'<text transform="translate(12 {TOP + _DOWN / 2}) rotate(-90)" text-anchor="middle">{escape(y)}</text>'
    )


def _tick_across(at: float, name: str) -> str:
    return f'<text x="{LEFT + at * _ACROSS:.1f}" y="{TOP + _DOWN + 16}" text-anchor="middle">{escape(name)}</text>'


def _legend(names: Sequence[tuple[str, str]]) -> str:
    parts, left = [], float(LEFT)
    for name, colour in names:
        parts.append(
            f'<rect x="{left:.0f}" y="6" width="11" height="11" rx="2" fill="var(--{colour})"/>'
            f'<text x="{left + 16:.0f}" y="16">{escape(name)}</text>'
        )
        left += 34 + 6.6 * len(name)
    return "".join(parts)


def _drawing(parts: Sequence[str], *, said: str) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(said)}">{"".join(parts)}</svg>'
