"""Lines of text as DetectText lists them: all LINEs, then all WORDs, each with an id, words with that of their line."""

from __future__ import annotations

import math
from collections.abc import Iterable

from cloudvision._json import JSON
from cloudvision.emulator.text_filters import TextFilters
from cloudvision.geometry import Polygon
from cloudvision.results import Line, Word

MAX_WORDS = 100
"""Most words in one answer."""

_STEEPEST = math.radians(95)
"""Text within 90 degrees of the horizontal is found; upright text of a sloping line may be a little over."""


def text_detections(lines: Iterable[Line], filters: TextFilters) -> list[JSON]:
    """The entries of `TextDetections`. A line is what is left of its words; without any it is not listed."""
    kept: list[tuple[Line, list[Word]]] = []
    room = MAX_WORDS
    for line in lines:
        if _steepness(line.polygon) > _STEEPEST:
            continue
        words = [word for word in line.words if filters.keeps(word)][:room]
        room -= len(words)
        if words:
            kept.append((line, words))
    entries = [_line_entry(number, line, words) for number, (line, words) in enumerate(kept)]
    for parent, (_, words) in enumerate(kept):
        for word in words:
            entries.append(_entry(len(entries), word.text, "WORD", word.confidence, word.polygon, parent=parent))
    return entries


def _line_entry(number: int, line: Line, words: list[Word]) -> JSON:
    if len(words) == len(line.words):
        return _entry(number, line.text, "LINE", line.confidence, line.polygon)
    first, last = words[0].polygon.points, words[-1].polygon.points
    text = " ".join(word.text for word in words)
    confidence = sum(word.confidence or 0.0 for word in words) / len(words)
    return _entry(number, text, "LINE", confidence, Polygon((first[0], last[1], last[2], first[3])))


def _entry(
    number: int, text: str, kind: str, confidence: float | None, outline: Polygon, *, parent: int | None = None
) -> JSON:
    box = outline.box
    entry: dict[str, JSON] = {
        "DetectedText": text,
        "Type": kind,
        "Id": number,
        "Confidence": 100 * (confidence or 0.0),
        "Geometry": {
            "BoundingBox": {"Width": box.width, "Height": box.height, "Left": box.left, "Top": box.top},
            "Polygon": [{"X": x, "Y": y} for x, y in outline.points],
        },
    }
    if parent is not None:
        entry["ParentId"] = parent
    return entry


def _steepness(outline: Polygon) -> float:
    """Angle of the upper edge to the horizontal, 0 to pi."""
    (x1, y1), (x2, y2) = outline.points[:2]
    return abs(math.atan2(y2 - y1, x2 - x1))
