"""Image Analysis answers as `Analysis`: every result that is there is read, what cannot be read becomes a warning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cloudvision.providers._azure_answers import json_object, unexpected
from cloudvision.providers._image_analysis_parts import Reader, known_size, size_of
from cloudvision.raw import Raw
from cloudvision.results import Analysis, Provenance

RESULTS = {
    "caption": "captionResult",
    "denseCaptions": "denseCaptionsResult",
    "objects": "objectsResult",
    "people": "peopleResult",
    "read": "readResult",
    "smartCrops": "smartCropsResult",
    "tags": "tagsResult",
}
"""Feature -> the member of the answer that holds its result."""


def parse_answer(raw: Raw, *, provider: str, asked: Sequence[str]) -> Analysis:
    """Read an answer of status 2xx.

    Older and preview shapes that really turn up are read as far as they go. Geometry is a fraction of the size in the
    answer's `metadata`, or else of the picture as it was sent.

    Args:
        raw: the answer.
        provider: registry name, for errors and provenance.
        asked: the features that were asked for; one of them missing beside others is worth a warning.

    Raises:
        UnexpectedAnswerError: the body is no JSON object, or holds no result at all.
    """
    body = json_object(raw, provider)
    found = {feature for feature, member in RESULTS.items() if isinstance(body.get(member), Mapping)}
    if not found:
        raise unexpected(raw, provider, f"no result in it, only {', '.join(sorted(body)) or 'an empty object'}")
    reader = Reader(size_of(body.get("metadata")) or known_size(raw.width, raw.height))
    if found & set(asked):
        reader.warnings += [f"{name} was asked for and is missing" for name in asked if name not in found]
    if reader.size is None and found - {"caption", "tags"}:
        reader.warnings.append("the answer does not say how large the picture is: places cannot be given")
    parts = {feature: body[member] for feature, member in RESULTS.items() if feature in found}
    version, (width, height) = body.get("modelVersion"), reader.size or (None, None)
    return Analysis(
        width=width,
        height=height,
        caption=reader.caption(parts.get("caption")),
        dense_captions=reader.values(parts.get("denseCaptions"), "denseCaptionsResult", reader.dense_caption),
        tags=reader.values(parts.get("tags"), "tagsResult", reader.label),
        objects=reader.values(parts.get("objects"), "objectsResult", reader.thing),
        people=reader.values(parts.get("people"), "peopleResult", reader.person),
        smart_crops=reader.values(parts.get("smartCrops"), "smartCropsResult", reader.crop),
        lines=reader.lines(parts.get("read")),
        warnings=tuple(reader.warnings),
        provenance=Provenance(
            provider,
            model_version=version if isinstance(version, str) else None,
            request_id=raw.header("apim-request-id"),
            latency_s=raw.latency_s,
        ),
    )
