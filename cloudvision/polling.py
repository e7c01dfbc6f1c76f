"""Waiting for the end of a long-running operation: politely, within a deadline, and never by submitting again."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from cloudvision.errors import ResultLostError, ThrottledError, UnavailableError, UnfinishedError

T = TypeVar("T")


class Turns(Protocol):
    """What is needed of a limiter; polls have one of their own, apart from that of the calls."""

    def acquire(self) -> int: ...
    def answered(self) -> None: ...
    def throttled(self, number: int, *, retry_after: float | None = None) -> None: ...


@dataclass(frozen=True, slots=True)
class NotYet:
    """The operation goes on. `retry_after`: seconds that the service asks to wait, None when it says nothing."""

    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Polling:
    """How to wait. All times are in seconds; one serves many threads.

    Args:
        turns: a limiter of polls; None for no limit.
        first_s: until the first poll. An account with one request a second is throttled by a poll right after the
            submission.
        interval_s: between two polls where the service names no time; each wait is half as long again.
        interval_max_s: the longest of these waits. A longer wish of the service is met.
        longest_s: no poll begins later than this after the first wait began.
        failures: most polls in a row that may fail. Each is free: what is waited for has been accepted.
        clock: seconds, monotonic.
        sleep: waits that many seconds; may raise to end the wait (see `StopSignal.sleep`).
    """

    turns: Turns | None = None
    first_s: float = 1.0
    interval_s: float = 1.0
    interval_max_s: float = 5.0
    longest_s: float = 1800.0
    failures: int = 5
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def wait(self, poll: Callable[[], T | NotYet], *, provider: str) -> T:
        """Poll until there is an answer.

        Args:
            poll: asks once.
            provider: registry name, for errors.

        Raises:
            UnfinishedError: no answer within the bounds; it can still be had later.
            ProviderError: what `poll` raised and waiting cannot help.
        """
        until, wait, interval, failed = self.clock() + self.longest_s, self.first_s, self.interval_s, 0
        while True:
            if self.clock() + wait > until:
                raise _unfinished(provider, f"is not finished after {self.longest_s:.0f} s")
            self.sleep(wait)
            try:
                found = self._in_turn(poll)
            except ThrottledError as error:
                wait = max(interval, error.retry_after or 0.0)
            except ResultLostError:
                raise
            except UnavailableError as error:
                failed += 1
                if failed >= self.failures:
                    raise _unfinished(provider, f"cannot be asked for ({error})") from error
                wait = max(interval, error.retry_after or 0.0)
            else:
                if not isinstance(found, NotYet):
                    return found
                failed = 0
                wait = max(self.interval_s, found.retry_after) if found.retry_after is not None else interval
            interval = min(1.5 * interval, self.interval_max_s)

    def _in_turn(self, poll: Callable[[], T | NotYet]) -> T | NotYet:
        if self.turns is None:
            return poll()
        number = self.turns.acquire()
        try:
            found = poll()
        except ThrottledError as error:
            self.turns.throttled(number, retry_after=error.retry_after)
            raise
        self.turns.answered()
        return found


def _unfinished(provider: str, what: str) -> UnfinishedError:
    return UnfinishedError(
        f"{provider}: an analysis that the service has accepted {what}; the same command takes its answer later",
        provider=provider,
    )
