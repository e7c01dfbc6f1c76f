"""Reading the body of an answer of status 2xx as the JSON object that all of Azure's vision services answer with."""

from __future__ import annotations

import json

from cloudvision._json import JSON
from cloudvision.errors import UnexpectedAnswerError
from cloudvision.raw import Raw


def json_object(raw: Raw, provider: str) -> dict[str, JSON]:
    """The members of the answer.

    Raises:
        UnexpectedAnswerError: the body is no JSON, or no object.
    """
    try:
        body = json.loads(raw.body.removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        kind = raw.header("content-type") or "no content type"
        raise unexpected(raw, provider, f"{len(raw.body)} characters of {kind} that are no JSON") from None
    if not isinstance(body, dict):
        raise unexpected(raw, provider, f"a JSON {type(body).__name__} instead of an object")
    return body


def unexpected(raw: Raw, provider: str, what: str) -> UnexpectedAnswerError:
    """The error for an answer that was paid for and is not of the known shape; `what` says what it is instead."""
    return UnexpectedAnswerError(
        f"{provider}: the answer of status {raw.status} is not an analysis: {what}",
        provider=provider,
        status=raw.status,
        request_id=raw.header("apim-request-id"),
        billed=True,
    )
