"""Where the outcomes of a run go: a file, or standard output for people or for a pipe."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cloudvision import sources
from cloudvision.cli._show import Lines
from cloudvision.errors import ConfigError
from cloudvision.sinks import JsonLines, Sink, open_sink


def open_output(path: Path | None, *, provider: str, names: tuple[str, ...]) -> Sink:
    """The sink for `path`; without one, lines on a terminal and JSON lines into a pipe.

    Raises:
        ConfigError: the file cannot be written, or is one of the lists in `names`.
    """
    if path is not None:
        if any(sources.list_file(name) == path.resolve() for name in names):
            raise ConfigError(f"{path} is the list that is read; write to another file")
        return open_sink(path, provider=provider)
    if sys.stdout.isatty():
        return Lines()
    return JsonLines(sys.stdout, provider=provider)


@contextmanager
def writing(path: Path | None) -> Iterator[None]:
    """Turn the system's refusal to write, a full disk above all, into one of our errors."""
    try:
        yield
    except BrokenPipeError:
        raise  # whoever reads has enough
    except OSError as exc:
        raise ConfigError(f"cannot write {path or 'to standard output'}: {exc.strerror}") from exc
