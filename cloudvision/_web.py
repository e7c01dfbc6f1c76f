"""The HTTP server on a thread of its own, for every room that answers requests."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from cloudvision.errors import ConfigError


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that clients can connect to from now on; they wait until somebody serves them.

    Raises:
        ConfigError: the address is not ours, or taken.
    """
    try:
        listener = socket.create_server((host, port), backlog=1024, family=_family(host))
    except (OSError, OverflowError) as error:
        raise ConfigError(f"cannot listen on {host}:{port}: {error}") from error
    with listener:
        # Accepted sockets inherit it. asyncio would set it itself, but not where the protocol number is left out, as
        # `create_server` does; head and body of an answer then wait 40 ms for each other.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield listener


@contextmanager
def serving(
    app: ASGIApp,
    listener: socket.socket,
    *,
    protocol: type[HttpToolsProtocol],
    stopping: asyncio.Event,
    grace_s: int = 5,
    new_loop: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> Iterator[None]:
    """Serve `app` on `listener` for as long as the block lasts; `stopping` is set as it ends.

    Args:
        protocol: speaks HTTP on one connection.
        grace_s: seconds that requests have to come to their end; then they are broken off.
        new_loop: makes the event loop; None for asyncio's own, whose sockets take the options that a reset needs.
    """
    config = uvicorn.Config(
        app,
        http=protocol,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        lifespan="off",
        timeout_keep_alive=75,
        timeout_graceful_shutdown=grace_s,
    )
    server = uvicorn.Server(config)
    loops: list[asyncio.AbstractEventLoop] = []
    started = threading.Event()

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        started.set()
        await server.serve(sockets=[listener])

    def run() -> None:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(serve())

    thread = threading.Thread(target=run, name="web-server", daemon=True)
    thread.start()
    started.wait()
    try:
        yield
    finally:
        loops[0].call_soon_threadsafe(stopping.set)
        server.should_exit = True
        thread.join()


def reachable(host: str) -> str:
    """How a client on this machine writes the address."""
    everywhere = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "[::1]"}
    return everywhere.get(host, f"[{host}]" if ":" in host else host)


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
