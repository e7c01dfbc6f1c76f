"""How much text an answer holds: the figures by which a criterion is chosen."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cloudvision.geometry import Polygon
from cloudvision.results import Line


@dataclass(frozen=True, slots=True)
class TextStatistics:
    """Of one picture.

    Args:
        confidence_max, confidence_mean: over words, 0 to 1; None without a word, or where the engine gives none.
        lines: lines with a word.
        words: pieces between white space.
        characters: without white space.
        largest_box, total_box: share of the picture that the largest outline covers, and all together (they may overlap,
            so that the sum can pass 1).
    """

    confidence_max: float | None
    confidence_mean: float | None
    lines: int
    words: int
    characters: int
    largest_box: float
    total_box: float


@dataclass(frozen=True, slots=True)
class _Piece:
    """A word, or a whole line of an engine that reads lines only: its words share confidence and outline."""

    line: int
    words: int
    characters: int
    confidence: float | None
    box: float


def text_statistics(lines: Iterable[Line], *, min_confidence: float = 0.0) -> TextStatistics:
    """Over the words with at least this confidence, 0 to 1. A word without a confidence counts as sure."""
    pieces = [
        piece
        for number, line in enumerate(lines)
        for piece in _pieces(number, line)
        if piece.words and (piece.confidence is None or piece.confidence >= min_confidence)
    ]
    known = [(piece.confidence, piece.words) for piece in pieces if piece.confidence is not None]
    boxes = [piece.box for piece in pieces]
    return TextStatistics(
        confidence_max=max((confidence for confidence, _ in known), default=None),
        confidence_mean=sum(c * words for c, words in known) / sum(words for _, words in known) if known else None,
        lines=len({piece.line for piece in pieces}),
        words=sum(piece.words for piece in pieces),
        characters=sum(piece.characters for piece in pieces),
        largest_box=max(boxes, default=0.0),
        total_box=math.fsum(boxes),
    )


def _pieces(number: int, line: Line) -> Sequence[_Piece]:
    parts = line.words or (line,)
    return [
        _Piece(number, len(part.text.split()), len("".join(part.text.split())), part.confidence, _area(part.polygon))
        for part in parts
    ]


def _area(polygon: Polygon) -> float:
    """Share of the picture, by the shoelace formula."""
    points = polygon.points
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(points, points[1:] + points[:1], strict=True))) / 2
