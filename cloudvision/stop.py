"""One switch that ends waiting everywhere: retries, rate limits, single flight."""

from __future__ import annotations

import threading
import weakref

from cloudvision.errors import StoppedError


class StopSignal:
    """Thrown once, by Ctrl-C or by the end of a batch; everybody who sleeps wakes up with a `StoppedError`."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._children: weakref.WeakSet[StopSignal] = weakref.WeakSet()
        self._lock = threading.Lock()

    def child(self) -> StopSignal:
        """A switch of its own that is thrown with this one, and leaves this one alone when it is thrown itself."""
        child = StopSignal()
        with self._lock:
            self._children.add(child)
            if self.is_set():
                child.set()
        return child

    def set(self) -> None:
        """Throw the switch. A call that is on the wire is not touched: its answer is still taken in."""
        self._event.set()
        with self._lock:
            for child in tuple(self._children):
                child.set()

    def is_set(self) -> bool:
        """True once thrown."""
        return self._event.is_set()

    def check(self) -> None:
        """Go on, unless the switch is thrown.

        Raises:
            StoppedError: it is.
        """
        if self.is_set():
            raise StoppedError("stopped on request")

    def sleep(self, seconds: float) -> None:
        """Sleep for `seconds`, or until the switch is thrown.

        Raises:
            StoppedError: the switch is, or gets, thrown.
        """
        if self._event.wait(max(0.0, seconds)):
            raise StoppedError("stopped on request")
