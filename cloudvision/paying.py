"""The paid part of the line: reserve, wait for a turn, call, and book what it came to."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from cloudvision.asking import Attempt
from cloudvision.breaker import CircuitBreaker
from cloudvision.case import Case
from cloudvision.errors import (
    CloudVisionError,
    ProviderError,
    RejectedError,
    ThrottledError,
    UnavailableError,
    UncertainError,
)
from cloudvision.images import Image, Remote
from cloudvision.ledger import Busy, Reservation, Stored, Uncertain
from cloudvision.ledger_store import LedgerStore
from cloudvision.limit import Limiter
from cloudvision.policy import Policy
from cloudvision.polling import Polling
from cloudvision.provider import Provider
from cloudvision.stop import StopSignal
from cloudvision.telemetry import Telemetry

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Payer:
    """Makes one call at a time for many threads; its fields are those of the pipeline that made it."""

    provider: Provider
    ledger: LedgerStore
    run_id: int | None
    policy: Policy
    limiter: Limiter
    breaker: CircuitBreaker
    stop: StopSignal
    telemetry: Telemetry
    began: float
    polls: Limiter

    def pay(self, case: Case, image: Image | Remote) -> tuple[Stored, bool]:
        """One attempt as the retry policy counts them: what fails in an outage is waited out and does not count."""
        while True:
            self.stop.check()
            ticket = self.breaker.enter(case.key, sleep=self.stop.sleep)
            try:
                if (got := self._claim_and_call(case, image, ticket)) is not None:
                    return got
            except UnavailableError as error:
                if error.fatal or not self.breaker.failed(ticket, error, picture=case.key):
                    raise
            finally:
                self.breaker.leave(ticket)

    def _claim_and_call(self, case: Case, image: Image | Remote, ticket: int) -> tuple[Stored, bool] | None:
        """The answer and whether it was paid for now; None to come back, with another ticket."""
        claim = self.ledger.reserve(
            case.key,
            source=case.source,
            provider=self.provider.name,
            worst=self.provider.worst_cost(image),
            run=self.run_id,
            budget=self.policy.budget,
            uncertain=self.policy.uncertain,
            newer_than=self.began if case.call_again else None,
        )
        match claim:
            case Stored():
                return claim, False
            case Uncertain():
                raise UncertainError(
                    f"{case.source}: an earlier call was cut off and may have been billed; it was not repeated"
                )
            case Busy():
                self.breaker.leave(ticket)
                self.ledger.wait_for_change(0.25)
                return None
            case Reservation():
                if claim.left is not None:
                    self.telemetry.budget_left(claim.provider, claim.left)
                stored = self._call(claim, case, image, ticket)
                return None if stored is None else (stored, True)

    def _call(self, held: Reservation, case: Case, image: Image | Remote, ticket: int) -> Stored | None:
        attempt, sent = Attempt(held), held.pending is not None
        try:
            number = 0 if sent else self.limiter.acquire()  # what is accepted already takes no turn of the calls
            if not self.breaker.stands(ticket):  # the service went down while this call waited for its turn
                (self.ledger.leave_uncertain if sent else self.ledger.release)(held)
                return None
            sent = True
            with self._telling(ticket, number):
                polling = Polling(self.polls, sleep=self.stop.sleep)
                raw = self.telemetry.call(
                    lambda: attempt.ask(self.provider, image, ledger=self.ledger, polling=polling),
                    provider=self.provider.name,
                )
        except RejectedError as error:
            if error.fatal:
                self._book(attempt, error)
                raise
            cost = held.worst if error.billed else 0
            self.telemetry.billed(held.provider, cost=cost, units=None)
            return self.ledger.reject(held, error_type=type(error).__name__, error=str(error), cost=cost)
        except CloudVisionError as error:
            self._book(attempt, error)
            raise
        except BaseException:
            # A bug or an interrupt: once it may have been sent, nobody knows whether it was billed.
            (self.ledger.leave_uncertain if sent else self.ledger.release)(held)
            raise
        cost = self.provider.cost(raw)
        self.telemetry.billed(held.provider, cost=cost, units=raw.units)
        return self.ledger.settle(held, raw, cost=cost, entry=replace(case.entry("analysed"), cost=cost))

    def _book(self, attempt: Attempt, error: CloudVisionError) -> None:
        held = attempt.held
        billed = error.billed if isinstance(error, ProviderError) else False
        if attempt.accepted is not None:
            log.info("%s: accepted by the service, and its answer can still be had: %s", held.source, error)
            self.ledger.leave_uncertain(held)
        elif billed is None:
            log.warning("%s: cut off, may have been billed; kept as uncertain: %s", held.source, error)
            self.ledger.leave_uncertain(held)
        elif billed:
            self.telemetry.billed(held.provider, cost=held.worst, units=None)
            self.ledger.charge(held, cost=held.worst)
        else:
            self.ledger.release(held)

    @contextmanager
    def _telling(self, ticket: int, number: int) -> Iterator[None]:
        """Tell limiter and breaker how the call went; an outage the caller asks the breaker about by itself."""
        try:
            yield
        except ThrottledError as error:
            asked, most = error.retry_after, self.policy.retry.retry_after_max_s
            self.limiter.throttled(number, retry_after=None if asked is None else min(asked, most))
            self.breaker.succeeded(ticket)
            raise
        except UnavailableError:
            raise
        except ProviderError:
            self.limiter.answered()
            self.breaker.succeeded(ticket)
            raise
        self.limiter.answered()
        self.breaker.succeeded(ticket)
