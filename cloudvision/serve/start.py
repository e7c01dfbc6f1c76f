"""Start a server and stop it again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from cloudvision.errors import ConfigError
from cloudvision.fetch import Fetcher
from cloudvision.serve.settings import Settings

_FETCHES = 8
_FETCHES_WAITING = 32
_LONGEST_FETCH_S = 20.0
_TOGETHER = 16
"""So many of the largest bodies fit into memory at the same time."""


@dataclass(frozen=True, slots=True)
class Serving:
    """A server that runs.

    Args:
        url: where, as clients on this machine write it.
        models: what, as "name:version, kind, pictures a batch".
    """

    url: str
    models: tuple[str, ...]


@contextmanager
def running(
    models: Sequence[str],
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    settings: Settings | None = None,
) -> Iterator[Serving]:
    """Serve models over HTTP for as long as the block lasts; requests that have begun are answered before it ends.

    Args:
        models: what to serve, see `opening.py`; the first one answers where a protocol names none.
        host: the address to listen on; anything but loopback lets others in.
        port: 0 takes a free one.

    Raises:
        ConfigError: the extra is not installed, a model cannot be opened, or the address cannot be listened on.
    """
    try:
        import httptools  # noqa: F401
        import prometheus_client  # noqa: F401
        import python_multipart  # noqa: F401
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise ConfigError(f"serving needs a web server ({error}): pip install 'cloudvision-gate[serve]'") from error
    from cloudvision._web import listening, reachable, serving
    from cloudvision.serve.app import App
    from cloudvision.serve.bodies import Bodies
    from cloudvision.serve.catalog import Catalog
    from cloudvision.serve.front import Front
    from cloudvision.serve.http import Bounded
    from cloudvision.serve.loading import describe, load_entries
    from cloudvision.serve.metrics import Metrics
    from cloudvision.serve.workers import Workers

    how = settings or Settings()
    with listening(host, port) as listener:
        catalog, metrics = Catalog(load_entries(models, how)), Metrics()
        entries = tuple(catalog)
        url = f"http://{reachable(host)}:{listener.getsockname()[1]}"
        with (
            Fetcher(
                allow_private_hosts=how.allow_private_hosts, max_bytes=how.max_body, total_timeout_s=_LONGEST_FETCH_S
            ) as fetcher,
            ThreadPoolExecutor(_FETCHES, thread_name_prefix="serve-fetch") as fetching,
            Workers(entries, threads=how.hands, watch=metrics) as workers,
        ):
            metrics.watch_lines(entries, workers.waiting)
            bodies = Bodies(most=how.max_body, together=_TOGETHER * how.max_body, timeout_s=how.body_timeout_s)
            front = Front(
                workers,
                metrics=metrics,
                max_pixels=how.max_pixels,
                fetcher=fetcher,
                fetching=fetching,
                most_fetches=_FETCHES_WAITING,
            )
            app = App(catalog, bodies=bodies, front=front, metrics=metrics, api_key=how.api_key)
            with serving(app.asgi, listener, protocol=Bounded, stopping=app.stopping, grace_s=how.grace_s):
                yield Serving(url, tuple(describe(entry) for entry in entries))
