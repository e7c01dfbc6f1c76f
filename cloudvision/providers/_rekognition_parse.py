"""DetectText's answer -> Analysis. Pure: no SDK, no picture, no key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cloudvision.errors import UnexpectedAnswerError
from cloudvision.geometry import Box, Polygon
from cloudvision.providers._aws_answers import answer_error, json_of
from cloudvision.raw import Raw
from cloudvision.results import Analysis, Line, Provenance, Word

_FARTHEST = 1e6
"""Fractions beyond this are no places; also keeps out NaN, infinities and numbers too large for a float."""


def parse(raw: Raw, *, provider: str) -> Analysis:
    """Lines in the service's order, each with its words. A saved list of detections alone is read as well.

    Raises:
        ProviderError: it is an error answer.
        UnexpectedAnswerError: it is not JSON, or has no list of detections; that never counts as "no text".
    """
    if error := answer_error(raw, provider=provider):
        raise error
    body = json_of(raw.body)
    outer: Mapping[str, object] = body if isinstance(body, dict) else {}
    detections = body if isinstance(body, list) else outer.get("TextDetections")
    request_id = raw.header("x-amzn-requestid") or _saved_request_id(outer)
    if not isinstance(detections, list):
        raise UnexpectedAnswerError(
            f"{provider}: the answer has no TextDetections; it begins with {raw.body[:80]!r}",
            provider=provider,
            status=raw.status,
            request_id=request_id,
            billed=True,
        )
    lines, warnings = _lines(detections)
    version = outer.get("TextModelVersion")
    return Analysis(
        width=raw.width,
        height=raw.height,
        lines=lines,
        warnings=warnings,
        provenance=Provenance(
            provider=provider,
            model_version=version if isinstance(version, str) else None,
            request_id=request_id,
            latency_s=raw.latency_s,
        ),
    )


@dataclass(frozen=True, slots=True)
class _Detection:
    """One item of the list: a LINE, or a WORD with the id of its line."""

    word: Word
    is_line: bool
    id: int | None
    parent: int | None


def _lines(detections: Sequence[object]) -> tuple[tuple[Line, ...], tuple[str, ...]]:
    warnings: list[str] = []
    found = [d for at, item in enumerate(detections) if (d := _detection(item, at, warnings)) is not None]
    words: dict[int, list[Word]] = {d.id: [] for d in found if d.is_line and d.id is not None}
    orphans: list[Word] = []
    for d in found:
        if not d.is_line:
            (words.get(d.parent, orphans) if d.parent is not None else orphans).append(d.word)
    if orphans:
        warnings.append(f"{len(orphans)} words belong to no line of this answer; each became a line of its own")
    # pop: should two lines share an id, the first one has the words.
    lines = [_line(d.word, words.pop(d.id, []) if d.id is not None else []) for d in found if d.is_line]
    return tuple(lines + [_line(word, [word]) for word in orphans]), tuple(warnings)


def _line(whole: Word, words: list[Word]) -> Line:
    return Line(whole.text, whole.confidence, whole.polygon, tuple(words))


def _detection(item: object, at: int, warnings: list[str]) -> _Detection | None:
    fields: Mapping[str, object] = item if isinstance(item, dict) else {}
    text, kind = fields.get("DetectedText"), fields.get("Type")
    if not isinstance(text, str) or kind not in ("LINE", "WORD"):
        warnings.append(f"detection {at} is left out: neither a LINE nor a WORD with text")
        return None
    confidence = _number(fields.get("Confidence"))
    polygon = _polygon(fields.get("Geometry"))
    if not polygon.points:
        warnings.append(f"detection {at} has no usable geometry")
    word = Word(
        # JSON may hold halves of surrogate pairs, which no file takes.
        text=text.encode("utf-8", "replace").decode("utf-8"),
        confidence=confidence / 100 if confidence is not None and 0 <= confidence <= 100 else None,
        polygon=polygon,
    )
    return _Detection(word, kind == "LINE", _id(fields.get("Id")), _id(fields.get("ParentId")))


def _polygon(geometry: object) -> Polygon:
    fields: Mapping[str, object] = geometry if isinstance(geometry, dict) else {}
    given = fields.get("Polygon")
    points = [_pair(point, "X", "Y") for point in given] if isinstance(given, list) else []
    if points and None not in points:
        return Polygon(tuple(point for point in points if point is not None))
    corner, size = _pair(fields.get("BoundingBox"), "Left", "Top"), _pair(fields.get("BoundingBox"), "Width", "Height")
    if corner is None or size is None:
        return Polygon(())
    # Rotated text really comes with negative width and height.
    left, top = corner[0] + min(size[0], 0.0), corner[1] + min(size[1], 0.0)
    return Polygon.of_box(Box(left, top, abs(size[0]), abs(size[1])))


def _pair(value: object, first: str, second: str) -> tuple[float, float] | None:
    if not isinstance(value, dict):
        return None
    x, y = _number(value.get(first)), _number(value.get(second))
    return None if x is None or y is None else (x, y)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not -_FARTHEST < value < _FARTHEST:
        return None
    return float(value)


def _id(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _saved_request_id(outer: Mapping[str, object]) -> str | None:
    # Answers saved from boto3 carry the headers in here.
    metadata = outer.get("ResponseMetadata")
    found = metadata.get("RequestId") if isinstance(metadata, dict) else None
    return found if isinstance(found, str) else None
