"""JSON in and out, and the end of every request: an answer, or a refusal in the protocol's own shape."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from cloudvision._json import JSON
from cloudvision.serve.refusal import GoneError, Refusal

Handler = Callable[[Request], Awaitable[Response]]
Write = Callable[[Refusal], Mapping[str, JSON]]
"""A refusal as the body of an answer."""


class Endpoint:
    """ASGI application of one route.

    Args:
        name: of the route, in the metrics.
        handler: answers a request; raises Refusal.
        write: the shape of the protocol's errors.
    """

    def __init__(self, name: str, handler: Handler, write: Write) -> None:
        self.name = name
        self._handler = handler
        self._write = write

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            response = await self._handler(Request(scope, receive))
        except GoneError:
            return
        except Refusal as refusal:
            response = refused(refusal, self._write)
        await response(scope, receive, send)


def reply(values: JSON, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(written(values), status, headers, media_type="application/json")


def written(values: JSON) -> bytes:
    """JSON as bytes. Half a surrogate pair, which a client may have sent, has no UTF-8 and becomes a question mark."""
    return json.dumps(values, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8", "replace")


def refused(refusal: Refusal, write: Write) -> Response:
    """A refusal on the wire."""
    headers = {} if refusal.retry_after is None else {"Retry-After": str(refusal.retry_after)}
    if refusal.status in (408, 413):
        headers["Connection"] = "close"  # the rest of the body may still be on its way
    return reply(write(refusal), status=refusal.status, headers=headers)


def plain_error(refusal: Refusal) -> Mapping[str, JSON]:
    """As most protocols write an error."""
    return {"error": refusal.reason}


def object_in(body: bytes | memoryview) -> dict[str, Any]:
    """The JSON object in a body.

    Raises:
        Refusal: it holds none, or one nested too deep.
    """
    try:
        found = json.loads(bytes(body))
    except RecursionError:
        raise Refusal(400, "the JSON is nested too deep") from None
    except ValueError as error:
        raise Refusal(400, f"JSON Parse error: {error}") from error
    if not isinstance(found, dict):
        raise Refusal(400, "JSON Parse error: the body is no object")
    return found
