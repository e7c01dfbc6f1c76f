"""The web application: a route for each operation of each service, the health page and the emulator's own pages.

==============================  =====================================================================
``GET /health``                 ``{"status": "ok", "engine": "loading" | "ready" | what is wrong, ...}``
``GET /emulator/bill``          the bill and the counts of requests, see `bill.py`
``DELETE /emulator/bill``       begin with an empty one
``PUT /emulator/answers/...``   ``/emulator/answers/<service>/<sha256>``: the body is what that picture gets
``DELETE /emulator/answers``    forget those
``PUT /emulator/faults``        the body is a script as in `faults.py`; it replaces the one before
``DELETE /emulator/faults``     behave
==============================  =====================================================================
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import Executor

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from cloudvision.emulator.azure_wire import gateway_error
from cloudvision.emulator.desk import Desk
from cloudvision.emulator.fault import check_service
from cloudvision.emulator.placed import Placed, reply_of
from cloudvision.emulator.service import Service
from cloudvision.emulator.wire import Endpoint, respond
from cloudvision.errors import ConfigError


class App:
    """Builds the application.

    Args:
        services: what is served.
        desk: takes the requests.
        placed: answers for chosen pictures.
        pool: threads for the work.
        engine: says what state the text recognition is in.
    """

    def __init__(
        self,
        services: tuple[Service, ...],
        *,
        desk: Desk,
        placed: Placed,
        pool: Executor,
        engine: Callable[[], str],
    ) -> None:
        self._services = services
        self._desk = desk
        self._placed = placed
        self._engine = engine
        self.stopping = asyncio.Event()
        """Set it when the server goes down: then nobody hangs any longer."""
        endpoints = [
            Route(
                operation.path,
                Endpoint(service, operation, desk=desk, pool=pool, stopping=self.stopping),
                methods=[operation.method],
                name=f"{service.name} {operation.name}",
            )
            for service in services
            for operation in service.operations
        ]
        own = [
            Route("/health", self._health),
            Route("/emulator/bill", self._bill, methods=["GET", "DELETE"]),
            Route("/emulator/answers/{service}/{digest}", self._answers, methods=["PUT"]),
            Route("/emulator/answers", self._answers, methods=["DELETE"]),
            Route("/emulator/faults", self._faults, methods=["PUT", "DELETE"]),
        ]
        self.asgi = Starlette(routes=[*own, *endpoints])
        self.asgi.router.default = _not_found
        self.asgi.router.redirect_slashes = False

    async def _health(self, _request: Request) -> Response:
        names = [service.name for service in self._services]
        return JSONResponse({"status": "ok", "engine": self._engine(), "services": names})

    async def _bill(self, request: Request) -> Response:
        if request.method == "DELETE":
            self._desk.books.clear()
            return Response(status_code=204)
        return JSONResponse(self._desk.books.bill().to_json())

    async def _answers(self, request: Request) -> Response:
        if request.method == "DELETE":
            self._placed.clear()
            return Response(status_code=204)
        try:
            check_service(request.path_params["service"])
            reply = reply_of(json.loads(await request.body()))
        except (ValueError, RecursionError, ConfigError) as error:
            return JSONResponse({"error": str(error)}, 400)
        self._placed.put(request.path_params["service"], request.path_params["digest"], reply)
        return Response(status_code=204)

    async def _faults(self, request: Request) -> Response:
        try:
            self._desk.faults.replace(json.loads(await request.body()) if request.method == "PUT" else {})
        except (ValueError, RecursionError, ConfigError) as error:
            return JSONResponse({"error": str(error)}, 400)
        return Response(status_code=204)


async def _not_found(_scope: Scope, _receive: Receive, send: Send) -> None:
    await respond(gateway_error(404, "Resource not found"), send)
