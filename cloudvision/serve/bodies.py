"""Bodies of requests: bounded each by itself, bounded together, and in time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.requests import ClientDisconnect, Request

from cloudvision.serve.refusal import BUSY, TOO_LARGE, GoneError, Refusal

_MOST_DRAINED = 64 * 2**20
"""Of a body that is too large so much is read and thrown away, so that the client can hear why; then it is cut off."""


class Bodies:
    """Reads bodies.

    Args:
        most: bytes of one.
        together: bytes of all that are held at the same time; a request beyond that is refused until others are done.
        timeout_s: seconds in which one must have come in.
    """

    def __init__(self, *, most: int, together: int, timeout_s: float) -> None:
        self._most = most
        self._together = together
        self._timeout_s = timeout_s
        self._held = 0

    @asynccontextmanager
    async def of(self, request: Request) -> AsyncIterator[bytes]:
        """The whole body, which counts as held for as long as the block lasts.

        Raises:
            Refusal: it is too large, too slow, compressed, or there is no room for it now.
            GoneError: the client has hung up.
        """
        if request.headers.get("content-encoding", "identity").lower() != "identity":
            raise Refusal(415, "compressed requests are not taken: send the body as it is")
        chunks: list[bytes] = []
        try:
            try:
                async with asyncio.timeout(self._timeout_s):
                    await self._fill(chunks, request)
            except TimeoutError:
                raise Refusal(408, f"the request did not come in whole within {self._timeout_s:g} s") from None
            except ClientDisconnect as error:
                raise GoneError from error
            yield chunks[0] if len(chunks) == 1 else b"".join(chunks)
        finally:
            self._held -= sum(map(len, chunks))

    async def _fill(self, chunks: list[bytes], request: Request) -> None:
        announced = request.headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > self._most:
            # Who asks before sending can be told at once; who sends anyway hears nothing before it is through.
            raise await self._too_large(request, drain="expect" not in request.headers)
        length = 0
        async for chunk in request.stream():
            length += len(chunk)
            if length > self._most:
                raise await self._too_large(request, drain=True)
            if self._held + len(chunk) > self._together:
                raise Refusal(503, "too many large requests at once", code=BUSY, retry_after=1)
            if chunk:
                self._held += len(chunk)
                chunks.append(chunk)

    async def _too_large(self, request: Request, *, drain: bool) -> Refusal:
        drained = 0
        async for chunk in request.stream() if drain else _nothing():
            drained += len(chunk)
            if drained > _MOST_DRAINED:
                break
        return Refusal(413, f"the request is larger than {self._most:,} bytes", code=TOO_LARGE)


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield b""
