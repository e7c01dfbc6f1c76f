"""Text of photographs, each read once: tests send the same few pictures again and again."""

from __future__ import annotations

import threading
from collections import OrderedDict

from cloudvision.emulator.reader import Reader
from cloudvision.images import Image
from cloudvision.results import Line

MAX_SIDE = 1280
"""Pixels of the longer side that the engine sees: larger photographs are read little better and take longer."""


class Photographs:
    """Reads pictures by their digest. Safe to share between threads.

    Args:
        reader: the engine.
        most: answers that are remembered; the one that was not asked for the longest is forgotten first.
    """

    def __init__(self, reader: Reader, *, most: int = 512) -> None:
        self._reader = reader
        self._most = most
        self._known: OrderedDict[str, tuple[Line, ...]] = OrderedDict()
        self._lock = threading.Lock()

    def lines(self, image: Image) -> tuple[Line, ...]:
        """The lines of text in a picture; see `Reader.read`.

        Raises:
            DamagedImageError: it does not decode.
            RejectedError: the engine cannot work on it.
            ConfigError: the engine is not installed.
        """
        with self._lock:
            if image.digest in self._known:
                self._known.move_to_end(image.digest)
                return self._known[image.digest]
        lines = self._reader.read(image.pixels(max_side=MAX_SIDE))
        with self._lock:
            self._known[image.digest] = lines
            if len(self._known) > self._most:
                self._known.popitem(last=False)
        return lines

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._known.clear()
