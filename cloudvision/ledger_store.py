"""What every ledger can do, wherever it keeps things, and how one is opened by its name."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Literal, Protocol, Self

from cloudvision._ledger_rows import (
    Answer,
    Attempt,
    Budget,
    Busy,
    Entry,
    Foreseen,
    Purged,
    Reservation,
    Run,
    RunRow,
    Stored,
    Tally,
    Uncertain,
)
from cloudvision.ledger import Ledger
from cloudvision.raw import Raw

REDIS = ("redis://", "rediss://", "unix://")


class LedgerStore(Protocol):
    """A ledger; `Ledger` documents the methods. Safe for many threads; every method is one transaction."""

    @property
    def name(self) -> str:
        """The file or address, without secrets."""
        ...

    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...

    # what the pipeline needs
    def answer(self, key: str) -> Stored | None: ...
    def reserve(
        self,
        key: str,
        *,
        source: str,
        provider: str,
        worst: int,
        run: int | None = None,
        budget: Budget = Budget(),
        uncertain: Literal["retry", "keep"] = "retry",
        newer_than: float | None = None,
    ) -> Reservation | Stored | Busy | Uncertain: ...
    def settle(self, held: Reservation, raw: Raw, *, cost: int, entry: Entry | None = None) -> Stored: ...
    def reject(self, held: Reservation, *, error_type: str, error: str, cost: int) -> Stored: ...
    def charge(self, held: Reservation, *, cost: int) -> None: ...
    def release(self, held: Reservation) -> None: ...
    def leave_uncertain(self, held: Reservation) -> None: ...
    def wait_for_change(self, seconds: float) -> None: ...
    def record(self, run: int, entry: Entry) -> None: ...

    # runs, and what is told of them
    def begin_run(self, identity: str, *, command: str, provider: str, reopen: bool = False) -> Run: ...
    def finish_run(self, run: int) -> None: ...
    def abandon(self) -> int: ...
    def open_attempts(self) -> int: ...
    def wait_until_idle(self, seconds: float) -> bool: ...
    def progress(self, run: int, *, chunk: int = 1000) -> Iterator[Entry]: ...
    def tallies(self, run: int | None = None) -> tuple[Tally, ...]: ...
    def attempts(self, run: int | None = None) -> tuple[tuple[str, int, int], ...]: ...
    def runs(self) -> tuple[RunRow, ...]: ...
    def add_estimate(self, identity: str, foreseen: Foreseen) -> None: ...
    def estimated(self, run: int) -> Foreseen | None: ...

    # what answered pictures look like
    def keep_hash(self, key: str, picture_hash: int, *, source: str) -> None: ...
    def hashes(self, prefix: str, *, chunk: int = 10_000) -> Iterator[tuple[str, int, str]]: ...

    # the rate that processes share
    def take_start(self, bucket: str, windows: Sequence[tuple[int, float]], /) -> float: ...
    def pause_starts(self, bucket: str, seconds: float, /) -> None: ...

    # care
    def uncertain_attempts(self) -> tuple[Attempt, ...]: ...
    def resolve(self, ids: Collection[int], *, billed: bool) -> int: ...
    def answers(self, *, provider: str | None = None, chunk: int = 1000) -> Iterator[Answer]: ...
    def purge(self, *, source: str | None = None, before: float | None = None, dry_run: bool = False) -> Purged: ...


def open_ledger(name: str | Path, *, ttl_s: float | None = None) -> LedgerStore:
    """A ledger by its name: a file, or the address of a Redis server that several machines share.

    Args:
        name: path, or "redis://host:6379/0", "rediss://...", "unix:///socket"; "#name" at the end of an address tells
            several ledgers of one server apart.
        ttl_s: seconds after which an answer counts as absent; None for never.

    Raises:
        LedgerError: it cannot be opened.
        ConfigError: the extra `redis` is not installed.
    """
    if str(name).startswith(REDIS):
        from cloudvision.redis_ledger import RedisLedger

        return RedisLedger(str(name), ttl_s=ttl_s)
    return Ledger(name, ttl_s=ttl_s)
