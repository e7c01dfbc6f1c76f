"""A provider that asks nobody: for your own tests, for dry runs, and for measuring everything around a call."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from cloudvision.errors import ProviderError, RejectedError, UnexpectedAnswerError
from cloudvision.geometry import Box, Polygon
from cloudvision.images import Image, Remote
from cloudvision.providers._options import Options
from cloudvision.raw import Raw
from cloudvision.results import Analysis, Line, Provenance, Word

Answer = Raw | Analysis | ProviderError
"""What a call can come to: the raw answer, one given as its meaning, or an error."""


class Fake:
    """Provider "fake". Without arguments every picture has one line of text, "picture" and the start of its digest.

    Args:
        answers: what to answer for a picture, by its digest (for a `Remote` without one: by its `source`).
        script: outcomes of the first calls, whichever pictures they are for; None stands for the usual answer.
        latency_s: seconds that each call takes.
        price: what each call costs, in micros (millionths of a US dollar).
        record: keep the `source` of every call in `sources`; off by default, for it grows with every call.
        fingerprint: give two fakes different ones where their answers differ.
        sleep: waits for `latency_s`.
        now: seconds since the epoch.

    Example::

        fake = Fake(script=[ThrottledError("slow down", provider="fake", retry_after=2.0), None])
        Pipeline(fake).run("photo.jpg")
        assert fake.calls == 2
    """

    name = "fake"

    def __init__(
        self,
        *,
        answers: Mapping[str, Answer] | None = None,
        script: Iterable[Answer | None] = (),
        latency_s: float = 0.0,
        price: int = 0,
        record: bool = False,
        fingerprint: str = "1",
        sleep: Callable[[float], object] = time.sleep,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.fingerprint = fingerprint
        self.sources: list[str] = []
        self._answers = dict(answers or {})
        self._script = iter(script)
        self._latency_s = latency_s
        self._price = price
        self._record = record
        self._sleep = sleep
        self._now = now
        self._calls = 0
        self._lock = threading.Lock()

    @classmethod
    def from_env(cls, options: Options, *, env: Mapping[str, str]) -> Fake:  # noqa: ARG003 - nothing to read there
        """The plain fake; it has no settings and reads no variable."""
        options.refuse_unknown(cls.name, frozenset())
        return cls()

    def __repr__(self) -> str:
        return f"Fake(calls={self.calls})"

    @property
    def calls(self) -> int:
        """How many calls there were, failed ones included."""
        with self._lock:
            return self._calls

    def call(self, image: Image | Remote, /) -> Raw:
        """The scripted outcome, or the one in `answers`, or one made of the digest.

        Raises:
            ProviderError: where an error is scripted.
        """
        named = image.digest or image.source
        with self._lock:
            self._calls += 1
            if self._record:
                self.sources.append(image.source)
            scripted = next(self._script, None)
        if self._latency_s:
            self._sleep(self._latency_s)
        answer = scripted or self._answers.get(named) or _made_up(named)
        if isinstance(answer, ProviderError):
            raise answer.with_traceback(None)  # the same one may be raised many times
        if isinstance(answer, Analysis):
            answer = Raw(json.dumps(answer.to_json(), ensure_ascii=False), received_at=self._now(), units=1)
            width, height = (image.width, image.height) if isinstance(image, Image) else (None, None)
            answer = replace(answer, latency_s=self._latency_s, width=width, height=height)
        return answer

    def parse(self, raw: Raw, /) -> Analysis:
        """Read a body that is `Analysis.to_json` as text.

        Raises:
            RejectedError: a status other than 2xx.
            UnexpectedAnswerError: anything else.
        """
        if not 200 <= raw.status < 300:
            raise RejectedError(f"fake: status {raw.status}", provider=self.name, status=raw.status)
        try:
            analysis = Analysis.from_json(json.loads(raw.body))
        except (ValueError, RecursionError) as error:
            message = f"fake: the body is not an analysis: {error}"
            raise UnexpectedAnswerError(message, provider=self.name, status=raw.status, billed=True) from None
        if analysis.width is None:
            analysis = replace(analysis, width=raw.width, height=raw.height)
        return analysis.with_provenance(Provenance(self.name, self.fingerprint, latency_s=raw.latency_s))

    def worst_cost(self, image: Image | Remote, /) -> int:  # noqa: ARG002 - every picture costs the same
        """The price given, in micros."""
        return self._price

    def cost(self, raw: Raw, /) -> int:  # noqa: ARG002 - every answer costs the same
        """The price given, in micros."""
        return self._price


def _made_up(named: str) -> Analysis:
    """One line of two words; where it stands depends on the picture too, so that mixed-up answers show."""
    mark = hashlib.sha256(named.encode()).digest()
    top, middle = round(mark[0] / 255 * 0.9, 4), round(0.3 + mark[1] / 255 * 0.4, 4)
    first = Word("picture", 0.99, Polygon.of_box(Box(0.1, top, middle - 0.1, 0.1)))
    second = Word(named[:8], 0.95, Polygon.of_box(Box(middle, top, 0.9 - middle, 0.1)))
    whole = Polygon.of_box(Box(0.1, top, 0.8, 0.1))
    return Analysis(lines=(Line(f"picture {named[:8]}", 0.97, whole, (first, second)),))
