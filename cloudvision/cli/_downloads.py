"""Downloads as the flags want them: guarded, polite, and with robots.txt where asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from cloudvision.fetch import Fetcher, Turn
from cloudvision.politeness import Politeness
from cloudvision.robots import MAX_BYTES, Robots


@dataclass(frozen=True, slots=True)
class Downloads:
    """What the flags say.

    Args:
        allow_private_hosts: URLs may lead to private addresses.
        timeout_s: seconds that one download may take.
        connections: to one host at the same time.
        per_second: requests to one host; None for no limit.
        robots: obey robots.txt.
    """

    allow_private_hosts: bool = False
    timeout_s: float = 60.0
    connections: int = 8
    per_second: float | None = None
    robots: bool = False

    @contextmanager
    def open(self, *, sleep: Callable[[float], None]) -> Iterator[Fetcher]:
        """A fetcher for all threads. `sleep` waits for turns, and may raise to end the wait."""
        turn: Turn = Politeness(connections=self.connections, per_second=self.per_second, sleep=sleep).turn
        private, timeout_s = self.allow_private_hosts, self.timeout_s
        # robots.txt is fetched in a turn of the same host, by a fetcher of its own that asks for no permission.
        with Fetcher(allow_private_hosts=private, total_timeout_s=timeout_s, max_bytes=MAX_BYTES, turn=turn) as asking:
            turn = Robots(asking.fetch).before(turn) if self.robots else turn
            with Fetcher(allow_private_hosts=private, total_timeout_s=timeout_s, turn=turn) as fetcher:
                yield fetcher
