"""Text recognition on this machine with RapidOCR: needs no account, no network and no money."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from cloudvision.errors import ConfigError, NotAnImageError, RejectedError, UnexpectedAnswerError
from cloudvision.geometry import Polygon
from cloudvision.images import Image, Remote
from cloudvision.providers._json_read import Object, UnreadableError, a_list, a_number, an_object, number_of, text_of
from cloudvision.providers._options import Options
from cloudvision.raw import Raw
from cloudvision.results import Analysis, Line, Provenance, Word

if TYPE_CHECKING:
    from cloudvision.providers._rapidocr import Engine

FORMAT = 1
"""Version of our own body format and of what we do to a picture before it is read."""


class LocalOcr:
    """Provider "local-ocr".

    The body of its `Raw` is JSON of our own::

        {"format": 1, "engine": "rapidocr 3.10.0 PP-OCRv6_det_small PP-OCRv6_rec_small", "lines": [
            {"text": "NO ENTRY", "confidence": 0.98, "polygon": [[x, y], [x, y], [x, y], [x, y]], "words": [
                {"text": "NO", "confidence": 0.99, "polygon": [...]}, ...]}, ...]}

    with places as fractions of the upright picture, clockwise from the top left of the text as it is read. A word is
    what spaces separate; Chinese and Japanese lines are therefore one word. A word's place comes from the columns of
    the recogniser in which its characters were found, and is exact to about one character.

    Args:
        max_side: larger pictures are shrunk to this many pixels on the longer side before they are read. Smaller is
            faster and misses small print; text should keep 12 pixels of height.
        threads: threads that one call uses; many calls at once share one set of models, so 1 is best for batches.
        clock: seconds, monotonic.
        now: seconds since the epoch.
    """

    name = "local-ocr"

    def __init__(
        self,
        *,
        max_side: int = 1280,
        threads: int = 1,
        clock: Callable[[], float] = time.perf_counter,
        now: Callable[[], float] = time.time,
    ) -> None:
        if max_side < 32 or threads < 1:
            raise ConfigError(f"{self.name}: max_side must be at least 32 and threads at least 1")
        self.fingerprint = f"rapidocr PP-OCRv6-small format={FORMAT} max_side={max_side}"
        self._max_side = max_side
        self._threads = threads
        self._clock = clock
        self._now = now
        self._engine: Engine | None = None
        self._lock = threading.Lock()

    @classmethod
    def from_env(cls, options: Options, *, env: Mapping[str, str]) -> LocalOcr:  # noqa: ARG003 - nothing to read there
        """Set up with the defaults; it has no settings and reads no variable."""
        options.refuse_unknown(cls.name, frozenset({"features"}))
        if set(options.features) - {"read"}:
            raise ConfigError(f"{cls.name} has one feature, read; not {', '.join(options.features)}")
        return cls()

    def __repr__(self) -> str:
        return f"LocalOcr(max_side={self._max_side}, threads={self._threads})"

    def call(self, image: Image | Remote, /) -> Raw:
        """Read the picture.

        Raises:
            ConfigError: the extra is not installed, or the picture is not on this machine.
            NotAnImageError: it is a PDF.
            DamagedImageError: the picture does not decode.
            RejectedError: the engine cannot work on it.
        """
        if isinstance(image, Remote):
            raise ConfigError(f"{self.name} reads pictures on this machine only, not {image.source}")
        if image.format == "PDF":
            raise NotAnImageError(image.source, f"a PDF document, and {self.name} reads pictures")
        engine = self._loaded()
        started = self._clock()
        pixels = image.pixels(max_side=self._max_side)
        try:
            lines = engine.read(pixels)
        except engine.failures as error:
            message = f"{self.name}: the engine gave up on {image.source}: {type(error).__name__}"
            raise RejectedError(message, provider=self.name) from error
        body = {"format": FORMAT, "engine": engine.name, "lines": lines}
        return Raw(
            json.dumps(body, ensure_ascii=False),
            latency_s=self._clock() - started,
            received_at=self._now(),
            width=image.width,
            height=image.height,
        )

    def parse(self, raw: Raw, /) -> Analysis:
        """Read our own body.

        Raises:
            RejectedError: a status other than 2xx, which this engine never gives.
            UnexpectedAnswerError: the body is not of our format.
        """
        if not 200 <= raw.status < 300:
            raise RejectedError(f"{self.name}: status {raw.status}", provider=self.name, status=raw.status)
        try:
            body = an_object(json.loads(raw.body))
            lines = tuple(_line(an_object(entry)) for entry in a_list(body.get("lines")))
            engine = text_of(body, "engine")
        except (ValueError, RecursionError) as error:
            message = f"{self.name}: the body is not of our format: {error}"
            raise UnexpectedAnswerError(message, provider=self.name, status=raw.status, billed=False) from None
        return Analysis(
            width=raw.width,
            height=raw.height,
            lines=lines,
            provenance=Provenance(self.name, model_version=engine, latency_s=raw.latency_s),
        )

    def worst_cost(self, image: Image | Remote, /) -> int:  # noqa: ARG002 - it is free
        """0 micros."""
        return 0

    def cost(self, raw: Raw, /) -> int:  # noqa: ARG002 - it is free
        """0 micros."""
        return 0

    def _loaded(self) -> Engine:
        from cloudvision.providers._rapidocr import Engine

        with self._lock:
            if self._engine is None:
                self._engine = Engine(threads=self._threads)
            return self._engine


def _line(entry: Object) -> Line:
    words = tuple(_word(an_object(word)) for word in a_list(entry.get("words", ())))
    return Line(text_of(entry, "text"), number_of(entry, "confidence"), _polygon(entry), words)


def _word(entry: Object) -> Word:
    return Word(text_of(entry, "text"), number_of(entry, "confidence"), _polygon(entry))


def _polygon(entry: Object) -> Polygon:
    points = [a_list(point) for point in a_list(entry.get("polygon"))]
    if any(len(point) != 2 for point in points):
        raise UnreadableError("a point without x and y")
    return Polygon(tuple((a_number(point[0]), a_number(point[1])) for point in points))
