"""The web application: the routes of all protocols, and the server's own.

=========================  ===================================================================
``GET /``                  what is served, and where
``GET /health``            ``{"status": "ok" | "stopping", "models": [...]}``
``GET /metrics``           for Prometheus
``POST /predict...``       `analysis.py`
``/v1/models/...``         `tensorflow.py`
``/v2...``                 `inference.py`
``POST /image, /url ...``  `custom_vision.py`
=========================  ===================================================================
"""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from cloudvision._json import JSON
from cloudvision._version import version
from cloudvision.serve.analysis import Predict
from cloudvision.serve.bodies import Bodies
from cloudvision.serve.catalog import Catalog
from cloudvision.serve.custom_vision import CustomVision
from cloudvision.serve.door import Door
from cloudvision.serve.front import Front
from cloudvision.serve.inference import Inference
from cloudvision.serve.metrics import CONTENT_TYPE, Metrics
from cloudvision.serve.refusal import Refusal
from cloudvision.serve.tensorflow import TensorFlow
from cloudvision.serve.wire import Endpoint, plain_error, refused, reply


class App:
    """Builds the application.

    Args:
        api_key: what clients must send; None lets everybody in.
    """

    def __init__(
        self, catalog: Catalog, *, bodies: Bodies, front: Front, metrics: Metrics, api_key: str | None
    ) -> None:
        self._catalog = catalog
        self._metrics = metrics
        self.stopping = asyncio.Event()
        """Set it when the server goes down: then it is not ready any longer."""
        own = [
            Route("/", Endpoint("index", self._index, plain_error), methods=["GET"]),
            Route("/health", Endpoint("health", self._health, plain_error), methods=["GET"]),
            Route("/metrics", Endpoint("metrics", self._page, plain_error), methods=["GET"]),
        ]
        protocols = (
            TensorFlow(catalog, bodies=bodies, front=front),
            Inference(catalog, bodies=bodies, front=front, is_ready=lambda: not self.stopping.is_set()),
            Predict(catalog, bodies=bodies, front=front),
            CustomVision(catalog, bodies=bodies, front=front),  # last: some of its paths begin with any name
        )
        routes = [*own, *(route for protocol in protocols for route in protocol.routes())]
        router = Router(routes, redirect_slashes=False, default=_not_found)
        self.asgi: ASGIApp = Door(router, metrics=metrics, name=_route_name, refuse=_no_key, api_key=api_key)

    async def _index(self, _request: Request) -> Response:
        models: list[JSON] = [
            {"name": entry.name, "version": entry.version, "kind": entry.runs.kind, "labels": list(entry.runs.labels)}
            for entry in self._catalog
        ]
        return reply({"name": "cloudvision", "version": version(), "models": models})

    async def _health(self, _request: Request) -> Response:
        models: list[JSON] = [f"{entry.name}:{entry.version}" for entry in self._catalog]
        return reply({"status": "stopping" if self.stopping.is_set() else "ok", "models": models})

    async def _page(self, _request: Request) -> Response:
        return Response(self._metrics.page(), headers={"Content-Type": CONTENT_TYPE})


def _route_name(scope: Scope) -> str:
    endpoint = scope.get("endpoint")
    return endpoint.name if isinstance(endpoint, Endpoint) else "none"


async def _not_found(scope: Scope, receive: Receive, send: Send) -> None:
    refusal = Refusal(404, f"there is nothing at {scope['path'][:200]}")
    await refused(refusal, plain_error)(scope, receive, send)


async def _no_key(scope: Scope, receive: Receive, send: Send) -> None:
    refusal = Refusal(401, "the API key is missing or wrong: send it as Authorization: Bearer KEY")
    response = refused(refusal, plain_error)
    response.headers["WWW-Authenticate"] = "Bearer"
    response.headers["Connection"] = "close"  # the body is not read
    await response(scope, receive, send)
