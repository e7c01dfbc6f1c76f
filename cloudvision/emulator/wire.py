"""One request over HTTP: read it, hand it to the desk, send the answer, or spoil the connection as told.

A reset and a broken-off body are made on the socket itself, below the server: uvicorn's protocol notes its transport, by
the client's address, for as long as the connection stands.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from concurrent.futures import Executor
from typing import Any, cast

from starlette.types import Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from cloudvision.emulator.desk import Desk, Sending
from cloudvision.emulator.reply import Reply
from cloudvision.emulator.service import Call, Operation, Service

_MOST_DRAINED = 1024 * 2**20
_NEVER_SENT = bytes(16)
"""Announced in place of an empty body that is to be cut."""

_transports: dict[tuple[str, int], asyncio.Transport] = {}


class Protocol(HttpToolsProtocol):
    """uvicorn's own, whose transport can be found."""

    def connection_made(self, transport: Any) -> None:
        """Note the transport."""
        super().connection_made(transport)
        if self.client is not None:
            _transports[self.client] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        if self.client is not None:
            _transports.pop(self.client, None)
        super().connection_lost(exc)


class Endpoint:
    """ASGI application of one operation.

    Args:
        stopping: set when the server goes down, so that nobody hangs any longer.
    """

    def __init__(
        self, service: Service, operation: Operation, *, desk: Desk, pool: Executor, stopping: asyncio.Event
    ) -> None:
        self._service = service
        self._operation = operation
        self._desk = desk
        self._pool = pool
        self._stopping = stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        body = await _body(receive, most=self._operation.max_body)
        call = _call(scope, body)
        try:
            sending = await asyncio.get_running_loop().run_in_executor(self._pool, self._handle, call)
        except asyncio.CancelledError:
            # The server goes down and has waited long enough for the work.
            await _reset(scope, receive)
            return
        await self._deliver(sending, scope, receive, send)

    def _handle(self, call: Call) -> Sending:
        return self._desk.handle(self._service, self._operation, call)

    async def _deliver(self, sending: Sending, scope: Scope, receive: Receive, send: Send) -> None:
        match sending.fault.fault if sending.fault else "":
            case "delay":
                await self._idle(receive, sending.fault.seconds if sending.fault else None)
                await respond(sending.reply, send)
            case "hang":
                await self._idle(receive, sending.fault.seconds if sending.fault else None)
                await _reset(scope, receive)
            case "reset":
                await _reset(scope, receive)
            case "cut":
                await _cut(sending.reply, scope, receive, send)
            case _:
                await respond(sending.reply, send)

    async def _idle(self, receive: Receive, seconds: float | None) -> None:
        """Wait that long (None: for ever), but no longer than the client and the server are there."""
        waits = [asyncio.ensure_future(_disconnected(receive)), asyncio.ensure_future(self._stopping.wait())]
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()


async def respond(reply: Reply, send: Send) -> None:
    """Send a reply as it is."""
    data = reply.data()
    await send(_start(reply, len(data)))
    await send({"type": "http.response.body", "body": data})


def _start(reply: Reply, length: int) -> Message:
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in reply.headers.items()]
    if length:
        headers.append((b"content-type", reply.content_type.encode()))
    headers.append((b"content-length", str(length).encode()))
    return {"type": "http.response.start", "status": reply.status, "headers": headers}


async def _cut(reply: Reply, scope: Scope, receive: Receive, send: Send) -> None:
    data = reply.data() or _NEVER_SENT
    half = data[: len(data) // 2] if data is not _NEVER_SENT else b""
    await send(_start(reply, len(data)))
    await send({"type": "http.response.body", "body": half, "more_body": True})
    _transport(scope).close()
    await _disconnected(receive)


async def _reset(scope: Scope, receive: Receive) -> None:
    transport = _transports.get(cast(tuple[str, int], tuple(scope["client"])))
    if transport is None:
        return  # the client has gone first
    wire = transport.get_extra_info("socket")
    # Lingering for zero seconds turns the close into a reset.
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    await _disconnected(receive)


def _transport(scope: Scope) -> asyncio.Transport:
    return _transports[cast(tuple[str, int], tuple(scope["client"]))]


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _body(receive: Receive, *, most: int) -> bytes | None:
    """The body; None where it is larger. It is read to its end all the same, so that the client can hear the answer."""
    chunks: list[bytes] = []
    length = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b"".join(chunks)
        chunk = message.get("body", b"")
        length += len(chunk)
        if length <= most:
            chunks.append(chunk)
        if not message.get("more_body") or length > _MOST_DRAINED:
            return b"".join(chunks) if length <= most else None


def _call(scope: Scope, body: bytes | None) -> Call:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    return Call(
        method=scope["method"],
        path=scope["raw_path"].decode("latin-1"),
        query=scope["query_string"].decode("latin-1"),
        places={name: str(value) for name, value in scope.get("path_params", {}).items()},
        headers=headers,
        body=body or b"",
        whole=body is not None,
        base_url=f"{scope['scheme']}://{headers.get('host', '127.0.0.1')}",
    )
