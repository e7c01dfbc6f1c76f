"""DetectText on loopback that can be told to misbehave, and keeps a bill of its own.

The bill is written from the requests alone: one unit for each picture that was answered with status 200, under the SHA-256
of its bytes. It knows nothing of our ledger.
"""

from __future__ import annotations

import base64
import collections
import hashlib
import json
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ANSWER = {"TextDetections": [{"DetectedText": "two words", "Type": "LINE", "Id": 0, "Confidence": 99.0}]}


@dataclass
class Service:
    """What the server does and what it saw.

    Args:
        throttled: share of requests that are answered with a throttling error.
        latency_s: seconds before each answer.
        quota: requests a second in any window of one second; more are throttled.
    """

    throttled: float = 0.0
    latency_s: float = 0.0
    quota: int | None = None
    url: str = ""
    requests: int = 0
    refused: int = 0
    bill: collections.Counter[str] = field(default_factory=collections.Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)
    draw: random.Random = field(default_factory=lambda: random.Random(5))
    starts: collections.deque[float] = field(default_factory=collections.deque)

    def admit(self) -> bool:
        """Count a request; False when it is to be throttled."""
        with self.lock:
            self.requests += 1
            now = time.monotonic()
            while self.starts and self.starts[0] <= now - 1:
                self.starts.popleft()
            over = self.quota is not None and len(self.starts) >= self.quota
            if over or self.draw.random() < self.throttled:
                self.refused += 1
                return False
            self.starts.append(now)
            return True


@contextmanager
def running(service: Service) -> Iterator[Service]:
    """The service on a port of its own."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            digest = hashlib.sha256(base64.b64decode(body["Image"]["Bytes"])).hexdigest()
            if not service.admit():
                code = "ProvisionedThroughputExceededException"
                self.answer(400, {"__type": code, "Code": code, "Message": "slow down"})
                return
            time.sleep(service.latency_s)
            with service.lock:
                service.bill[digest] += 1
            self.answer(200, ANSWER)

        def answer(self, status: int, body: object) -> None:
            data = json.dumps(body).encode()
            try:
                self.send_response(status)
                self.send_header("Content-Type", "application/x-amz-json-1.1")
                self.send_header("x-amzn-RequestId", "00000000")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
            except (BrokenPipeError, ConnectionResetError):
                pass  # the caller was killed: billed all the same

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 256

        def handle_error(self, *_: object) -> None:
            pass  # killed callers reset their connections

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        service.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield service
        finally:
            server.shutdown()
