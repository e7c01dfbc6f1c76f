"""A server that runs, in the hand of whoever started it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Serving:
    """A server that runs.

    Args:
        url: where, as clients on this machine write it.
        models: what, a line for people each: name, version, kind, and how many pictures make a batch.
    """

    url: str
    models: tuple[str, ...]
