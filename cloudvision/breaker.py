"""What keeps a run from hammering a service that is down, and the run from failing meanwhile.

Closed, calls go out. After some failures in a row the breaker *opens*: nobody calls, everybody waits. When the cool-down
is over, one caller goes ahead as the probe. Where it fails, the next cool-down is twice as long; where it gets through,
the breaker closes and everybody goes on.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from cloudvision.errors import OutageError, UnavailableError

log = logging.getLogger(__name__)

_PROBE_POLL_S = 0.25
"""How often those who wait look whether the probe on its way has come back."""


@dataclass(frozen=True, slots=True)
class OutageBounds:
    """When a service counts as down, and how long that is waited for. Times are in seconds.

    Args:
        failures: so many `UnavailableError`s in a row open the breaker.
        cool_down_s: the first wait before a probe; each further one is twice as long.
        cool_down_max_s: the longest such wait; also the longest wish of the service ("Retry-After") that is met.
        longest_s: an outage of this length ends the run.
        one_picture_s: where all failures came with one and the same picture, nothing else was tried, and the service did
            take it, the picture may be the reason: after this time it fails, and the next one is the probe.
    """

    failures: int = 5
    cool_down_s: float = 5.0
    cool_down_max_s: float = 60.0
    longest_s: float = 900.0
    one_picture_s: float = 120.0


class CircuitBreaker:
    """Used by many threads: each asks `enter` before a call, and then says how it went with the ticket that it got.

    Args:
        name: of the service or account, for log and error.
        bounds: when it opens, how long it waits.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        name: str = "the service",
        *,
        bounds: OutageBounds = OutageBounds(),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._bounds = bounds
        self._clock = clock
        self._lock = threading.Lock()
        self._phase = 1  # a new number with every opening, closing and probe: what older tickets tell is stale
        self._failed = 0
        self._pictures: set[str] = set()  # that failed since the last success; two are as good as many
        self._untaken = False  # the service did not even take some of them
        self._opened: float | None = None
        self._cool_down = 0.0
        self._ready = 0.0
        self._probing = False
        self._open_before = 0.0

    def enter(self, picture: str = "", *, sleep: Callable[[float], None] = time.sleep) -> int:
        """Wait while the service is down; the ticket for one call about `picture`.

        Raises:
            OutageError: it is down for longer than the bounds allow.
            StoppedError: the injected sleep was told to stop.
        """
        while (wait := self.wait_s(picture)) > 0 or (ticket := self.try_enter()) is None:
            sleep(max(wait, _PROBE_POLL_S))
        return ticket

    def try_enter(self) -> int | None:
        """The ticket for one call; None while the service is down and this is not the moment for a probe."""
        with self._lock:
            if self._opened is not None:
                if self._probing or self._clock() < self._ready:
                    return None
                self._probing = True
                self._phase += 1
            return self._phase

    def wait_s(self, picture: str = "") -> float:
        """Seconds until the next probe may go out; 0 while closed. A picture that is under suspicion goes last.

        Raises:
            OutageError: the outage is longer than the bounds allow.
        """
        with self._lock:
            if self._opened is None:
                return 0.0
            now = self._clock()
            if not self._probing and now - self._opened >= self._bounds.longest_s:
                raise OutageError(
                    f"{self._name} has not answered for {now - self._opened:.0f} s; the same command or list goes on"
                    " where it was once the service is back",
                    provider=self._name,
                    billed=False,
                )
            ready = min(self._ready, self._opened + self._bounds.longest_s)
            if picture and self._pictures == {picture}:
                ready += 4 * _PROBE_POLL_S
            return _PROBE_POLL_S if self._probing else max(0.0, ready - now)

    def stands(self, ticket: int) -> bool:
        """Whether a call with this ticket may still go out: False when the service has gone down since."""
        with self._lock:
            return ticket == self._phase

    def succeeded(self, ticket: int) -> None:
        """The service answered, whatever it said of the picture."""
        with self._lock:
            if ticket != self._phase:
                return
            self._failed = 0
            self._pictures, self._untaken = set(), False
            if self._opened is not None:
                seconds = self._clock() - self._opened
                self._open_before += seconds
                self._opened, self._probing = None, False
                self._phase += 1
                log.warning("%s answers again after %.0f s", self._name, seconds)

    def failed(self, ticket: int, error: UnavailableError, *, picture: str = "") -> bool:
        """The service did not answer.

        Args:
            ticket: of this call.
            error: what came instead; its `retry_after` is met up to the longest cool-down.
            picture: what was asked about; "" where nobody can tell, which puts no picture under suspicion.

        Returns:
            True while the breaker is open: the failure tells of the outage, not of this picture, and is waited out.
        """
        with self._lock:
            if ticket != self._phase:
                return self._opened is not None
            self._failed += 1
            if len(self._pictures) < 2:
                self._pictures.add(picture)
            self._untaken = self._untaken or error.billed is False
            now = self._clock()
            if self._opened is None:
                if self._failed < self._bounds.failures:
                    return False
                self._opened, self._cool_down = now, self._bounds.cool_down_s
            else:
                self._cool_down = min(2 * self._cool_down, self._bounds.cool_down_max_s)
            wait = min(max(self._cool_down, error.retry_after or 0.0), self._bounds.cool_down_max_s)
            self._phase += 1
            self._probing = False
            self._ready = now + wait
            suspect = len(self._pictures) == 1 and "" not in self._pictures and not self._untaken
            if suspect and now - self._opened >= self._bounds.one_picture_s:
                self._ready = now
                return False
            log.warning("%s does not answer (%s); everybody waits, one probe in %.0f s", self._name, error, wait)
            return True

    def leave(self, ticket: int) -> None:
        """The ticket was not used, or the call told nothing: somebody else may be the probe."""
        with self._lock:
            if ticket == self._phase:
                self._probing = False

    def patience(self) -> float:
        """The clock without its outages: a source that waits one out loses none of its time."""
        with self._lock:  # one reading of the clock, so that this never runs backwards
            now = self._clock()
            return now - self._open_before - (0.0 if self._opened is None else now - self._opened)
