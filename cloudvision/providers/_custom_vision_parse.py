"""Answers of Custom Vision as `Analysis`: what cannot be read becomes a warning."""

from __future__ import annotations

from cloudvision._json import JSON
from cloudvision.geometry import Box
from cloudvision.providers._azure_answers import json_object, unexpected
from cloudvision.providers._json_read import Object, UnreadableError, a_list, an_object, number_of, text_of
from cloudvision.raw import Raw
from cloudvision.results import Analysis, Label, Provenance, Region


def parse_answer(raw: Raw, *, provider: str, detects: bool, least: float) -> Analysis:
    """Read an answer of status 2xx; also one of an exported container, whose ids are empty or numbers.

    Args:
        raw: the answer.
        provider: registry name, for errors and provenance.
        detects: what was asked for, where an answer without predictions does not tell.
        least: 0 to 1; less sure predictions are left out.

    Raises:
        UnexpectedAnswerError: the body is no JSON object with a list of predictions, or none of them can be read.
    """
    body = json_object(raw, provider)
    try:
        predictions = a_list(body.get("predictions"))
    except UnreadableError as error:
        raise unexpected(raw, provider, f"predictions: {error}") from None
    found: list[Label | Region] = []
    warnings: list[str] = []
    for number, prediction in enumerate(predictions):
        try:
            found.append(_found(prediction))
        except UnreadableError as error:
            warnings.append(f"predictions[{number}]: {error}")
    if predictions and not found:
        raise unexpected(raw, provider, warnings[0])
    sure = sorted((one for one in found if one.confidence >= least), key=lambda one: -one.confidence)
    regions = tuple(one for one in sure if isinstance(one, Region))
    labels = tuple(one for one in sure if isinstance(one, Label))
    kinds = {type(one) for one in found} or {Region if detects else Label}
    iteration = body.get("iteration")
    return Analysis(
        width=raw.width,
        height=raw.height,
        labels=labels if Label in kinds else None,
        regions=regions if Region in kinds else None,
        warnings=tuple(warnings),
        provenance=Provenance(
            provider,
            model_version=iteration if isinstance(iteration, str) and iteration else None,
            request_id=raw.header("apim-request-id") or _id(body),
            latency_s=raw.latency_s,
        ),
    )


def _found(value: JSON) -> Label | Region:
    prediction = an_object(value)
    name, sure = text_of(prediction, "tagName"), number_of(prediction, "probability")
    if prediction.get("boundingBox") is None:
        return Label(name, sure)
    box = an_object(prediction["boundingBox"])
    return Region(name, sure, Box(*(number_of(box, side) for side in ("left", "top", "width", "height"))))


def _id(body: Object) -> str | None:
    given = body.get("id")
    return given if isinstance(given, str) and given else None
