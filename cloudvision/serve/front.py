"""From the event loop to the workers and back: pictures in, answers out."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import suppress

from starlette.types import Receive

from cloudvision import images
from cloudvision.errors import ImageError, NotAnImageError
from cloudvision.fetch import Fetcher
from cloudvision.images import Image
from cloudvision.serve.answer import Answer
from cloudvision.serve.catalog import Entry
from cloudvision.serve.job import Group, Job
from cloudvision.serve.metrics import Metrics
from cloudvision.serve.refusal import BUSY, FAILED, TOO_LARGE, GoneError, Refusal, of_picture
from cloudvision.serve.workers import FullError, Workers

Load = Callable[[], Image]
"""Gives a picture; raises ImageError. Called by a worker, for decoding takes its time."""


class Front:
    """What every protocol asks its pictures through.

    Args:
        max_pixels: of one picture.
        fetcher: for addresses that clients give; it must not be one that reaches private hosts.
        fetching: threads to wait for other servers in.
        most_fetches: addresses that may be waited for at the same time.
    """

    def __init__(
        self,
        workers: Workers,
        *,
        metrics: Metrics,
        max_pixels: int,
        fetcher: Fetcher,
        fetching: Executor,
        most_fetches: int,
    ) -> None:
        self._workers = workers
        self._metrics = metrics
        self._max_pixels = max_pixels
        self._fetcher = fetcher
        self._fetching = fetching
        self._fetches_left = most_fetches

    def picture(self, data: bytes, *, name: str = "the image") -> Load:
        """A picture that was sent as it is; `name` stands for it in errors."""
        return lambda: self._loaded(data, name)

    def encoded(self, text: str, *, name: str = "the image") -> Load:
        """A picture that was sent as base64, with or without the head of a data URL."""

        def load() -> Image:
            body = text.partition(",")[2] if text.startswith("data:") else text
            try:
                data = base64.b64decode(body, validate=True)
            except (binascii.Error, ValueError) as error:  # ValueError: letters beyond ASCII
                raise NotAnImageError(name, "is not valid base64") from error
            return self._loaded(data, name)

        return load

    async def fetched(self, url: str) -> Load:
        """The picture behind an address.

        Raises:
            Refusal: it cannot be had, or too many are being waited for.
        """
        if self._fetches_left < 1:
            raise Refusal(503, "too many addresses are being fetched", code=BUSY, retry_after=1)
        self._fetches_left -= 1
        try:
            data = await asyncio.get_running_loop().run_in_executor(self._fetching, self._fetcher.fetch, url)
        except ImageError as error:
            raise of_picture(error) from error
        finally:
            self._fetches_left += 1
        return self.picture(data)

    async def one(self, entry: Entry, load: Load, receive: Receive) -> Answer:
        """The answer to one picture; raises what `ask` raises."""
        (answer,) = await self.ask(entry, [load], receive)
        return answer

    async def ask(self, entry: Entry, loads: Sequence[Load], receive: Receive) -> list[Answer]:
        """The answers of a model, in the order of the pictures.

        Args:
            receive: of the request, whose body has been read: what comes now is the client's hanging up.

        Raises:
            Refusal: there is no room in the line, a picture is none, or the model failed.
            GoneError: the client has hung up; what has not begun is dropped.
        """
        if len(loads) > entry.lane.most:
            reason = f"{len(loads)} pictures in one request, and no more than {entry.lane.most} are taken"
            raise Refusal(413, reason, code=TOO_LARGE)
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[None] = loop.create_future()
        group = Group(len(loads), done=lambda: _tell(loop, ended))
        now = self._workers.clock()
        try:
            self._workers.admit(entry, [Job(load, group, index, now) for index, load in enumerate(loads)])
        except FullError as full:
            self._metrics.refused(entry, len(loads))
            raise Refusal(
                503, "the model has more to do than it can: try again later", code=BUSY, retry_after=full.retry_after
            ) from None
        await self._wait(ended, receive, entry=entry, group=group)
        return [_answer(outcome) for outcome in group.outcomes]

    async def _wait(self, ended: asyncio.Future[None], receive: Receive, *, entry: Entry, group: Group) -> None:
        gone = asyncio.ensure_future(_hung_up(receive))
        try:
            await asyncio.wait((ended, gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            if not ended.done():
                group.abandoned = True
                self._metrics.abandoned(entry, len(group.outcomes))
        if not ended.done():
            raise GoneError

    def _loaded(self, data: bytes, name: str) -> Image:
        return images.load(data, name=name, max_bytes=len(data), max_pixels=self._max_pixels)


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _tell(loop: asyncio.AbstractEventLoop, ended: asyncio.Future[None]) -> None:
    def end() -> None:
        if not ended.done():
            ended.set_result(None)

    with suppress(RuntimeError):  # the server has been stopped, and with it the loop
        loop.call_soon_threadsafe(end)


def _answer(outcome: Answer | ImageError | None) -> Answer:
    match outcome:
        case None:
            raise Refusal(500, "the model failed on this picture; the log says how", code=FAILED)
        case ImageError():
            raise of_picture(outcome) from outcome
    return outcome
