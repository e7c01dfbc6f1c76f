"""Misbehaviour on order: a script of faults one after the other, faults by rate, and quotas.

As a file (`cloudvision emulate --faults FILE`)::

    {"seed": 7,
     "script": [{"fault": "status", "status": 503, "times": 2}, {"fault": "none"}, {"fault": "reset"}],
     "rates":  [{"fault": "throttle", "rate": 0.1, "service": "rekognition", "code": "ThrottlingException"}],
     "quotas": [{"service": "image-analysis", "per_second": 5, "per_minute": 100, "retry_after": "date"}],
     "images": [{"rate": 0.1, "status": "ErrorStorage"}]}

The script goes first: each request takes the first entry that is meant for it. Then every rate draws once. A fault is
meant for all requests, or for those of the `service`, `operation` and `account` that it names. `images` are drawn once for
every image that is uploaded to Custom Vision: the batch is answered with 207, and that image has the status and is not kept.
"""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterable
from dataclasses import dataclass, fields
from dataclasses import replace as changed
from pathlib import Path
from typing import Any

from cloudvision.emulator.fault import BILLED, IMAGE_STATUSES, RETRY_AFTER, Fault, check_service, is_number
from cloudvision.errors import ConfigError
from cloudvision.quotas import Quota


@dataclass(frozen=True, slots=True)
class QuotaRule:
    """A quota on top of the tier's, for the requests of each account that it is meant for (None: all).

    Raises:
        ConfigError: an unknown service, or a wish to wait in a form that there is none of.
    """

    quota: Quota
    service: str | None = None
    operation: str | None = None
    retry_after: str | None = None

    def __post_init__(self) -> None:
        check_service(self.service)
        given = {"per_second": self.quota.per_second, "per_minute": self.quota.per_minute}
        if wrong := [f"{name} {most!r}" for name, most in given.items() if most is not None and not _positive(most)]:
            raise ConfigError(f"a quota is a number above 0, got {', '.join(wrong)}")
        if self.retry_after is not None and self.retry_after not in RETRY_AFTER:
            raise ConfigError(f"retry_after is one of {', '.join(RETRY_AFTER)}, got {self.retry_after!r}")

    def meant_for(self, service: str, operation: str) -> bool:
        """Whether a request of these names counts."""
        return self.service in (None, service) and self.operation in (None, operation)


