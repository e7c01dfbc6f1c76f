"""Talk goes to stderr, so that stdout carries results alone."""

from __future__ import annotations

from rich.console import Console

stderr = Console(stderr=True, highlight=False, soft_wrap=True)


def say(text: str) -> None:
    """Print one message with rich markup to stderr."""
    stderr.print(text)
