"""HTTP on one connection, with a bound on the size of a request's head and on the time it takes to come in."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_MOST_HEAD = 64 * 2**10
_HEAD_S = 20.0


class Bounded(HttpToolsProtocol):
    """uvicorn's own, which by itself would read a head without end, and wait for one for ever."""

    _head = 0
    _in_head = True
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """The first head must come soon."""
        super().connection_made(transport)
        self._deadline = self.loop.call_later(_HEAD_S, self._give_up)

    def data_received(self, data: bytes) -> None:
        """Read on, unless the head is too long."""
        if self._in_head:
            self._head += len(data)
            if self._head > _MOST_HEAD and len(data) < self._head:
                self.send_400_response("The head of the request is too long.")
                return
        super().data_received(data)

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        self._in_head, self._head = True, 0
        if self._deadline is None:
            self._deadline = self.loop.call_later(_HEAD_S, self._give_up)

    def on_headers_complete(self) -> None:
        """A head is whole."""
        self._in_head = False
        self._forget()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any longer."""
        self._forget()
        super().connection_lost(exc)

    def _forget(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        if not self.transport.is_closing():
            self.send_400_response("The head of the request took too long.")


def new_loop() -> asyncio.AbstractEventLoop:
    """uvloop where it is installed, which takes less of the processor for each request; asyncio's own elsewhere."""
    try:
        import uvloop
    except ImportError:  # it has no build for Windows
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
