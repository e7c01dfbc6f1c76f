"""A small Rekognition on loopback: it checks every request as the real service would, and answers from a script."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import ssl
import struct
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

KEY_ID = "AKIDDOUBLEDOUBLE"
SECRET = "a-secret-that-may-never-show-up"
REGION = "eu-west-1"
REQUEST_ID = "861427fb-a9e4-441a-9993-4bffe0db197f"


@dataclass(frozen=True)
class Reply:
    """One answer. `promise` is a Content-Length beyond the body, for an answer that breaks off."""

    status: int = 200
    body: bytes = b'{"TextDetections":[],"TextModelVersion":"3.0"}'
    content_type: str = "application/x-amz-json-1.1"
    headers: tuple[tuple[str, str], ...] = ()
    promise: int = 0


def error(code: str, *, status: int = 400, message: str = "no", **headers: str) -> Reply:
    """An error answer as the service words it."""
    body = json.dumps({"__type": code, "Code": code, "Message": message, "Logref": "l"}).encode()
    return Reply(status, body, headers=tuple((name.replace("_", "-"), value) for name, value in headers.items()))


HANG = "hang"
RESET = "reset"


@dataclass(frozen=True)
class Request:
    """What came in, with the picture decoded."""

    headers: dict[str, str]
    body: dict[str, Any]
    picture: bytes | None
    path: str


@dataclass
class Double:
    """`script` holds the coming replies; once it is empty, `reply` is the answer (None: the picture's digest)."""

    url: str = ""
    script: deque[Reply | str] = field(default_factory=deque)
    reply: Reply | None = field(default_factory=Reply)
    requests: list[Request] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)

    def reset(self) -> None:
        """As it was at the start, for the next test."""
        self.script.clear()
        self.requests.clear()
        self.reply = Reply()

    def next_reply(self, request: Request) -> Reply | str:
        if self.script:
            return self.script.popleft()
        return self.reply if self.reply is not None else Reply(body=digest_body(request.picture or b""))


def digest_body(picture: bytes) -> bytes:
    """An answer that only this picture gets."""
    text = hashlib.sha256(picture).hexdigest()
    return json.dumps({"TextDetections": [{"DetectedText": text, "Type": "LINE", "Id": 0}]}).encode()


@contextmanager
def rekognition_double(*, certificate: Path | None = None) -> Iterator[Double]:
    """A running double; at its end it complains about all that the real service would have refused."""
    double = Double()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(double))
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    double.url = f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield double
    finally:
        double.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()
    assert double.problems == []


def _handler(double: Double) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            double.problems += _problems(headers, self.path, data)
            body = json.loads(data)
            encoded = body.get("Image", {}).get("Bytes")
            request = Request(headers, body, base64.b64decode(encoded) if encoded else None, self.path)
            double.requests.append(request)
            self._send(double.next_reply(request))

        def _send(self, reply: Reply | str) -> None:
            if reply == HANG:
                double.closing.wait(10)
            if isinstance(reply, str):
                # Linger 0: closing sends a reset instead of an orderly end.
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
                self.close_connection = True
                return
            self.send_response(reply.status)
            for name, value in reply.headers:
                self.send_header(name, value)
            self.send_header("x-amzn-RequestId", REQUEST_ID)
            self.send_header("Content-Type", reply.content_type)
            self.send_header("Content-Length", str(reply.promise or len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)
            self.close_connection = self.close_connection or bool(reply.promise)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


def _problems(headers: dict[str, str], path: str, data: bytes) -> list[str]:
    """All that the real service would refuse about a request."""
    found = []
    if headers.get("x-amz-target") != "RekognitionService.DetectText":
        found.append(f"target {headers.get('x-amz-target')}")
    if headers.get("content-type") != "application/x-amz-json-1.1":
        found.append(f"content type {headers.get('content-type')}")
    scope = f"Credential={KEY_ID}/{headers.get('x-amz-date', '')[:8]}/{REGION}/rekognition/aws4_request"
    authorization = headers.get("authorization", "")
    if not authorization.startswith(f"AWS4-HMAC-SHA256 {scope},"):
        found.append(f"authorization {authorization}")
    elif not authorization.endswith(f"Signature={_signature(headers, data)}"):
        found.append("signature")
    return found + _image_problems(json.loads(data).get("Image", {}))


def _image_problems(image: dict[str, Any]) -> list[str]:
    if set(image) == {"S3Object"}:
        return [] if {"Bucket", "Name"} <= set(image["S3Object"]) else [f"S3 object {image}"]
    if set(image) != {"Bytes"}:
        return [f"image of {set(image)}"]
    picture = base64.b64decode(image["Bytes"], validate=True)
    known = picture.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"))
    return [] if known and len(picture) <= 5_242_880 else [f"{len(picture)} bytes that begin {picture[:8]!r}"]


def _signature(headers: dict[str, str], data: bytes) -> str:
    """AWS Signature Version 4 of the request, computed from the secret as the service does."""
    signed = headers["authorization"].split("SignedHeaders=")[1].split(",")[0]
    canonical_headers = "".join(f"{name}:{headers[name].strip()}\n" for name in signed.split(";"))
    canonical = f"POST\n/\n\n{canonical_headers}\n{signed}\n{hashlib.sha256(data).hexdigest()}"
    stamp = headers["x-amz-date"]
    scope = f"{stamp[:8]}/{REGION}/rekognition/aws4_request"
    to_sign = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"AWS4{SECRET}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
