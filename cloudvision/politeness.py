"""How hard one host may be asked: connections at once, requests a second, and a pause where it asks for one."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from cloudvision.errors import FetchError
from cloudvision.limit import Limiter

LONGEST_PAUSE_S = 60.0
"""A host's Retry-After is obeyed up to this."""

_HOSTS_KEPT = 4096
_LOOK_UP_S = 0.25


class Politeness:
    """Turns at hosts, shared by all threads that download. Give `turn` to a `Fetcher`.

    A host is its name, whatever the port: redirects count for the host that they lead to. After a refusal with
    Retry-After nobody begins another request to that host for so long.

    Args:
        connections: downloads of one host at the same time, 1 or more.
        per_second: requests to one host in any second; None for no limit.
        clock: seconds, monotonic.
        sleep: waits that many seconds; may raise to end the wait (see `StopSignal.sleep`).
    """

    def __init__(
        self,
        *,
        connections: int = 8,
        per_second: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if connections < 1:
            raise ValueError(f"connections must be 1 or more, got {connections}")
        self._connections = connections
        self._per_second = per_second
        self._clock = clock
        self._sleep = sleep
        self._hosts: OrderedDict[str, _Host] = OrderedDict()
        self._lock = threading.Lock()

    @contextmanager
    def turn(self, url: str, _source: str = "") -> Iterator[None]:
        """Wait for a turn at the host of `url`, and hold it for the block."""
        host = self._enter(urlsplit(url).hostname or "")
        try:
            while not host.slots.acquire(timeout=_LOOK_UP_S):
                self._sleep(0.0)  # raises where somebody asked to stop
            try:
                host.limiter.acquire()
                yield
            except FetchError as error:
                if error.retry_after is not None:
                    host.limiter.pause(min(error.retry_after, LONGEST_PAUSE_S))
                raise
            finally:
                host.slots.release()
        finally:
            with self._lock:
                host.users -= 1

    def _enter(self, name: str) -> _Host:
        with self._lock:
            host = self._hosts.get(name)
            if host is None:
                limiter = Limiter(self._per_second, clock=self._clock, sleep=self._sleep)
                host = self._hosts[name] = _Host(self._connections, limiter)
            host.users += 1
            self._hosts.move_to_end(name)
            # A list may name millions of hosts. Those that nobody is at go first.
            if len(self._hosts) > _HOSTS_KEPT:
                idle = next((known for known, one in self._hosts.items() if one.users == 0), None)
                if idle is not None:
                    del self._hosts[idle]
            return host


class _Host:
    def __init__(self, connections: int, limiter: Limiter) -> None:
        self.slots = threading.Semaphore(connections)
        self.limiter = limiter
        self.users = 0
