"""urllib3 with two seams: who connects a socket, and how long a read may take.

Both hold on every way a request can take, since they sit at the socket: the address that is checked is the address that is
connected to, whatever DNS answers next, and the deadline of the whole download also ends a server that sends its headers
one byte a second.
"""

from __future__ import annotations

import functools
import http.client
import io
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from cloudvision._address import Resolver, is_public, literal
from cloudvision.errors import BlockedAddressError, FetchError

Connector = Callable[[tuple[str, int], float], socket.socket]
"""((address, port), time-out in seconds) -> connected socket."""


@dataclass(slots=True)
class Job:
    """The download that a thread is at."""

    source: str
    """Printable URL."""

    deadline: float
    """On the injected clock, seconds."""


class Wire(threading.local):
    """What connections ask of the Fetcher that owns them. `job` is each thread's own."""

    job: Job

    def __init__(
        self,
        *,
        resolver: Resolver,
        connector: Connector,
        clock: Callable[[], float],
        allow_private_hosts: bool,
    ) -> None:
        # threading.local calls this once a thread, with the same arguments.
        self.resolver = resolver
        self.connector = connector
        self.clock = clock
        self.allow_private_hosts = allow_private_hosts

    def remaining(self, limit: float) -> float:
        """`limit` seconds, or what is left of the download's time where that is less.

        Raises:
            FetchError: nothing is left.
        """
        left = self.job.deadline - self.clock()
        if left <= 0:
            raise FetchError(self.job.source, "took longer than the total time-out", transient=True)
        return min(limit, left)

    def addresses(self, host: str, port: int) -> list[str]:
        """Where `host` is; every one of its addresses is public, or private hosts are allowed.

        Raises:
            BlockedAddressError: at least one address is not public.
            OSError: the name does not resolve.
        """
        known = literal(host)
        found = [str(known)] if known is not None else list(self.resolver(host, port))
        if not found:
            raise OSError(f"{host} has no address")
        for text in found if not self.allow_private_hosts else ():
            address = literal(text.partition("%")[0])
            if address is None or "%" in text or not is_public(address):
                shown = host if known is not None else f"{host} ({text})"
                reason = f"{shown} is not a public address; allow_private_hosts (--allow-private-hosts) lifts this"
                raise BlockedAddressError(self.job.source, reason)
        return found

    def connect(self, host: str, port: int, connect_timeout_s: float) -> socket.socket:
        """A socket connected to one of the checked addresses, tried in their order."""
        last: OSError | None = None
        for address in self.addresses(host, port):
            try:
                return self.connector((address, port), self.remaining(connect_timeout_s))
            except OSError as error:
                last = error
        assert last is not None
        raise last


def resolve(host: str, port: int) -> list[str]:
    """The addresses of `host` by the system's resolver, in its order."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def connect(address: tuple[str, int], timeout_s: float) -> socket.socket:
    """A TCP connection without Nagle's delay."""
    made = socket.create_connection(address, timeout=timeout_s)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def direct_pools(wire: Wire, **options: Any) -> urllib3.PoolManager:
    """Pools of keep-alive connections that go to the servers themselves, each address checked."""
    made = urllib3.PoolManager(**options)
    made.pool_classes_by_scheme = _pool_classes(wire, checked=True)
    return made


def proxied_pools(wire: Wire, proxy: str, *, tls: ssl.SSLContext, **options: Any) -> urllib3.ProxyManager:
    """Pools of connections to a proxy, whose own address may be private: the user has named it."""
    parts = urllib3.util.parse_url(proxy)
    headers = urllib3.make_headers(proxy_basic_auth=parts.auth) if parts.auth else None
    bare = parts._replace(auth=None).url
    made = urllib3.ProxyManager(bare, proxy_headers=headers, proxy_ssl_context=tls, ssl_context=tls, **options)
    made.pool_classes_by_scheme = _pool_classes(wire, checked=False)
    return made


def _pool_classes(wire: Wire, *, checked: bool) -> Any:
    return {
        "http": functools.partial(_Pool, wire=wire, checked=checked),
        "https": functools.partial(_TlsPool, wire=wire, checked=checked),
    }


class _Wired:
    """What both kinds of connection do differently from urllib3's own."""

    host: str
    port: int
    sock: Any

    def __init__(self, *args: Any, wire: Wire, checked: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        self._wire = wire
        self._checked = checked
        self.response_class = functools.partial(_response, wire)

    def _new_conn(self) -> socket.socket:
        timeout = urllib3.Timeout.resolve_default_timeout(self.timeout)  # type: ignore[attr-defined]
        if self._checked:
            return self._wire.connect(self.host, self.port, timeout or 10.0)
        return connect((self.host, self.port), self._wire.remaining(timeout or 10.0))


class _Connection(_Wired, HTTPConnection):  # type: ignore[misc]
    pass


class _TlsConnection(_Wired, HTTPSConnection):  # type: ignore[misc]
    pass


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


def _response(wire: Wire, sock: Any, **options: Any) -> Any:
    return http.client.HTTPResponse(_TimedSocket(sock, wire), **options)  # type: ignore[arg-type]


class _TimedSocket:
    """The part of a socket that an HTTP response uses."""

    def __init__(self, sock: Any, wire: Wire) -> None:
        self._sock = sock
        self._wire = wire

    def makefile(self, mode: str) -> io.BufferedReader:
        assert mode == "rb"
        return io.BufferedReader(_TimedReader(self._sock, self._wire), 65536)


class _TimedReader(io.RawIOBase):
    """Reads with the time-out of one read, or with what is left for the whole download where that is less."""

    def __init__(self, sock: Any, wire: Wire) -> None:
        self._sock = sock
        self._wire = wire
        self._limit: float = sock.gettimeout() or 30.0
        # The socket counts the files made of it, and stays open until the last is closed.
        self._file = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._wire.remaining(self._limit))
        return self._file.readinto(buffer)  # type: ignore[no-any-return]

    def close(self) -> None:
        self._file.close()
        super().close()
