"""The ledger on a Redis server (6.2 or later), for runs on several machines; extra `redis`.

It does what `Ledger` does, which documents the methods. The server has to keep what it is told: `appendonly yes`, and
`maxmemory-policy noeviction`. A reservation of another machine that never ended becomes uncertain when its lease is
over, by the clocks of the machines, which should agree to a minute.
"""

from __future__ import annotations

import json
import math
import secrets
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Literal, Self

from cloudvision import _redis_care as _care
from cloudvision import _redis_scripts as _scripts
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
    over_budget,
)
from cloudvision._owner import is_alive, this_process
from cloudvision._redis_connection import RedisConnection
from cloudvision.raw import Raw

_STATES = ("reserved", "settled", "released", "uncertain")


class RedisLedger:
    """A ledger that several machines share.

    Args:
        address: "redis://host:6379/0", "rediss://..." (TLS) or "unix:///path"; "#name" at its end tells several ledgers
            of one server apart.
        clock: seconds since the epoch; by default this machine's, and the server's for the rate that all share.
        lease_s, ttl_s, owner: as for `Ledger`.

    Raises:
        ConfigError: the package redis is missing, or the address is none.
        LedgerError: the server does not answer, or the ledger is newer than this version.
    """

    def __init__(
        self,
        address: str,
        *,
        clock: Callable[[], float] = time.time,
        lease_s: float = 900.0,
        ttl_s: float | None = None,
        owner: str | None = None,
    ) -> None:
        self._redis = RedisConnection(address)
        self._clock = clock
        self._lease_s = lease_s
        self._ttl_s = math.inf if ttl_s is None else ttl_s
        self._owner = owner or this_process()
        self._changed = threading.Condition()

    @property
    def name(self) -> str:
        """The address, without user and password."""
        return self._redis.name

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- answers and attempts ------------------------------------------------------------------------------------------

    def answer(self, key: str) -> Stored | None:
        """See `Ledger.answer`."""
        with self._redis.our_errors() as client:
            row = client.hmget(self._redis.key("answer", key), _care.STORED)
        found = _care.stored(row)
        return found if found is not None and found.created >= self._clock() - self._ttl_s else None

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
    ) -> Reservation | Stored | Busy | Uncertain:
        """See `Ledger.reserve`."""
        now = self._clock()
        day = datetime.fromtimestamp(now, UTC).date().isoformat()
        number = secrets.randbits(40) + 1  # ours from the start, so that a request sent twice reserves once
        newest = max(newer_than or 0.0, now - self._ttl_s)
        bounds = (budget.run, budget.ledger, budget.day)
        while True:
            said, *more = self._redis.run(
                _scripts.RESERVE, key, number, source, provider, worst, run, day, self._owner, now + self._lease_s, now,
                uncertain, newest, *bounds,
            )  # fmt: skip
            match said:
                case "reserved":
                    return Reservation(number, key, source, provider, worst, run, day)
                case "stored":
                    found = _care.stored(more[0])
                    assert found is not None
                    return found
                case "held":
                    if any(is_alive(owner) for _, owner in more[0]):
                        return Busy()
                    self._redis.run(_scripts.LOSE, *(other for other, _ in more[0]))
                case "uncertain":
                    return Uncertain()
                case "over":
                    words = ("this run", "this ledger", day)[more[0] - 1]
                    raise over_budget(bounds[more[0] - 1] or 0, spent=int(more[1]), worst=worst, words=words)
                case "taken":
                    number = secrets.randbits(40) + 1

    def settle(self, held: Reservation, raw: Raw, *, cost: int, entry: Entry | None = None) -> Stored:
        """See `Ledger.settle`."""
        return self._settle(held, Stored(raw, cost, self._clock()), entry)

    def reject(self, held: Reservation, *, error_type: str, error: str, cost: int) -> Stored:
        """See `Ledger.reject`."""
        return self._settle(held, Stored(None, cost, self._clock(), error_type, error), None)

    def charge(self, held: Reservation, *, cost: int) -> None:
        """See `Ledger.charge`."""
        self._end(held, "settled", cost)

    def release(self, held: Reservation) -> None:
        """See `Ledger.release`."""
        self._end(held, "released", 0)

    def leave_uncertain(self, held: Reservation) -> None:
        """See `Ledger.leave_uncertain`."""
        self._end(held, "uncertain", held.worst)

    def abandon(self) -> int:
        """See `Ledger.abandon`."""
        return int(self._redis.run(_scripts.LOSE, *self._own()))

    def open_attempts(self) -> int:
        """See `Ledger.open_attempts`."""
        return len(self._own())

    def wait_for_change(self, seconds: float) -> None:
        """See `Ledger.wait_for_change`."""
        with self._changed:
            self._changed.wait(seconds)

    def wait_until_idle(self, seconds: float) -> bool:
        """See `Ledger.wait_until_idle`."""
        until = time.monotonic() + seconds
        while self.open_attempts():
            left = until - time.monotonic()
            if left <= 0:
                return False
            self.wait_for_change(min(left, 0.25))
        return True

    # -- runs and progress ---------------------------------------------------------------------------------------------

    def begin_run(self, identity: str, *, command: str, provider: str, reopen: bool = False) -> Run:
        """See `Ledger.begin_run`."""
        number, resumed = self._redis.run(_scripts.BEGIN_RUN, identity, command, provider, self._clock(), int(reopen))
        return Run(number, resumed=bool(resumed))

    def finish_run(self, run: int) -> None:
        """See `Ledger.finish_run`."""
        with self._redis.our_errors() as client:
            client.hset(self._redis.key("run", run), "ended", repr(self._clock()))

    def record(self, run: int, entry: Entry) -> None:
        """See `Ledger.record`."""
        self._redis.run(_scripts.RECORD, run, entry.position, json.dumps(asdict(entry)))

    def progress(self, run: int, *, chunk: int = 1000) -> Iterator[Entry]:
        """See `Ledger.progress`."""
        return _care.progress(self._redis, run, chunk=chunk)

    def tallies(self, run: int | None = None) -> tuple[Tally, ...]:
        """See `Ledger.tallies`."""
        runs = [row.id for row in self.runs()] if run is None else [run]
        return _care.tallies(self._redis, runs)

    def attempts(self, run: int | None = None) -> tuple[tuple[str, int, int], ...]:
        """See `Ledger.attempts`."""
        with self._redis.our_errors() as client:
            sums: dict[str, str] = client.hgetall(self._redis.key("states", "all" if run is None else run))
        rows = ((state, int(sums.get(f"{state}:number", 0)), int(sums.get(f"{state}:micros", 0))) for state in _STATES)
        return tuple(row for row in rows if row[1])

    def runs(self) -> tuple[RunRow, ...]:
        """See `Ledger.runs`."""
        return _care.runs(self._redis)

    def add_estimate(self, identity: str, foreseen: Foreseen) -> None:
        """See `Ledger.add_estimate`."""
        with self._redis.our_errors() as client:
            values = {"created": self._clock(), "foreseen": asdict(foreseen)}
            client.rpush(self._redis.key("estimates", identity), json.dumps(values))

    def estimated(self, run: int) -> Foreseen | None:
        """See `Ledger.estimated`."""
        return _care.estimated(self._redis, run)

    # -- what answered pictures look like ------------------------------------------------------------------------------

    def keep_hash(self, key: str, picture_hash: int, *, source: str) -> None:
        """See `Ledger.keep_hash`."""
        self._redis.run(_scripts.KEEP_HASH, key, f"{picture_hash:016x}", source)

    def hashes(self, prefix: str, *, chunk: int = 10_000) -> Iterator[tuple[str, int, str]]:
        """See `Ledger.hashes`."""
        return _care.hashes(self._redis, prefix, chunk=chunk)

    # -- rates that processes share ------------------------------------------------------------------------------------

    def take_start(self, bucket: str, windows: Sequence[tuple[int, float]], /) -> float:
        """See `Ledger.take_start`."""
        flat = [value for window in windows for value in window]
        return float(self._redis.run(_scripts.TAKE_START, bucket, self._shared_now(), *flat))

    def pause_starts(self, bucket: str, seconds: float, /) -> None:
        """See `Ledger.pause_starts`."""
        self._redis.run(_scripts.PAUSE_STARTS, bucket, self._shared_now(), seconds)

    # -- care ----------------------------------------------------------------------------------------------------------

    def uncertain_attempts(self) -> tuple[Attempt, ...]:
        """See `Ledger.uncertain_attempts`."""
        now, rows = self._clock(), _care.open_attempts(self._redis)
        lost = [
            row["id"]
            for row in rows
            if row["state"] == "reserved" and (float(row["lease_until"]) <= now or not is_alive(row["owner"]))
        ]
        if lost:
            self._redis.run(_scripts.LOSE, *lost)
        return _care.uncertain(_care.open_attempts(self._redis))

    def resolve(self, ids: Collection[int], *, billed: bool) -> int:
        """See `Ledger.resolve`."""
        return int(self._redis.run(_scripts.RESOLVE, "billed" if billed else "not billed", *ids))

    def answers(self, *, provider: str | None = None, chunk: int = 1000) -> Iterator[Answer]:
        """See `Ledger.answers`."""
        return _care.answers(self._redis, provider=provider, chunk=chunk)

    def purge(self, *, source: str | None = None, before: float | None = None, dry_run: bool = False) -> Purged:
        """See `Ledger.purge`. Not one transaction; the append-only file is rewritten, snapshots and replicas follow."""
        limit = math.inf if before is None else before
        return _care.purge(self._redis, source=source, before=limit, dry_run=dry_run)

    # -- inside --------------------------------------------------------------------------------------------------------

    def _settle(self, held: Reservation, stored: Stored, entry: Entry | None) -> Stored:
        raw = None if stored.raw is None else json.dumps(stored.raw.to_json())
        told: tuple[Any, ...] = (None, None, None)
        if entry is not None and held.run is not None:
            told = (held.run, entry.position, json.dumps(asdict(entry)))
        self._redis.run(
            _scripts.SETTLE, held.key, held.id, held.source, held.provider, stored.cost, stored.created, raw,
            stored.error_type, stored.error, *told,
        )  # fmt: skip
        self._wake()
        return stored

    def _end(self, held: Reservation, state: str, cost: int) -> None:
        self._redis.run(_scripts.END, held.id, state, cost)
        self._wake()

    def _own(self) -> list[str]:
        rows = _care.open_attempts(self._redis)
        return [row["id"] for row in rows if row["state"] == "reserved" and row["owner"] == self._owner]

    def _shared_now(self) -> float | None:
        return None if self._clock is time.time else self._clock()

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()
