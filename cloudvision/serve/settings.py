"""How to serve."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from cloudvision.errors import ConfigError


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class Settings:
    """See `cloudvision serve --help`.

    Args:
        max_batch: most pictures of one inference.
        max_delay_s: seconds that a decoded picture waits for others that are on their way.
        adapt: measure at the start what batches cost, and take no larger ones than help; False: up to `max_batch` always.
        queue: pictures that may wait for each model; more are refused with 503.
        threads: pictures that are worked on at the same time; 0 takes one a core, and one more.
        max_body: bytes of the largest request.
        max_pixels: width x height of the largest picture.
        body_timeout_s: seconds in which a request must have come in whole.
        grace_s: seconds that requests have to come to their end when the server is stopped.
        quantised: run the smaller graphs of model folders.
        allow_private_hosts: let `/url` fetch from this machine and its network.
        api_key: what clients must send; None lets everybody in.
    """

    max_batch: int = 16
    max_delay_s: float = 0.005
    adapt: bool = True
    queue: int = 64
    threads: int = 0
    max_body: int = 16 * 2**20
    max_pixels: int = 50_000_000
    body_timeout_s: float = 30.0
    grace_s: int = 10
    quantised: bool = False
    allow_private_hosts: bool = False
    api_key: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for name in ("max_batch", "queue", "max_body", "max_pixels"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name.replace('_', '-')} must be at least 1, not {getattr(self, name)}")
        if self.max_delay_s < 0 or self.body_timeout_s <= 0 or self.threads < 0:
            raise ConfigError("max-delay-ms and threads must not be negative, and body_timeout_s must be positive")
        if self.api_key is not None and not self.api_key.strip():
            raise ConfigError("the API key is empty, which would let everybody in: set it, or leave --api-key-env out")

    @property
    def hands(self) -> int:
        """Worker threads. One more than cores, so that no core is idle while a worker waits for Python's lock.

        With two cores and a network of 20 ms that brings 2 to 3 % (`benchmarks/serving.py`).
        """
        return self.threads or _cores() + 1

    @property
    def cores(self) -> int:
        """That a lonely inference may take."""
        return self.threads or _cores()
