"""One attempt on the wire: a call, or what is submitted, written down, and waited for."""

from __future__ import annotations

from dataclasses import dataclass, field

from cloudvision.errors import AuthError, ConfigError, ProviderError, StoppedError, UnfinishedError
from cloudvision.images import Image, Remote
from cloudvision.ledger import Reservation
from cloudvision.ledger_store import LedgerStore
from cloudvision.pending import Pending
from cloudvision.polling import Polling
from cloudvision.provider import LongRunning, Provider
from cloudvision.raw import Raw


@dataclass(slots=True)
class Attempt:
    """What is known of one attempt, also after it has been cut off.

    Args:
        held: its reservation; one with a pending operation is only waited for.
    """

    held: Reservation
    accepted: Pending | None = field(init=False)
    """An operation whose answer can still be had: the attempt is neither released nor repeated."""

    def __post_init__(self) -> None:
        self.accepted = self.held.pending

    def ask(self, provider: Provider, image: Image | Remote, *, ledger: LedgerStore, polling: Polling) -> Raw:
        """Get the answer.

        Raises:
            ProviderError, ConfigError, ImageError, StoppedError: of the provider.
        """
        if not isinstance(provider, LongRunning):
            return provider.call(image)
        if self.accepted is None:
            self.accepted = provider.submit(image)
            # From here on a crash costs nothing: the next one to reserve this picture asks for this operation.
            ledger.keep_pending(self.held, self.accepted)
        try:
            return provider.resume(self.accepted, polling)
        except (UnfinishedError, AuthError, ConfigError, StoppedError):
            raise
        except ProviderError:
            self.accepted = None  # it has failed, or is gone
            ledger.keep_pending(self.held, None)
            raise
