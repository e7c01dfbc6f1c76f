"""Everything behind the socket, put together."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from cloudvision._web import reachable, serving
from cloudvision.fetch import Fetcher
from cloudvision.serve.app import App
from cloudvision.serve.bodies import Bodies
from cloudvision.serve.catalog import Catalog, Entry
from cloudvision.serve.front import Front
from cloudvision.serve.http import Bounded, new_loop
from cloudvision.serve.loading import describe
from cloudvision.serve.metrics import Metrics
from cloudvision.serve.serving import Serving
from cloudvision.serve.settings import Settings
from cloudvision.serve.workers import Workers

_FETCHES = 8
_FETCHES_WAITING = 32
_LONGEST_FETCH_S = 20.0
_TOGETHER = 16
"""So many of the largest bodies may be held at the same time."""


@contextmanager
def serve_entries(
    entries: Iterable[Entry], listener: socket.socket, *, host: str, settings: Settings
) -> Iterator[Serving]:
    """Serve models that are open already, for as long as the block lasts.

    Raises:
        ConfigError: there is none, or two of one name and version.
    """
    catalog, metrics = Catalog(entries), Metrics()
    known = tuple(catalog)
    with (
        Fetcher(
            allow_private_hosts=settings.allow_private_hosts,
            max_bytes=settings.max_body,
            total_timeout_s=_LONGEST_FETCH_S,
        ) as fetcher,
        ThreadPoolExecutor(_FETCHES, thread_name_prefix="serve-fetch") as fetching,
        Workers(known, threads=settings.hands, watch=metrics) as workers,
    ):
        metrics.watch_lines(known, workers.waiting)
        front = Front(
            workers,
            metrics=metrics,
            max_pixels=settings.max_pixels,
            fetcher=fetcher,
            fetching=fetching,
            most_fetches=_FETCHES_WAITING,
        )
        bodies = Bodies(
            most=settings.max_body, together=_TOGETHER * settings.max_body, timeout_s=settings.body_timeout_s
        )
        app = App(catalog, bodies=bodies, front=front, metrics=metrics, api_key=settings.api_key)
        url = f"http://{reachable(host)}:{listener.getsockname()[1]}"
        with serving(
            app.asgi, listener, protocol=Bounded, stopping=app.stopping, grace_s=settings.grace_s, new_loop=new_loop
        ):
            yield Serving(url, tuple(describe(entry) for entry in known))
