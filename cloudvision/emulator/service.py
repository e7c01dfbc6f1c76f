"""What a service of the emulator is, and what the shared path does for it.

A service is one object: it names its operations, knows its keys, and words its errors. The shared path (`desk.py`) does
the rest, in this order, for every request of every service::

    read the body (at most `Operation.max_body`) -> service.account(call)  whose key is it?
    -> faults  told to misbehave?  -> quota  of `Operation.quota`  -> operation.answer(call, account)  the work
    -> the bill books `Reply.units`

Writing one:

1. A class with the attributes and methods of `Service`, in a module of its own (`image_analysis.py` is the pattern), whose
   constructor takes one `Surroundings`. One line in `catalog.py` lists it.
2. `operations`: one `Operation` a route. `answer` is called on a thread of a pool and may block; it gets the `Call` and
   the `Account`, and returns a `Reply`, or raises `Refusal(reply)` from any depth. What else it raises is a bug: it is
   logged with its traceback and answered with a bare 500.
3. `account`: finds the account by the request's key, or raises `Refusal` with the service's own 401. Azure services use
   `azure_wire.key_account`.
4. `trouble`: the service's error body for what the shared path refuses, such as a used-up quota. It leaves `Retry-After`
   out: the shared path adds it.
5. `environment`: the names of `.env.example` that this service serves, with their values for one account.
6. `Reply.units` holds what this request is billed, by the rules written in `bill.py` (add yours to its table). It counts
   for error answers as well where the real service bills those.
7. A picture or document that somebody has placed an answer for: call `surroundings.placed.find(self.name, data)` with the
   bytes as they came, and return that reply (with your units) where it is not None.

Text of a photograph is read by `surroundings.photographs.lines(image)`, and of other pixels by
`surroundings.reader.read(pixels)`: lines with words, places as fractions of the picture (see `reader.py`); its threads are
bounded there. URLs that a service is told to fetch go through `surroundings.fetch`. Work that outlives its request
(long-running operations) goes to `surroundings.pool`. Times come from `surroundings.clock` and `now`, identifiers from
`surroundings.new_id`. State lives in the service object, under a lock: requests come from many threads.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from cloudvision.emulator.accounts import Account, Accounts
from cloudvision.emulator.custom_vision_trainer import Trainer
from cloudvision.emulator.photographs import Photographs
from cloudvision.emulator.placed import Placed
from cloudvision.emulator.reader import Reader
from cloudvision.emulator.reply import Refusal, Reply
from cloudvision.quotas import Quota

__all__ = ["Call", "Operation", "Refusal", "Reply", "Service", "Surroundings", "Trouble"]


UNLIMITED = Quota()


class Trouble(Enum):
    """What the shared path asks a service to word."""

    UNKNOWN_KEY = "unknown-key"
    EXPIRED_KEY = "expired-key"
    WRONG_REGION = "wrong-region"
    THROTTLED = "throttle"
    TOO_LARGE = "too-large"
    """The body is over `Operation.max_body`; `Call.whole` is False."""
    FAILED = "status"
    """An error of the service itself, with the status that is handed in (5xx)."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request."""

    method: str
    path: str
    """As sent, still percent-encoded: signatures are over this."""

    query: str
    """Query string as sent; `parameters_of` reads it."""

    places: Mapping[str, str]
    """What stood in the placeholders of `Operation.path`."""

    headers: Mapping[str, str]
    """Names in lower case."""

    body: bytes = field(repr=False)
    whole: bool = True
    """False where the body was over `Operation.max_body` and not kept."""

    base_url: str = ""
    """Where the client reached us, such as "http://127.0.0.1:5000"; Operation-Location begins with it."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One route of a service.

    Args:
        name: as the service's documentation calls it; in faults, quotas and the bill's counts.
        method: of HTTP.
        path: Starlette's notation: "/formrecognizer/documentModels/{model}:analyze"; a placeholder matches up to the
            next slash.
        answer: the work.
        max_body: larger bodies are refused (`Trouble.TOO_LARGE`), in bytes.
        quota: most requests an account may send; operations with the same `bucket` share it.
        bucket: default: the operation's own name.
    """

    name: str
    method: str
    path: str
    answer: Callable[[Call, Account], Reply]
    max_body: int = 64 * 2**20
    quota: Quota = UNLIMITED
    bucket: str = ""


class Service(Protocol):
    """One of the emulated services."""

    name: str
    """Such as "rekognition"; in faults, the bill and placed answers."""

    operations: Sequence[Operation]

    retry_after: str
    """How its throttling says when to come back: "seconds", "milliseconds", "date" or "none"."""

    def account(self, call: Call, /) -> Account:
        """Whose key the request carries.

        Raises:
            Refusal: no key, an unknown one, or a signature that is not its own.
        """
        ...

    def trouble(self, trouble: Trouble, call: Call, /, *, status: int, code: str | None) -> Reply:
        """The service's error answer.

        Args:
            status: for `Trouble.FAILED`; the others have their own.
            code: the service's error code where a script names one; None for the usual one.
        """
        ...

    def environment(self, url: str, account: Account) -> Mapping[str, str]:
        """Variables that lead an SDK, and our own providers, to this service as that account."""
        ...


def _new_id() -> str:
    return str(uuid.uuid4())


def _nothing() -> None:
    return None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all services share.

    Args:
        accounts: the known keys.
        reader: text recognition.
        photographs: the same for pictures, each read once.
        placed: answers for chosen pictures.
        fetch: the bytes behind a URL that the service is to fetch itself; raises ImageError. Private addresses are refused
            unless the emulator was told otherwise.
        pool: threads for work that outlives its request.
        tier: "F0", "S0" or "S1"; None: sizes and pages of the paid tier, and no limit on requests.
        clock: seconds, monotonic.
        now: seconds since the epoch.
        new_id: a fresh identifier in the form of a GUID.
        trainer: makes Custom Vision's models; None where there is nothing to train with.
        image_status: what one uploaded image of a batch is told to meet; None for nothing.
    """

    accounts: Accounts
    reader: Reader
    photographs: Photographs
    placed: Placed
    fetch: Callable[[str], bytes]
    pool: Executor
    tier: str | None = None
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    new_id: Callable[[], str] = _new_id
    trainer: Trainer | None = None
    image_status: Callable[[], str | None] = _nothing
