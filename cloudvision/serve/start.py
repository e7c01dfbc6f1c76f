"""Start a server and stop it again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from cloudvision.errors import ConfigError
from cloudvision.serve.serving import Serving
from cloudvision.serve.settings import Settings


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
    from cloudvision._web import listening
    from cloudvision.serve.loading import load_entries
    from cloudvision.serve.server import serve_entries

    how = settings or Settings()
    with listening(host, port) as listener:
        entries = load_entries(models, how)
        with serve_entries(entries, listener, host=host, settings=how) as serving:
            yield serving
