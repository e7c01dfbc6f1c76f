"""The ledger on a Redis server (6.2 or later), for runs on several machines; extra `redis`.

It does what `Ledger` does, which documents the methods. The server has to keep what it is told: `appendonly yes`, and
`maxmemory-policy noeviction`. A reservation of another machine that shows no sign of life becomes uncertain when its
lease is over, by the clocks of the machines, which should agree to a minute.
"""

from __future__ import annotations

import json
import math
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Literal, Self

from cloudvision import _redis_run_scripts as _run_scripts
from cloudvision import _redis_scripts as _scripts
from cloudvision._changes import Changes
from cloudvision._heartbeat import Heartbeat
from cloudvision._ledger_rows import Budget, Busy, Entry, Reservation, Stored, Uncertain, over_budget
from cloudvision._owner import is_alive, this_process
from cloudvision._redis_answers import RedisAnswers, stored
from cloudvision._redis_care import RedisCare, open_attempts
from cloudvision._redis_connection import RedisConnection
from cloudvision._redis_runs import RedisRuns, trim
from cloudvision.pending import Pending
from cloudvision.raw import Raw


class RedisLedger(RedisAnswers, RedisRuns, RedisCare):
    """A ledger that several machines share.

    Args:
        address: "redis://host:6379/0", "rediss://..." (TLS) or "unix:///path"; "#name" at its end tells several ledgers
            of one server apart.
        clock: seconds since the epoch; by default this machine's, and the server's for the rate that all share.
        lease_s, ttl_s, max_answers, owner: as for `Ledger`.

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
        max_answers: int | None = None,
        owner: str | None = None,
    ) -> None:
        self._redis = RedisConnection(address)
        self._clock = clock
        self._lease_s = lease_s
        self._ttl_s = math.inf if ttl_s is None else ttl_s
        self._max_answers = max_answers
        self._settled = 0
        self._owner = owner or this_process()
        self._changes = Changes()
        self._heartbeat = Heartbeat(self, lease_s=lease_s)

    @property
    def name(self) -> str:
        """The address, without user and password."""
        return self._redis.name

    def close(self) -> None:
        """Close the connections."""
        self._heartbeat.stop()
        self._redis.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- attempts ------------------------------------------------------------------------------------------------------

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
        self._heartbeat.start()
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
                    left = int(more[0]) if more else None
                    return Reservation(number, key, source, provider, worst, run, day, left)
                case "pending":
                    other, text, whose, asked, worst_then, day_then = more
                    pending = Pending.from_json(json.loads(text))
                    return Reservation(int(other), key, whose, asked, int(worst_then), run, day_then, pending=pending)
                case "stored":
                    found = stored(more[0])
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

    def keep_pending(self, held: Reservation, pending: Pending | None) -> None:
        """See `Ledger.keep_pending`."""
        text = None if pending is None else json.dumps(pending.to_json())
        self._redis.run(_scripts.KEEP_PENDING, held.id, text, None if pending is None else pending.expires_at)

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
        self._changes.wait(seconds)

    def wait_until_idle(self, seconds: float) -> bool:
        """See `Ledger.wait_until_idle`."""
        return self._changes.wait_until_none(self.open_attempts, seconds)

    def renew(self) -> None:
        """See `Ledger.renew`."""
        self._redis.run(_run_scripts.RENEW, self._owner, self._clock() + self._lease_s, *self._own())

    # -- rates that processes share ------------------------------------------------------------------------------------

    def take_start(self, bucket: str, windows: Sequence[tuple[int, float]], /) -> float:
        """See `Ledger.take_start`."""
        flat = [value for window in windows for value in window]
        return float(self._redis.run(_run_scripts.TAKE_START, bucket, self._shared_now(), *flat))

    def pause_starts(self, bucket: str, seconds: float, /) -> None:
        """See `Ledger.pause_starts`."""
        self._redis.run(_run_scripts.PAUSE_STARTS, bucket, self._shared_now(), seconds)

    # -- inside --------------------------------------------------------------------------------------------------------

    def _settle(self, held: Reservation, kept: Stored, entry: Entry | None) -> Stored:
        raw = None if kept.raw is None else json.dumps(kept.raw.to_json())
        told: tuple[Any, ...] = (None, None, None)
        if entry is not None and held.run is not None:
            told = (held.run, entry.position, json.dumps(asdict(entry)))
        self._redis.run(
            _scripts.SETTLE, held.key, held.id, held.source, held.provider, kept.cost, kept.created, raw,
            kept.error_type, kept.error, *told,
        )  # fmt: skip
        self._changes.wake()
        if self._max_answers is not None:
            self._settled += 1
            if self._settled % max(1, self._max_answers // 10) == 0:  # counting them each time would be slow
                trim(self._redis, self._max_answers)
        return kept

    def _end(self, held: Reservation, state: str, cost: int) -> None:
        self._redis.run(_scripts.END, held.id, state, cost)
        self._changes.wake()

    def _own(self) -> list[str]:
        rows = open_attempts(self._redis)
        return [row["id"] for row in rows if row["state"] == "reserved" and row["owner"] == self._owner]

    def _shared_now(self) -> float | None:
        return None if self._clock is time.time else self._clock()
