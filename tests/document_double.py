"""Document Intelligence on loopback: checks what the real service checks, keeps operations, answers by script."""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit

from cloudvision.errors import StoppedError
from cloudvision.stop import StopSignal
from tests.image_analysis_double import Reply, _Server, error

KEY = "fedcba9876543210fedcba9876543210"
TOKEN = "token-of-the-test"
_ANALYZE = re.compile(r"/formrecognizer/documentModels/([^/:]+):analyze")
_RESULT = re.compile(r"/formrecognizer/documentModels/([^/]+)/analyzeResults/([^/]+)")


@dataclass(frozen=True)
class Seen:
    """A request as it came in; header names in lower case, one value for each name of the query."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


def running(**headers: str) -> Reply:
    """The answer to a poll that comes too early; `retry_after` becomes the header Retry-After."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(200, {"status": "running"}, {"content-type": "application/json", **named})


def failure(code: str, inner: str, message: str) -> Reply:
    """The answer to a poll whose analysis has failed: status 200."""
    body = {"code": code, "message": message, "innererror": {"code": inner, "message": message}}
    return Reply(200, {"status": "failed", "error": body}, {"content-type": "application/json"})


def inner(status: int, code: str, inner_code: str, message: str) -> Reply:
    """An error answer with a code behind its code."""
    told = {"code": code, "message": message, "innererror": {"code": inner_code, "message": message}}
    return Reply(status, {"error": told}, {"content-type": "application/json", "apim-request-id": "id-of-error"})


def result(text: str, *, model: str = "prebuilt-read", pages: int = 1) -> dict[str, object]:
    """An analysis with that text on every page."""
    box = [10, 10, 90, 10, 90, 20, 10, 20]
    span = {"offset": 0, "length": len(text)}
    page = {
        "angle": 0,
        "width": 100,
        "height": 80,
        "unit": "pixel",
        "words": [{"content": text, "polygon": box, "confidence": 0.9, "span": span}],
        "lines": [{"content": text, "polygon": box, "spans": [span]}],
        "spans": [span],
    }
    return {
        "apiVersion": "2023-07-31",
        "modelId": model,
        "stringIndexType": "unicodeCodePoint",
        "content": text,
        "pages": [{"pageNumber": number, **page} for number in range(1, pages + 1)],
    }


@dataclass
class Watch:
    """A clock whose `sleep` moves it, and remembers."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class Patient(StopSignal):
    """Never really sleeps; may be thrown at a chosen sleep."""

    def __init__(self, watch: Watch, *, thrown_after: int | None = None) -> None:
        super().__init__()
        self._watch, self._left = watch, thrown_after

    def child(self) -> StopSignal:
        return self

    def sleep(self, seconds: float) -> None:
        if self._left is not None:
            self._left -= 1
            if self._left < 0:
                raise StoppedError("stopped on request")
        self._watch.sleep(seconds)


@dataclass
class Double:
    """The server's memory: what came in, what is accepted, and what to answer next (then the usual answer)."""

    url: str
    seen: list[Seen] = field(default_factory=list)
    pages: int = 1
    operations: dict[str, int] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=lambda: {TOKEN})
    on_request: Callable[[Seen], None] = lambda seen: None
    closing: threading.Event = field(default_factory=threading.Event)
    posts_script: list[Reply] = field(default_factory=list)
    polls_script: list[Reply] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def posts(self) -> list[Seen]:
        return [seen for seen in self.seen if seen.method == "POST"]

    @property
    def polls(self) -> list[Seen]:
        return [seen for seen in self.seen if seen.method == "GET"]

    def answer(self, *replies: Reply) -> None:
        """Answer the next submissions so."""
        self.posts_script.extend(replies)

    def answer_polls(self, *replies: Reply) -> None:
        """Answer the next polls so."""
        self.polls_script.extend(replies)

    def reply_to(self, seen: Seen) -> Reply:
        self.on_request(seen)
        with self._lock:
            self.seen.append(seen)
            script = self.posts_script if seen.method == "POST" else self.polls_script
            if script:
                return script.pop(0)
        token = seen.headers.get("authorization", "").removeprefix("Bearer ")
        if seen.headers.get("ocp-apim-subscription-key") != KEY and token not in self.tokens:
            return error(401, "401", "Access denied due to invalid subscription key or wrong API endpoint.")
        if seen.query.get("api-version") != "2023-07-31":
            return inner(400, "InvalidRequest", "NotSupportedApiVersion", "The api-version is not supported.")
        return self._accept(seen) if seen.method == "POST" else self._tell(seen)

    def _accept(self, seen: Seen) -> Reply:
        found = _ANALYZE.fullmatch(seen.path)
        kinds = ("application/octet-stream", "application/json")
        if found is None or seen.headers.get("content-type") not in kinds or not seen.body:
            return error(404, "404", "Resource not found")
        if seen.query.get("stringIndexType") != "unicodeCodePoint":
            return inner(400, "InvalidArgument", "InvalidParameter", "The parameter StringIndexType is invalid")
        number = str(uuid.uuid4())
        with self._lock:
            self.operations[number] = len(seen.body)
        where = f"{self.url}/formrecognizer/documentModels/{found[1]}/analyzeResults/{number}?api-version=2023-07-31"
        return Reply(202, b"", {"operation-location": where, "apim-request-id": number})

    def _tell(self, seen: Seen) -> Reply:
        found = _RESULT.fullmatch(seen.path)
        if found is None or found[2] not in self.operations:
            return inner(404, "NotFound", "OperationNotFound", "The requested operation was not found.")
        size = self.operations[found[2]]
        # The length of the document tells answers of concurrent requests apart.
        told = result(f"text of {size} bytes", model=found[1], pages=self.pages)
        body = {"status": "succeeded", "analyzeResult": told}
        return Reply(
            200, body, {"content-type": "application/json", "apim-request-id": f"id-{size}", "x-not-kept": "1"}
        )


@contextmanager
def document_double() -> Iterator[Double]:
    """A double on a free port of 127.0.0.1."""
    server = _Server(("127.0.0.1", 0), _Handler)
    double = Double(f"http://127.0.0.1:{server.server_port}")
    server.double = double  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield double
    finally:
        double.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self._handle("POST")

    def do_GET(self) -> None:
        self._handle("GET")

    def _handle(self, method: str) -> None:
        double: Double = self.server.double  # type: ignore[attr-defined]
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = double.reply_to(Seen(method, parts.path, query, headers, body))
        if reply.act == "hang":
            double.closing.wait(30)
            return
        data = reply.data()
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if reply.act == "cut" else data)

    def log_message(self, format: str, *args: object) -> None:
        """Silent: pytest shows what a failing test needs."""
