"""Talk goes to stderr, so that stdout carries results alone."""

from __future__ import annotations

import logging

from rich.console import Console
from rich.markup import escape

from cloudvision._printable import visible

stderr = Console(stderr=True, highlight=False, soft_wrap=True)


class Logged(logging.Handler):
    """Log lines above the progress bar, where a plain stream would write into it."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one line."""
        say(escape(self.format(record)))


def say(text: str) -> None:
    """Print one message with rich markup to stderr."""
    stderr.print(visible(text))
