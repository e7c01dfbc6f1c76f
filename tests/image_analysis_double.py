"""Image Analysis on loopback: checks what the real service checks, records every request, answers by script."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

KEY = "0123456789abcdef0123456789abcdef"
TOKEN = "token-of-the-test"
BILLED = {"csp-billing-usage": "CognitiveServices.ComputerVision.Transaction=1"}

RESULTS: dict[str, tuple[str, object]] = {
    "caption": ("captionResult", {"text": "a sign", "confidence": 0.9}),
    "denseCaptions": ("denseCaptionsResult", {"values": []}),
    "tags": ("tagsResult", {"values": [{"name": "sign", "confidence": 1}]}),
    "objects": ("objectsResult", {"values": []}),
    "people": ("peopleResult", {"values": []}),
    "smartCrops": ("smartCropsResult", {"values": []}),
    "read": ("readResult", {"blocks": [{"lines": []}]}),
}


@dataclass(frozen=True)
class Seen:
    """A request as it came in; header names in lower case, one value for each name of the query."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """What to answer. `act` is "hang" (until the double closes), "reset", or "cut" (half of the body) for trouble."""

    status: int = 200
    body: bytes | str | Mapping[str, object] = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    act: str = "answer"

    def data(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()


def error(status: int, code: str, message: str, **headers: str) -> Reply:
    """An error answer of the documented shape; `retry_after` becomes the header Retry-After and so on."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    body = {"error": {"code": code, "message": message}}
    return Reply(status, body, {"content-type": "application/json", "apim-request-id": "id-of-error", **named})


class Double:
    """The server's memory: what came in, and what to answer next (then the usual answer)."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.seen: list[Seen] = []
        self.tokens = {TOKEN}
        self.closing = threading.Event()
        self._script: list[Reply] = []
        self._lock = threading.Lock()

    def answer(self, *replies: Reply) -> None:
        self._script.extend(replies)

    def reply_to(self, seen: Seen) -> Reply:
        with self._lock:
            self.seen.append(seen)
            if self._script:
                return self._script.pop(0)
        return self._complaint(seen) or self._usual(seen)

    def _complaint(self, seen: Seen) -> Reply | None:
        token = seen.headers.get("authorization", "").removeprefix("Bearer ")
        if seen.headers.get("ocp-apim-subscription-key") != KEY and token not in self.tokens:
            return error(401, "401", "Access denied: invalid key.")
        if seen.path != "/computervision/imageanalysis:analyze":
            return error(404, "404", "Resource not found")
        bodies = {"application/json": _is_url, "application/octet-stream": bool}
        wrong = [
            name
            for name, right in (
                ("api-version", seen.query.get("api-version") == "2023-10-01"),
                ("features", set(seen.query.get("features", "").split(",")) <= set(RESULTS)),
                ("content-type or body", bodies.get(seen.headers.get("content-type", ""), _never)(seen.body)),
            )
            if not right
        ]
        return error(400, "InvalidRequest", ", ".join(wrong)) if wrong else None

    def _usual(self, seen: Seen) -> Reply:
        results = dict(RESULTS[name] for name in seen.query["features"].split(","))
        # The length of the body tells answers of concurrent requests apart.
        body = {"modelVersion": "2023-10-01", "metadata": {"width": 100, "height": 80}, **results}
        headers = {"content-type": "application/json; charset=utf-8", "x-ms-region": "East US", **BILLED}
        return Reply(200, body, {**headers, "apim-request-id": f"id-{len(seen.body)}", "x-not-kept": "1"})


@contextmanager
def image_analysis_double(*, certificate_in: Path | None = None) -> Iterator[Double]:
    """A double on a free port of 127.0.0.1; with a folder, behind TLS, its certificate written there."""
    server = _Server(("127.0.0.1", 0), _Handler)
    if certificate_in is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*_self_signed(certificate_in))
        server.socket = context.wrap_socket(server.socket, server_side=True)
    double = Double(f"{'https' if certificate_in else 'http'}://127.0.0.1:{server.server_port}")
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


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """Silent: clients that hang up are part of the tests."""


def _self_signed(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that vouches for itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "double")])
    day, now = timedelta(days=1), datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - day, now + day)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(certificate.public_bytes(Encoding.PEM))
    files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return files


def _is_url(body: bytes) -> bool:
    return list(json.loads(body)) == ["url"]


def _never(body: bytes) -> bool:
    return False


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        double: Double = self.server.double  # type: ignore[attr-defined]
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = double.reply_to(Seen(parts.path, query, headers, body))
        if reply.act == "hang":
            double.closing.wait(30)
        elif reply.act == "reset":
            # Lingering for zero seconds turns the close into a reset.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        else:
            self._send(reply)

    def do_CONNECT(self) -> None:
        """As a proxy: note who was asked for, and refuse."""
        double: Double = self.server.double  # type: ignore[attr-defined]
        double.reply_to(Seen(self.path, {}, {}, b""))
        self.send_error(502)

    def _send(self, reply: Reply) -> None:
        data = reply.data()
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if reply.act == "cut" else data)

    def log_message(self, format: str, *args: object) -> None:
        """Silent: pytest shows what a failing test needs."""
