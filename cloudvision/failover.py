"""Several accounts, regions or keys of one capability as one provider.

::

    east, west = (AzureImageAnalysis(endpoint=..., key=...) for ... in ...)
    Pipeline(Failover([("east", east), ("west", west)]))

Each call goes to the account with the most free quota. One that does not answer is left alone by its own circuit
breaker, one that refuses our key is taken out; the run ends when none is left. The answer says which one gave it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from cloudvision.breaker import CircuitBreaker
from cloudvision.errors import CloudVisionError, ConfigError, ProviderError, ThrottledError, UnavailableError
from cloudvision.images import Image, Remote
from cloudvision.limit import Limiter
from cloudvision.provider import Provider
from cloudvision.raw import Raw
from cloudvision.results import Analysis

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Account:
    name: str
    provider: Provider
    limiter: Limiter
    breaker: CircuitBreaker


class Failover:
    """A `Provider` made of accounts that give the same answers.

    One `call` pays at most once: after a failure that may have been billed, the error is raised, and the next attempt
    goes to another account. After a failure that certainly cost nothing, the next account is asked at once.

    Args:
        accounts: (name, provider) pairs; the names stand in results and logs, and are no secrets.
        limiters: the quota of each account by its name; adaptive ones where nothing is given.
        clock: seconds, monotonic.
        sleep: waits for a turn; hand over `StopSignal.sleep` so that Ctrl-C ends it.

    Raises:
        ConfigError: no accounts, a name twice, or providers whose name or fingerprint differ: their answers could not
            stand for each other in the ledger.
    """

    def __init__(
        self,
        accounts: Iterable[tuple[str, Provider]],
        *,
        limiters: Mapping[str, Limiter] | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        pairs, given = tuple(accounts), dict(limiters or {})
        _check(pairs, given)
        self._accounts = [
            _Account(
                name,
                provider,
                given.get(name) or Limiter(adaptive=True, bucket=name, clock=clock, sleep=sleep),
                CircuitBreaker(f"{provider.name} account {name}", clock=clock),
            )
            for name, provider in pairs
        ]
        self._first = pairs[0][1]
        self.name = self._first.name
        self.fingerprint = self._first.fingerprint
        self._sleep = sleep
        self._turn = 0
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"Failover({self.name!r}, accounts={self.accounts!r})"

    @property
    def accounts(self) -> tuple[str, ...]:
        """Names of the accounts that have not been taken out."""
        with self._lock:
            return tuple(account.name for account in self._accounts)

    def call(self, image: Image | Remote, /) -> Raw:
        """Ask one account; see the class for when a second one is asked.

        Raises:
            ProviderError: of the account that was asked last; a fatal one only when no account is left.
            UnavailableError: no account may be asked now; nothing was sent.
        """
        raw, name = self._ask(image, lambda provider: provider.call(image))
        return replace(raw, account=name)

    def _ask(self, image: Image | Remote, send: Callable[[Provider], T]) -> tuple[T, str]:
        """What `send` got of an account, and the name of that account."""
        tried: set[str] = set()
        last: ProviderError | None = None
        while (chosen := self._choose(tried)) is not None:
            account, ticket, number = chosen
            tried.add(account.name)
            try:
                got = send(account.provider)
            except CloudVisionError as error:
                if not isinstance(error, ProviderError) and not error.fatal:
                    raise  # the picture cannot be sent: no account could
                last = self._learn(account, ticket, number, error, picture=image.digest or image.source)
                if last.billed is not False or not (error.fatal or error.retryable):
                    raise last from error
            else:
                account.limiter.answered()
                account.breaker.succeeded(ticket)
                return got, account.name
            finally:
                account.breaker.leave(ticket)
        raise last or UnavailableError(
            f"{self.name}: none of the accounts {', '.join(self.accounts)} answers", provider=self.name, billed=False
        )

    def parse(self, raw: Raw, /) -> Analysis:
        """Read an answer of any of them."""
        return self._first.parse(raw)

    def worst_cost(self, image: Image | Remote, /) -> int:
        """The most that one call can cost on the dearest of them, in micros of a US dollar."""
        return max(account.provider.worst_cost(image) for account in tuple(self._accounts))

    def cost(self, raw: Raw, /) -> int:
        """What this answer cost, in micros of a US dollar."""
        return self._first.cost(raw)

    def _choose(self, tried: set[str]) -> tuple[_Account, int, int] | None:
        """An account with its tickets, once one has a turn; None where all were tried or are down."""
        while True:
            waits = []
            for account in self._by_free_quota(tried):
                if (ticket := account.breaker.try_enter()) is None:
                    continue
                turn = account.limiter.try_acquire()
                if turn.wait_s == 0:
                    return account, ticket, turn.number
                account.breaker.leave(ticket)
                waits.append(turn.wait_s)
            if not waits:
                return None
            self._sleep(min(waits))

    def _by_free_quota(self, tried: set[str]) -> list[_Account]:
        with self._lock:
            self._turn += 1  # among equals they take turns
            count, first = len(self._accounts), self._turn
            rotated = [self._accounts[(first + n) % count] for n in range(count)]
        return sorted((a for a in rotated if a.name not in tried), key=lambda a: -a.limiter.free())

    def _learn(
        self, account: _Account, ticket: int, number: int, error: CloudVisionError, *, picture: str
    ) -> ProviderError:
        """Tell the account's limiter and breaker; what the caller is to be told."""
        if error.fatal:
            return self._take_out(account, error)
        assert isinstance(error, ProviderError)
        if isinstance(error, UnavailableError):
            account.breaker.failed(ticket, error, picture=picture)
            return error
        account.breaker.succeeded(ticket)
        if isinstance(error, ThrottledError):
            account.limiter.throttled(number, retry_after=error.retry_after)
        else:
            account.limiter.answered()
        return error

    def _take_out(self, account: _Account, error: CloudVisionError) -> ProviderError:
        with self._lock:
            others = [other for other in self._accounts if other is not account]
            if not others:
                raise error
            if len(others) < len(self._accounts):
                log.warning("%s: account %s is taken out: %s", self.name, account.name, error)
            self._accounts = others
        billed = error.billed if isinstance(error, ProviderError) else False
        return UnavailableError(f"account {account.name}: {error}", provider=self.name, billed=billed)


def _check(pairs: tuple[tuple[str, Provider], ...], limiters: Mapping[str, Limiter]) -> None:
    names = [name for name, _ in pairs]
    if not names or len(set(names)) < len(names):
        raise ConfigError(f"failover needs accounts with different names, got {', '.join(names) or 'none'}")
    if unknown := sorted(set(limiters) - set(names)):
        raise ConfigError(f"limiters for accounts that are not there: {', '.join(unknown)}")
    first = pairs[0][1]
    for name, provider in pairs[1:]:
        if (provider.name, provider.fingerprint) != (first.name, first.fingerprint):
            raise ConfigError(
                f"accounts {names[0]} and {name} give different answers ({first.name}, {provider.name}): give them the same"
                " provider and the same settings"
            )
