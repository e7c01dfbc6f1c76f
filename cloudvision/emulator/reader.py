"""Text recognition for all services: the local engine, loaded once, in the background, and shared by all threads."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cloudvision.errors import ConfigError, RejectedError
from cloudvision.geometry import Polygon
from cloudvision.results import Line, Word

if TYPE_CHECKING:
    from cloudvision.providers._rapidocr import Engine


class Reader(Protocol):
    """Finds text in pixels, for many threads."""

    def read(self, pixels: NDArray[np.uint8], /) -> tuple[Line, ...]:
        """The lines in `pixels` (height, width, 3; RGB), in reading order, with their words.

        Places are fractions of the picture, clockwise from the top left of the text as it is read; confidence 0 to 1.

        Raises:
            RejectedError: the engine cannot work on this picture.
            ConfigError: the engine is not installed.
        """
        ...


class LocalReader:
    """The engine of the provider "local-ocr".

    Args:
        at_once: most pictures that are read at the same moment, each on one thread; others wait. Default: one a core.
    """

    def __init__(self, *, at_once: int | None = None) -> None:
        self._free = at_once or os.cpu_count() or 1
        self._turns = threading.Condition()
        self._lock = threading.Lock()
        self._engine: Engine | None = None
        self._stopped = False

    def read(self, pixels: NDArray[np.uint8], /) -> tuple[Line, ...]:
        """See `Reader.read`; the first call loads the engine if nobody has."""
        engine = self.load()
        with self._turn():
            try:
                found: Any = engine.read(pixels)
            except engine.failures as error:
                message = f"the engine gave up: {type(error).__name__}"
                raise RejectedError(message, provider="local-ocr") from error
        return tuple(
            Line(line["text"], line["confidence"], _outline(line), tuple(_word(word) for word in line["words"]))
            for line in found
        )

    def stop(self) -> None:
        """Refuse those who wait for their turn, so that they need not be waited for."""
        with self._turns:
            self._stopped = True
            self._turns.notify_all()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        with self._turns:
            self._turns.wait_for(lambda: self._free > 0 or self._stopped)
            if self._stopped:
                raise RejectedError("the emulator is going down", provider="local-ocr")
            self._free -= 1
        try:
            yield
        finally:
            with self._turns:
                self._free += 1
                self._turns.notify()

    def load(self) -> Engine:
        """The engine; takes a second or two the first time.

        Raises:
            ConfigError: it is not installed.
        """
        with self._lock:
            if self._engine is None:
                from cloudvision.providers._rapidocr import Engine

                self._engine = Engine(threads=1)
            return self._engine


class Warmth:
    """Whether the engine is there: loads it on a thread of its own, so that the server is up at once."""

    def __init__(self, reader: Reader) -> None:
        self._done = threading.Event()
        self._wrong = ""
        if isinstance(reader, LocalReader):
            threading.Thread(target=self._load, args=(reader,), daemon=True, name="emulator-engine").start()
        else:
            self._done.set()

    @property
    def state(self) -> str:
        """ "loading", "ready", or what is wrong with it."""
        if not self._done.is_set():
            return "loading"
        return self._wrong or "ready"

    def wait(self, timeout_s: float | None = None) -> str:
        """The state once loading has ended, or after `timeout_s` seconds."""
        self._done.wait(timeout_s)
        return self.state

    def _load(self, reader: LocalReader) -> None:
        try:
            reader.load()
        except ConfigError as error:
            self._wrong = str(error)
        finally:
            self._done.set()


def _word(word: Any) -> Word:
    return Word(word["text"], word["confidence"], _outline(word))


def _outline(entry: Any) -> Polygon:
    return Polygon(tuple((x, y) for x, y in entry["polygon"]))
