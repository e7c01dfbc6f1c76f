"""The kinds of misbehaviour, and what each one does.

======================  ================================================================  ======
fault                   what the client sees                                              billed
======================  ================================================================  ======
none                    the answer                                                        yes
delay                   the answer, `seconds` later                                       yes
throttle                429 (Rekognition: 400), Retry-After of `seconds`                  no
status                  an error answer with `status`, worded as the service does         no
hang                    nothing, for `seconds` or until it gives up                       no
reset                   the connection reset, without an answer                           no
cut                     half of the answer, with the length of the whole                  yes
html                    200 with an HTML page                                             yes
empty                   200 without a body                                                yes
unknown-key             the key is refused                                                no
expired-key             the key has expired                                               no
wrong-region            the key, model or feature is of another region                    no
======================  ================================================================  ======

Where the table says "yes" the work is done and the bill books it before the answer is spoilt. `billed` turns it round
for hang and reset: the work is done and billed, and the answer never arrives; likewise an answer of status 5xx.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from cloudvision.emulator.catalog import SERVICES
from cloudvision.errors import ConfigError

BILLED = {
    "none": True,
    "delay": True,
    "throttle": False,
    "status": False,
    "hang": False,
    "reset": False,
    "cut": True,
    "html": True,
    "empty": True,
    "unknown-key": False,
    "expired-key": False,
    "wrong-region": False,
}
"""Every fault, and whether the request is worked on and billed."""

_BILLED_EITHER_WAY = frozenset({"hang", "reset", "status"})
IMAGE_STATUSES = (
    "ErrorSource",
    "ErrorImageFormat",
    "ErrorImageSize",
    "ErrorStorage",
    "ErrorLimitExceed",
    "ErrorTagLimitExceed",
    "ErrorRegionLimitExceed",
    "ErrorUnknown",
    "ErrorNegativeAndRegularTagOnSameImage",
    "ErrorImageDimensions",
    "ErrorInvalidTag",
)
"""What Custom Vision says of an image of a batch that it does not keep."""

RETRY_AFTER = ("seconds", "milliseconds", "date", "none")
"""How a throttled answer can say when to come back."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of misbehaviour, and whom it is meant for (None: everybody).

    Args:
        fault: a name of the table above.
        status: for "status", 500 to 599.
        seconds: of "delay" and "hang"; what "throttle" asks to wait. None: hang until the client gives up; one second.
        retry_after: form of the wish to wait; None: as the service does it.
        code: the service's error code, where it has several, such as "ThrottlingException".
        billed: None as in the table.
        service, operation, account: names.
        times: how often a script repeats it.

    Raises:
        ConfigError: a value is out of its range.
    """

    fault: str
    status: int = 503
    seconds: float | None = None
    retry_after: str | None = None
    code: str | None = None
    billed: bool | None = None
    service: str | None = None
    operation: str | None = None
    account: str | None = None
    times: int = 1

    def __post_init__(self) -> None:
        if self.fault not in BILLED:
            raise ConfigError(f"unknown fault {self.fault!r}; known: {', '.join(BILLED)}")
        if not (is_number(self.status) and 500 <= self.status <= 599):
            raise ConfigError(f"the status of a fault is 500 to 599, got {self.status}")
        if self.retry_after is not None and self.retry_after not in RETRY_AFTER:
            raise ConfigError(f"retry_after is one of {', '.join(RETRY_AFTER)}, got {self.retry_after!r}")
        if self.seconds is not None and not (is_number(self.seconds) and self.seconds >= 0):
            raise ConfigError(f"seconds are a number of 0 or more, got {self.seconds!r}")
        if not (isinstance(self.times, int) and self.times >= 1):
            raise ConfigError(f"times is at least 1, got {self.times!r}")
        if self.billed is not None and self.fault not in _BILLED_EITHER_WAY:
            raise ConfigError(f"billed can be chosen for {', '.join(sorted(_BILLED_EITHER_WAY))}, not for {self.fault}")
        if self.fault == "delay" and self.seconds is None:
            raise ConfigError("a delay needs its seconds")
        check_service(self.service)
        if self.times < 1:
            raise ConfigError(f"times is at least 1, got {self.times}")
        if self.billed is not None and self.fault not in _BILLED_EITHER_WAY:
            raise ConfigError(f"billed can be chosen for {', '.join(sorted(_BILLED_EITHER_WAY))}, not for {self.fault}")

    @property
    def works(self) -> bool:
        """Whether the request is worked on and billed."""
        return BILLED[self.fault] if self.billed is None else self.billed

    def meant_for(self, service: str, operation: str, account: str) -> bool:
        """Whether a request of these names can meet it."""
        return (
            self.service in (None, service) and self.operation in (None, operation) and self.account in (None, account)
        )


def check_service(name: str | None) -> None:
    """Complain about a service that there is none of; None stands for all.

    Raises:
        ConfigError: names the known ones.
    """
    if name is not None and name not in SERVICES:
        raise ConfigError(f"unknown service {name!r}; known: {', '.join(SERVICES)}")


def is_number(value: object) -> bool:
    """Whether a value out of a script can be reckoned with."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