class Faults:
    """What is to go wrong. Safe to share between threads.

    Args:
        seed: of the draws for rates; the same seed and the same order of requests give the same faults.
    """

    def __init__(self, *, seed: int = 0) -> None:
        self._random = random.Random(seed)
        self._script: list[Fault] = []
        self._rates: list[tuple[float, Fault]] = []
        self._quotas: tuple[QuotaRule, ...] = ()
        self._images: list[tuple[float, str]] = []
        self._lock = threading.Lock()

    @property
    def quotas(self) -> tuple[QuotaRule, ...]:
        """The quotas on top of the tier's."""
        return self._quotas

    @property
    def waiting(self) -> int:
        """Entries of the script that no request has met."""
        with self._lock:
            return len(self._script)

    def script(self, faults: Iterable[Fault]) -> None:
        """Add to the end of the script."""
        with self._lock:
            self._script += [changed(fault, times=1) for fault in faults for _ in range(fault.times)]

    def rate(self, rate: float, fault: Fault) -> None:
        """From now on, this share of the requests (0 to 1) meets `fault`.

        Raises:
            ConfigError: no share.
        """
        _check_share(rate)
        with self._lock:
            self._rates.append((rate, fault))

    def spoil_images(self, rate: float, status: str) -> None:
        """From now on, this share of the images uploaded to Custom Vision (0 to 1) gets `status`, such as "ErrorStorage".

        Raises:
            ConfigError: no share, or no such status.
        """
        _check_share(rate)
        if status not in IMAGE_STATUSES:
            raise ConfigError(f"unknown status {status!r}; known: {', '.join(IMAGE_STATUSES)}")
        with self._lock:
            self._images.append((rate, status))

    def image_status(self) -> str | None:
        """What an uploaded image meets; None for nothing."""
        with self._lock:
            return next((status for rate, status in self._images if self._random.random() < rate), None)

    def limit(self, rule: QuotaRule) -> None:
        """From now on, `rule` holds as well."""
        with self._lock:
            self._quotas = (*self._quotas, rule)

    def clear(self) -> None:
        """Behave from now on."""
        with self._lock:
            self._script.clear()
            self._rates.clear()
            self._images.clear()
            self._quotas = ()

    def next(self, service: str, operation: str, account: str) -> Fault | None:
        """What this request meets; None for nothing."""
        with self._lock:
            for index, fault in enumerate(self._script):
                if fault.meant_for(service, operation, account):
                    return self._script.pop(index)
            for rate, fault in self._rates:
                if fault.meant_for(service, operation, account) and self._random.random() < rate:
                    return fault
        return None

    def replace(self, value: object) -> None:
        """Forget all, and do what the JSON values of a script (see above) say.

        Raises:
            ConfigError: something in it is not known; then nothing has changed.
        """
        script = _object(value, {"seed", "script", "rates", "quotas", "images"})
        if not isinstance(script.get("seed", 0), int):
            raise ConfigError(f"the seed is a whole number, got {script['seed']!r}")
        faults = [_fault(entry) for entry in script.get("script", ())]
        rates = [_rate(entry) for entry in script.get("rates", ())]
        quotas = [_quota(entry) for entry in script.get("quotas", ())]
        trial = Faults()
        spoilt = [_object(entry, {"rate", "status"}) for entry in script.get("images", ())]
        for entry in spoilt:
            trial.spoil_images(entry.get("rate", 1.0), entry.get("status", ""))
        self.clear()
        if "seed" in script:
            self._random.seed(script["seed"])
        self.script(faults)
        for share, fault in rates:
            self.rate(share, fault)
        for rule in quotas:
            self.limit(rule)
        for entry in spoilt:
            self.spoil_images(entry.get("rate", 1.0), entry.get("status", ""))

    def load(self, file: Path) -> None:
        """The same from a file.

        Raises:
            ConfigError: it cannot be read, or something in it is not known.
        """
        try:
            self.replace(json.loads(file.read_text(encoding="utf-8")))
        except (OSError, ValueError, RecursionError) as error:
            raise ConfigError(f"{file} cannot be read as JSON: {error}") from error
        except ConfigError as error:
            raise ConfigError(f"{file}: {error}") from error


_FAULT_NAMES = frozenset(field.name for field in fields(Fault))


def _object(value: object, names: Iterable[str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ConfigError(f"expected an object, got {type(value).__name__}")
    if unknown := sorted(set(value) - set(names)):
        raise ConfigError(f"unknown: {', '.join(unknown)}; known: {', '.join(sorted(names))}")
    return value


def _fault(value: object) -> Fault:
    given = _object(value, _FAULT_NAMES)
    if "fault" not in given:
        raise ConfigError(f'an entry without "fault"; known: {", ".join(BILLED)}')
    try:
        return Fault(**given)
    except TypeError as error:
        raise ConfigError(f"an entry that cannot be read: {error}") from error


def _rate(value: object) -> tuple[float, Fault]:
    given = dict(_object(value, {"rate"} | _FAULT_NAMES))
    share = given.pop("rate", 1.0)
    _check_share(share)
    return share, _fault(given)


def _check_share(rate: object) -> None:
    if not isinstance(rate, int | float) or not 0 <= rate <= 1:
        raise ConfigError(f"a rate goes from 0 to 1, got {rate!r}")


def _quota(value: object) -> QuotaRule:
    given = dict(_object(value, {"per_second", "per_minute", "service", "operation", "retry_after"}))
    quota = Quota(per_second=given.pop("per_second", None), per_minute=given.pop("per_minute", None))
    return QuotaRule(quota, **given)


def _positive(value: object) -> bool:
    return is_number(value) and value > 0  # type: ignore[operator]
