"""What the tests of the server share: a client, pictures of one colour, and a model that can be held back."""

from __future__ import annotations

import base64
import io
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import urllib3
from PIL import Image as Pillow

from cloudvision.errors import ImageError
from cloudvision.images import Image
from cloudvision.results import Label
from cloudvision.serve import Serving, Settings
from cloudvision.serve.answer import Answer

pytest.importorskip("starlette", reason="needs the extra serve")
pytest.importorskip("prometheus_client", reason="needs the extra serve")

OCTETS = {"Content-Type": "application/octet-stream"}


def picture(colour: str = "red", *, size: tuple[int, int] = (40, 30), format: str = "PNG") -> bytes:
    """A picture of one colour."""
    stream = io.BytesIO()
    Pillow.new("RGB", size, colour).save(stream, format)
    return stream.getvalue()


def in_base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """Talks to a server; may be used by several threads."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._pool = urllib3.PoolManager(maxsize=16, retries=False, timeout=20.0)

    def get(self, path: str, **headers: str) -> Reply:
        return self._reply(self._pool.request("GET", self.url + path, headers=headers))

    def post(self, path: str, body: Any = b"", headers: Mapping[str, str] | None = None) -> Reply:
        """Bytes go as they are, everything else as JSON."""
        data = body if isinstance(body, bytes) or hasattr(body, "__next__") else json.dumps(body).encode()
        return self._reply(self._pool.request("POST", self.url + path, body=data, headers=headers or {}))

    def upload(self, path: str, *files: tuple[str, str, bytes]) -> Reply:
        """A form of (field, file name, bytes)."""
        fields = [(name, (filename, data)) for name, filename, data in files]
        return self._reply(self._pool.request("POST", self.url + path, fields=fields))

    def close(self) -> None:
        self._pool.clear()

    @staticmethod
    def _reply(response: urllib3.BaseHTTPResponse) -> Reply:
        return Reply(response.status, response.headers, response.data)


@contextmanager
def client_of(serving: Serving) -> Iterator[Client]:
    client = Client(serving.url)
    try:
        yield client
    finally:
        client.close()


@dataclass(eq=False)
class HeldBack:
    """A model that begins to work when it is let go; it counts what it has prepared, and the batches it has run."""

    go: threading.Event = field(default_factory=threading.Event)
    begun: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    prepared: list[str] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    alone: list[bool] = field(default_factory=list)
    kind = "classify"
    labels = ("one",)
    sentences: Mapping[str, str] = field(default_factory=dict)
    background = None
    size = (8, 8)
    threshold = None

    def prepare(self, image: Image) -> Image:
        self.prepared.append(image.digest)
        return image

    def run(self, batch: Sequence[Image], *, alone: bool) -> Sequence[Answer | ImageError]:
        self.alone.append(alone)
        self.begun.release()
        assert self.go.wait(20)
        self.batches.append(len(batch))
        return [Answer(image.width, image.height, labels=(Label("one", 1.0),)) for image in batch]


@contextmanager
def serving_held_back(model: Any, *, batch: int = 1, settings: Settings) -> Iterator[Client]:
    """A server with one model named "held"."""
    from cloudvision._web import listening
    from cloudvision.serve.catalog import Entry
    from cloudvision.serve.lane import Lane
    from cloudvision.serve.server import serve_entries

    hands = settings.hands
    lane = Lane(
        most=settings.queue,
        batch=batch,
        delay_s=settings.max_delay_s,
        patient=True,
        hands=hands,
        at_once=hands,
        seconds=0.5,
    )
    entries = [Entry("held", "1", model, lane)]
    with (
        listening("127.0.0.1", 0) as listener,
        serve_entries(entries, listener, host="127.0.0.1", settings=settings) as serving,
        client_of(serving) as client,
    ):
        yield client


def lined_up(client: Client, count: int) -> None:
    """Wait until that many pictures stand in the line."""
    wanted = f'cloudvision_serve_line_pictures{{model="held",version="1"}} {float(count)}'
    for _ in range(2000):
        if wanted in client.get("/metrics").body.decode():
            return
    pytest.fail(f"never {count} in the line:\n{client.get('/metrics').body.decode()}")
