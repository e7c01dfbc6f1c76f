"""Servers on this machine for the download tests: scripted answers, TLS with a certificate of our own, a proxy."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

Handler = Callable[["Request"], None]


@dataclass
class Request:
    """One request, and the socket to answer on."""

    line: str
    headers: dict[str, str]
    sock: socket.socket
    body: bytes = b""

    def answer(self, body: bytes = b"", *, status: str = "200 OK", **headers: str) -> None:
        """A complete answer; `content_length="..."` in the headers overrides the true length."""
        lines = {"content-length": str(len(body))} | {k.replace("_", "-"): v for k, v in headers.items()}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self.sock.sendall(f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body)


@dataclass
class Server:
    host: str
    port: int
    requests: list[Request] = field(default_factory=list)
    connections: int = 0

    def url(self, path: str = "/a.jpg", *, scheme: str = "http", host: str | None = None) -> str:
        return f"{scheme}://{host or self.host}:{self.port}{path}"


@contextlib.contextmanager
def serving(handler: Handler, *, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """A keep-alive server that hands every request to `handler`; a handler that raises OSError ends the connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Server("127.0.0.1", listener.getsockname()[1])
        threads: list[threading.Thread] = []
        open_sockets: list[socket.socket] = []

        def accept() -> None:
            while True:
                try:
                    sock, _ = listener.accept()
                except OSError:
                    return
                server.connections += 1
                open_sockets.append(sock)
                threads.append(threading.Thread(target=_serve, args=(sock, handler, server, tls), daemon=True))
                threads[-1].start()

        acceptor = threading.Thread(target=accept, daemon=True)
        acceptor.start()
        try:
            yield server
        finally:
            # Closing alone does not wake a thread that waits in accept or recv; shutting down does.
            _hang_up(listener)
            acceptor.join(5)
            for sock in open_sockets:
                _hang_up(sock)
            for thread in threads:
                thread.join(5)


def _serve(sock: socket.socket, handler: Handler, server: Server, tls: ssl.SSLContext | None) -> None:
    try:
        with sock if tls is None else tls.wrap_socket(sock, server_side=True) as wire, wire.makefile("rb") as lines:
            while request := _read_request(lines, wire):
                server.requests.append(request)
                handler(request)
    except (OSError, ValueError):
        pass  # the other side went away, which many tests are about
    finally:
        sock.close()


def _read_request(lines: object, sock: socket.socket) -> Request | None:
    line = lines.readline().decode().strip()  # type: ignore[attr-defined]
    headers = {}
    while row := lines.readline().decode().strip():  # type: ignore[attr-defined]
        name, _, value = row.partition(":")
        headers[name.lower()] = value.strip()
    body = lines.read(int(headers.get("content-length", 0)))  # type: ignore[attr-defined]
    return Request(line, headers, sock, body) if line else None


def _hang_up(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):  # not connected any more
        sock.shutdown(socket.SHUT_RDWR)
    sock.close()


def tunnel(request: Request) -> None:
    """A proxy's handler: CONNECT to the port on 127.0.0.1, whatever the host's name; other requests are answered."""
    if not request.line.startswith("CONNECT "):
        request.answer(b"through the proxy")
        return
    port = int(request.line.split()[1].rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as there:
        request.sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        ends = {request.sock: there, there: request.sock}
        while ready := select.select(list(ends), [], [], 5)[0]:
            for sock in ready:
                data = sock.recv(65536)
                if not data:
                    raise OSError("the tunnel is closed")
                ends[sock].sendall(data)


def certificate(folder: Path, *, names: tuple[str, ...]) -> tuple[ssl.SSLContext, Path]:
    """A server's TLS context, and the bundle with the authority that signed its certificate."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    now = datetime.datetime.now(datetime.UTC)
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test authority")])

    def builder(subject: x509.Name, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        made = x509.CertificateBuilder().subject_name(subject).issuer_name(authority).public_key(public)
        made = made.serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
        return made.not_valid_after(now + datetime.timedelta(days=1))

    root = builder(authority, authority_key.public_key())
    root = root.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
    root = root.add_extension(usage, critical=True)
    key_id = x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key())
    signed_root = root.add_extension(key_id, critical=False).sign(authority_key, hashes.SHA256())
    leaf = builder(x509.Name([]), key.public_key())
    alternatives = [_general_name(x509, name) for name in names]
    leaf = leaf.add_extension(x509.SubjectAlternativeName(alternatives), critical=True)
    leaf = leaf.add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(key_id), critical=False)
    signed = leaf.sign(authority_key, hashes.SHA256())

    pem, private = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (folder / "ca.pem").write_bytes(signed_root.public_bytes(pem))
    (folder / "server.pem").write_bytes(
        key.private_bytes(pem, private, serialization.NoEncryption()) + signed.public_bytes(pem)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return context, folder / "ca.pem"


def _general_name(x509: object, name: str) -> object:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))  # type: ignore[attr-defined]
    except ValueError:
        return x509.DNSName(name)  # type: ignore[attr-defined]
