"""Custom Vision's prediction on loopback: records every request, answers by script, else with two tags."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from cloudvision.providers._options import Options
from cloudvision.providers.azure_custom_vision import AzureCustomVision
from tests.loopback import Request, Server, serving

KEY = "0123456789abcdef0123456789abcdef"
TOKEN = "token-of-the-test"
PROJECT = "18fd34c4-fbff-4533-a246-a4c1038a531d"
ITERATION = "0998c468-cf51-41f0-a215-09168637a169"
PUBLISHED = "v1.2.0"
BOX = {"left": 0.1, "top": -0.02, "width": 0.5, "height": 0.4}


def answer_of(*predictions: Mapping[str, object], **more: object) -> dict[str, object]:
    """A body as the service sends it."""
    head = {"id": "d588fff0-5567-484b-9235-8338f227c567", "project": PROJECT, "iteration": ITERATION}
    return {**head, "created": "2026-11-21T14:29:37.8081234Z", "predictions": list(predictions), **more}


def tag(name: str, probability: float, **more: object) -> dict[str, object]:
    return {"probability": probability, "tagId": "6876629c-96a3-4fef-88af-73153acd13a0", "tagName": name, **more}


@dataclass(frozen=True)
class Reply:
    """What to answer; `act` is "cut" (half of the body) or "reset" for trouble."""

    status: int = 200
    body: bytes | Mapping[str, object] = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    act: str = "answer"

    def data(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


def flat(status: int, code: str, message: str, **headers: str) -> Reply:
    """An error of the service itself."""
    return Reply(status, {"code": code, "message": message}, {"apim-request-id": "id-of-error", **headers})


def gateway(status: int, message: str, **headers: str) -> Reply:
    """An error of the gateway in front of it."""
    return Reply(status, {"error": {"code": str(status), "message": message}}, headers)


class Double:
    """The server's memory: what came in, and what to answer next (then the usual answer)."""

    def __init__(self) -> None:
        self.server: Server | None = None
        self.tokens = {TOKEN}
        self._script: list[Reply] = []
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        assert self.server is not None
        return self.server.url("")

    @property
    def seen(self) -> list[Request]:
        assert self.server is not None
        return self.server.requests

    def answer(self, *replies: Reply) -> None:
        self._script.extend(replies)

    def provider(self, **options: object) -> AzureCustomVision:
        settings = Options(**{"model": PUBLISHED, "timeout_s": 5.0, **options})  # type: ignore[arg-type]
        return AzureCustomVision(endpoint=self.url, key=KEY, project=PROJECT, options=settings)

    def handle(self, request: Request) -> None:
        with self._lock:
            reply = self._script.pop(0) if self._script else self._usual(request)
        if reply.act == "reset":
            raise OSError("hangs up")
        data = reply.data()
        length = {"content-length": str(len(data))} if reply.act == "cut" else {}
        sent = data[: len(data) // 2] if reply.act == "cut" else data
        request.answer(
            sent, status=f"{reply.status} X", **{"content_type": "application/json", **reply.headers, **length}
        )
        if reply.act == "cut":
            raise OSError("hangs up")

    def _usual(self, request: Request) -> Reply:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        given = request.headers.get("prediction-key", request.headers.get("training-key"))
        if given != KEY and token not in self.tokens:
            return gateway(401, "Access denied due to invalid subscription key or wrong API endpoint.")
        # The length of the body tells answers of concurrent requests apart.
        size = len(request.body)
        boxed = {"boundingBox": BOX} if "/detect/" in request.line else {}
        body = answer_of(tag("pear", 0.02, **boxed), tag(f"apple {size}", 0.98, **boxed))
        return Reply(200, body, {"apim-request-id": f"id-{size}", "x-not-kept": "1"})


@contextmanager
def custom_vision_double() -> Iterator[Double]:
    """A double on a free port of 127.0.0.1."""
    double = Double()
    with serving(double.handle) as server:
        double.server = server
        yield double
