"""Sockets that lead to checked addresses, within the time that a download has left.

The address that is checked is the address that is connected to, whatever DNS answers next.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass

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
