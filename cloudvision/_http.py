"""urllib3 with two seams, both at the socket: who connects it, and how long a read may take.

So they hold on every way that a request can take, and the deadline of the whole download also ends a server that sends
its headers one byte a second.
"""

from __future__ import annotations

import functools
import http.client
import io
import socket
import ssl
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from cloudvision._wire import Wire, connect


def direct_pools(wire: Wire, **options: Any) -> urllib3.PoolManager:
    """Pools of keep-alive connections that go to the servers themselves, each address checked."""
    made = urllib3.PoolManager(**options)
    made.pool_classes_by_scheme = _pool_classes(wire, checked=True)
    return made


def proxied_pools(wire: Wire, proxy: str, *, ssl_context: ssl.SSLContext, **options: Any) -> urllib3.ProxyManager:
    """Pools of connections to a proxy, whose own address may be private: the user has named it."""
    parts = urllib3.util.parse_url(proxy)
    headers = urllib3.make_headers(proxy_basic_auth=parts.auth) if parts.auth else None
    bare = parts._replace(auth=None).url
    options |= {"ssl_context": ssl_context, "proxy_ssl_context": ssl_context}
    made = urllib3.ProxyManager(bare, proxy_headers=headers, **options)
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
    return _Response(_TimedSocket(sock, wire), **options)  # type: ignore[arg-type]


class _Response(http.client.HTTPResponse):
    def begin(self) -> None:
        super().begin()
        # urllib3 logs a warning with the whole URL, signature included, where a header could not be read.
        self.headers.defects.clear()
        self.headers.set_payload("")


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
