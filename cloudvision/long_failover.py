"""Failover for providers whose service answers later: whoever has accepted a document is asked for its answer."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from cloudvision.errors import (
    CloudVisionError,
    ConfigError,
    ProviderError,
    ResultLostError,
    UncertainError,
    UnfinishedError,
)
from cloudvision.failover import Failover
from cloudvision.images import Image, Remote
from cloudvision.limit import Limiter
from cloudvision.pending import Pending
from cloudvision.polling import Polling
from cloudvision.provider import LongRunning, Provider, ReadsDocuments
from cloudvision.raw import Raw

log = logging.getLogger(__name__)


class LongRunningFailover(Failover):
    """A `Failover` that submits and resumes; its arguments are those of `Failover`.

    Raises:
        ConfigError: one of the providers answers at once.
    """

    def __init__(
        self,
        accounts: Iterable[tuple[str, Provider]],
        *,
        limiters: Mapping[str, Limiter] | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        pairs = tuple(accounts)
        self._later = {name: provider for name, provider in pairs if isinstance(provider, LongRunning)}
        super().__init__(pairs, limiters=limiters, clock=clock, sleep=sleep)
        if len(self._later) < len(pairs):
            raise ConfigError(f"{self.name} answers at once: use Failover")
        first = pairs[0][1]
        self.document_formats = first.document_formats if isinstance(first, ReadsDocuments) else frozenset[str]()

    def submit(self, image: Image | Remote, /) -> Pending:
        """Let one account accept a document; `Failover.call` says when a second one is asked, and what is raised."""

        def send(provider: Provider) -> Pending:
            assert isinstance(provider, LongRunning)
            return provider.submit(image)

        pending, name = self._ask(image, send)
        return replace(pending, account=name)

    def resume(self, pending: Pending, /, polling: Polling | None = None) -> Raw:
        """Wait for the answer of the account that accepted it, also of one that has been taken out since.

        Raises:
            UnfinishedError: it is not there yet; it can still be had.
            UncertainError: the account that has it is not at hand, or refuses our key.
            ProviderError: there is no answer, and there will be none.
        """
        if pending.account is not None and pending.account not in self._later:
            raise UncertainError(
                f"{self.name}: account {pending.account} has accepted this document, and is not among"
                f" {', '.join(self._later)}: add it, or give it up with `cloudvision ledger resolve`"
            )
        last: CloudVisionError | None = None
        for name in self._later if pending.account is None else (pending.account,):
            try:
                return replace(self._later[name].resume(pending, polling), account=name)
            except (UnfinishedError, UncertainError, ResultLostError) as error:
                # Nobody wrote down whose it is. One who may still have it outweighs one who has not.
                last = error if last is None or isinstance(last, ResultLostError) else last
            except (ProviderError, ConfigError) as error:
                if not error.fatal:
                    raise
                log.warning("%s: account %s cannot be asked for what it accepted: %s", self.name, name, error)
                last = UncertainError(f"{self.name}: account {name} has accepted this document: {error}")
        assert last is not None
        raise last
