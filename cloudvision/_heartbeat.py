"""Renewing the leases of a ledger while its process lives."""

from __future__ import annotations

import logging
import threading
import weakref
from typing import Protocol

from cloudvision.errors import LedgerError

log = logging.getLogger(__name__)

BEATS = 3
"""How often a lease is renewed before it would run out."""


class Renewable(Protocol):
    """A ledger with leases."""

    def renew(self) -> None: ...


class Heartbeat:
    """A thread that calls `renew` from the first `start` until `stop`, or until the ledger itself is gone.

    Args:
        ledger: whose leases are renewed; the thread does not keep it alive.
        lease_s: seconds after which a lease runs out.
    """

    def __init__(self, ledger: Renewable, *, lease_s: float) -> None:
        self._ledger = weakref.ref(ledger)
        self._every_s = lease_s / BEATS
        self._stopped = threading.Event()
        self._started = False
        self._lock = threading.Lock()
        weakref.finalize(ledger, self._stopped.set)

    def start(self) -> None:
        """Begin to beat; nothing where it beats already."""
        with self._lock:
            if self._started:
                return
            self._started = True
        # A daemon: whoever ends has ended, and its leases run out.
        threading.Thread(target=self._beat, name="cloudvision-heartbeat", daemon=True).start()

    def stop(self) -> None:
        """End the thread."""
        self._stopped.set()

    def _beat(self) -> None:
        while not self._stopped.wait(self._every_s):
            ledger = self._ledger()
            if ledger is None:
                return
            try:
                ledger.renew()
            except LedgerError as error:
                if self._stopped.is_set():
                    return
                log.warning(
                    "leases could not be renewed, which is tried again in %.0f s: %s", self._every_s, str(error)
                )
            del ledger  # while it sleeps, nothing here may keep the ledger alive
