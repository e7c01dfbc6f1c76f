"""What every request goes through: the key, the counters, the log."""

from __future__ import annotations

import hmac
import logging
import time
from collections.abc import Callable, Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloudvision.serve.metrics import Metrics

_log = logging.getLogger("cloudvision.serve.access")
_OPEN = ("/health", "/v2/health/live", "/v2/health/ready")
"""Whoever watches over the server need not know the key."""

_MOST_LOGGED = 200


class Door:
    """Wraps an application.

    Args:
        name: what to call the route of a request, after it was answered.
        refuse: answers a request without the key.
        api_key: what clients must send, as `Authorization: Bearer`, `X-Api-Key`, `Api-Key` or `Prediction-Key`; None
            for no key.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        metrics: Metrics,
        name: Callable[[Scope], str],
        refuse: ASGIApp,
        api_key: str | None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._name = name
        self._refuse = refuse
        self._api_key = None if api_key is None else api_key.encode()
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        started, status = self._clock(), 499  # nginx's number for a client that has gone

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        app = self._app if self._may_enter(scope) else self._refuse
        try:
            await app(scope, receive, noting)
        except BaseException:
            status = 500
            raise
        finally:
            seconds = self._clock() - started
            self._metrics.answered(self._name(scope), status, seconds)
            if _log.isEnabledFor(logging.INFO):
                # Without the query, which may hold a key or the signature of an address; without line feeds too.
                path = ascii(scope["path"][:_MOST_LOGGED])[1:-1]
                _log.info("%s %s %d %.1f ms", scope["method"], path, status, seconds * 1000)

    def _may_enter(self, scope: Scope) -> bool:
        if self._api_key is None or scope["path"] in _OPEN:
            return True
        return any(hmac.compare_digest(given, self._api_key) for given in _keys(dict(scope["headers"])))


def _keys(headers: Mapping[bytes, bytes]) -> list[bytes]:
    scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
    bearer = [token.strip()] if scheme.lower() == b"bearer" else []
    return [*bearer, *(headers[name] for name in (b"x-api-key", b"api-key", b"prediction-key") if name in headers)]
