"""The path of every request: whose key -> size -> faults -> quota -> work -> bill."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from email.utils import formatdate

from cloudvision.emulator.accounts import Account
from cloudvision.emulator.bill import Books
from cloudvision.emulator.fault import Fault
from cloudvision.emulator.faults import Faults
from cloudvision.emulator.limits import Windows
from cloudvision.emulator.reply import Refusal, Reply
from cloudvision.emulator.service import Call, Operation, Service, Trouble

NOBODY = "(unknown)"
"""Stands in the bill for requests without a known key."""

_BEFORE = {
    "throttle": Trouble.THROTTLED,
    "unknown-key": Trouble.UNKNOWN_KEY,
    "expired-key": Trouble.EXPIRED_KEY,
    "wrong-region": Trouble.WRONG_REGION,
    "status": Trouble.FAILED,
}
_PAGE = b"<!DOCTYPE html><html><head><title>Welcome</title></head><body>Sign in to the network</body></html>"


@dataclass(frozen=True, slots=True)
class Sending:
    """What is to go over the wire, and how: `fault` is one of "delay", "hang", "reset", "cut", or None for as it is."""

    reply: Reply
    fault: Fault | None = None


class Desk:
    """Takes requests for all services.

    Args:
        books: where the bill is kept.
        faults: what is to go wrong.
        clock: seconds, monotonic.
        now: seconds since the epoch.
    """

    def __init__(self, *, books: Books, faults: Faults, clock: Callable[[], float], now: Callable[[], float]) -> None:
        self.books = books
        self.faults = faults
        self.windows = Windows(clock=clock)
        self._now = now

    def handle(self, service: Service, operation: Operation, call: Call) -> Sending:
        """Answer one request, and book it. Blocks while the work is done."""
        name = NOBODY
        try:
            account = service.account(call)
            name = account.name
            sending = self._serve(service, operation, call, account)
        except Refusal as refusal:
            sending = Sending(refusal.reply)
        answered = "-" if sending.fault and sending.fault.fault in ("hang", "reset") else str(sending.reply.status)
        self.books.book(name, sending.reply.units, request=f"{service.name} {operation.name} {answered}")
        return sending

    def _serve(self, service: Service, operation: Operation, call: Call, account: Account) -> Sending:
        if not call.whole:
            return Sending(service.trouble(Trouble.TOO_LARGE, call, status=413, code=None))
        fault = self.faults.next(service.name, operation.name, account.name)
        if fault is not None and not fault.works:
            return self._refused(service, call, fault)
        waiting = self._admitted(service, operation, account)
        if waiting is not None:
            seconds, form = waiting
            return Sending(self._throttled(service, call, seconds=seconds, form=form, code=None))
        reply = self._work(operation, call, account)
        return Sending(reply) if fault is None else self._spoilt(service, call, reply, fault)

    def _refused(self, service: Service, call: Call, fault: Fault) -> Sending:
        """The answer in place of the work."""
        if fault.fault not in _BEFORE:
            return Sending(Reply(), fault)
        if fault.fault == "throttle":
            seconds = 1.0 if fault.seconds is None else fault.seconds
            form = fault.retry_after or service.retry_after
            return Sending(self._throttled(service, call, seconds=seconds, form=form, code=fault.code))
        return Sending(service.trouble(_BEFORE[fault.fault], call, status=fault.status, code=fault.code))

    def _admitted(self, service: Service, operation: Operation, account: Account) -> tuple[float, str] | None:
        """None, or how long to wait and how to say it."""
        bucket = operation.bucket or operation.name
        waiting = self.windows.admit((account.name, service.name, bucket), operation.quota)
        if waiting is not None:
            return waiting, service.retry_after
        for rule in self.faults.quotas:
            if rule.meant_for(service.name, operation.name):
                waiting = self.windows.admit((account.name, rule), rule.quota)
                if waiting is not None:
                    return waiting, rule.retry_after or service.retry_after
        return None

    def _throttled(self, service: Service, call: Call, *, seconds: float, form: str, code: str | None) -> Reply:
        reply = service.trouble(Trouble.THROTTLED, call, status=429, code=code)
        return replace(reply, headers={**reply.headers, **self._wish(seconds, form)})

    def _wish(self, seconds: float, form: str) -> Mapping[str, str]:
        match form:
            case "seconds":
                return {"Retry-After": str(math.ceil(seconds))}
            case "milliseconds":
                return {"retry-after-ms": str(math.ceil(seconds * 1000))}
            case "date":
                return {"Retry-After": formatdate(math.ceil(self._now() + seconds), usegmt=True)}
        return {}

    @staticmethod
    def _work(operation: Operation, call: Call, account: Account) -> Reply:
        try:
            return operation.answer(call, account)
        except Refusal as refusal:
            return refusal.reply

    def _spoilt(self, service: Service, call: Call, reply: Reply, fault: Fault) -> Sending:
        """What becomes of an answer whose work is done and billed."""
        match fault.fault:
            case "html":
                return Sending(Reply(_PAGE, units=reply.units, content_type="text/html"))
            case "empty":
                return Sending(Reply(units=reply.units))
            case "status":
                failed = service.trouble(Trouble.FAILED, call, status=fault.status, code=fault.code)
                return Sending(replace(failed, units=reply.units))
            case "none":
                return Sending(reply)
        return Sending(reply, fault)
