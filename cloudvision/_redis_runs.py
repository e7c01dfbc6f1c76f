"""The runs of a Redis ledger: who is at which list, and how far."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator
from dataclasses import asdict
from typing import get_args

from cloudvision import _redis_run_scripts as _run_scripts
from cloudvision._heartbeat import Heartbeat
from cloudvision._ledger_rows import Entry, Foreseen, Kind, Run, RunRow, Tally
from cloudvision._owner import is_alive
from cloudvision._redis_answers import forget_answers
from cloudvision._redis_connection import RedisConnection

_CHUNK = 1000
_STATES = ("reserved", "settled", "released", "uncertain")


class RedisRuns:
    """The part of `RedisLedger` that runs and reports need."""

    _clock: Callable[[], float]
    _heartbeat: Heartbeat
    _lease_s: float
    _max_answers: int | None
    _owner: str
    _redis: RedisConnection

    def begin_run(self, identity: str, *, command: str, provider: str, reopen: bool = False) -> Run:
        """See `Ledger.begin_run`."""
        self._heartbeat.start()
        now = self._clock()
        # Whoever has ended by now does not come back; whoever ends a moment later is still taken for living.
        gone = [owner for owner in self._owners() if not is_alive(owner)]
        number, resumed, beside = self._redis.run(
            _run_scripts.BEGIN_RUN,
            identity,
            command,
            provider,
            now,
            int(reopen),
            self._owner,
            now + self._lease_s,
            *gone,
        )
        return Run(number, resumed=bool(resumed), beside=bool(beside))

    def finish_run(self, run: int) -> None:
        """See `Ledger.finish_run`."""
        with self._redis.our_errors() as client:
            client.hset(self._redis.key("run", run), "ended", repr(self._clock()))
        self.leave_run(run)
        if self._max_answers is not None:
            trim(self._redis, self._max_answers)

    def leave_run(self, run: int) -> None:
        """See `Ledger.leave_run`."""
        with self._redis.our_errors() as client:
            client.hdel(self._redis.key("run", run), "owner", "lease_until")

    def record(self, run: int, entry: Entry) -> None:
        """See `Ledger.record`."""
        self._redis.run(_run_scripts.RECORD, run, entry.position, json.dumps(asdict(entry)))

    def progress(self, run: int, *, chunk: int = 1000) -> Iterator[Entry]:
        """See `Ledger.progress`."""
        return progress(self._redis, run, chunk=chunk)

    def tallies(self, run: int | None = None) -> tuple[Tally, ...]:
        """See `Ledger.tallies`."""
        runs = [row.id for row in self.runs()] if run is None else [run]
        return tallies(self._redis, runs)

    def attempts(self, run: int | None = None) -> tuple[tuple[str, int, int], ...]:
        """See `Ledger.attempts`."""
        with self._redis.our_errors() as client:
            sums: dict[str, str] = client.hgetall(self._redis.key("states", "all" if run is None else run))
        rows = ((state, int(sums.get(f"{state}:number", 0)), int(sums.get(f"{state}:micros", 0))) for state in _STATES)
        return tuple(row for row in rows if row[1])

    def runs(self) -> tuple[RunRow, ...]:
        """See `Ledger.runs`."""
        return runs(self._redis)

    def add_estimate(self, identity: str, foreseen: Foreseen) -> None:
        """See `Ledger.add_estimate`."""
        with self._redis.our_errors() as client:
            values = {"created": self._clock(), "foreseen": asdict(foreseen)}
            client.rpush(self._redis.key("estimates", identity), json.dumps(values))

    def estimated(self, run: int) -> Foreseen | None:
        """See `Ledger.estimated`."""
        return estimated(self._redis, run)

    def _owners(self) -> set[str]:
        """Who is said to be at an unfinished run."""
        with self._redis.our_errors() as client:
            pipe = client.pipeline(transaction=False)
            for number in client.lrange(self._redis.key("runs"), 0, -1):
                pipe.hget(self._redis.key("run", number), "owner")
            return {owner for owner in pipe.execute() if owner}


def progress(redis: RedisConnection, run: int, *, chunk: int) -> Iterator[Entry]:
    """The entries of a run in list order."""
    after = -1
    while True:
        with redis.our_errors() as client:
            found = client.zrangebyscore(redis.key("positions", run), f"({after}", "+inf", start=0, num=chunk)
            texts = client.hmget(redis.key("progress", run), found) if found else []
        yield from (Entry(**json.loads(text)) for text in texts if text is not None)
        if len(found) < chunk:
            return
        after = int(found[-1])


def tallies(redis: RedisConnection, runs: Collection[int]) -> tuple[Tally, ...]:
    """Entries of these runs, counted by what became of them."""
    sums: dict[str, int] = {}
    for run in runs:
        with redis.our_errors() as client:
            for name, value in client.hgetall(redis.key("tally", run)).items():
                sums[name] = sums.get(name, 0) + int(value)
    out = []
    for kind in get_args(Kind):
        for cached, audited in ((0, 0), (0, 1), (1, 0), (1, 1)):
            entries, cost, avoided = (
                sums.get(f"{kind}:{cached}:{audited}:{of}", 0) for of in ("entries", "cost", "avoided")
            )
            if entries:
                out.append(Tally(kind, bool(cached), bool(audited), entries, cost, avoided))
    return tuple(out)


def runs(redis: RedisConnection) -> tuple[RunRow, ...]:
    """All runs, oldest first."""
    out = []
    with redis.our_errors() as client:
        for number in client.lrange(redis.key("runs"), 0, -1):
            row = client.hgetall(redis.key("run", number))
            ended = float(row["ended"]) if "ended" in row else None
            out.append(RunRow(int(number), row["command"], row["provider"], float(row["started"]), ended))
    return tuple(out)


def estimated(redis: RedisConnection, run: int) -> Foreseen | None:
    """The last estimate of a run from before it began."""
    with redis.our_errors() as client:
        identity, started = client.hmget(redis.key("run", run), "identity", "started")
        texts = [] if identity is None else client.lrange(redis.key("estimates", identity), 0, -1)
    said = [values for values in map(json.loads, texts) if values["created"] <= float(started)]
    return Foreseen(**said[-1]["foreseen"]) if said else None


def trim(redis: RedisConnection, most: int) -> None:
    """Delete the oldest answers above a number, but none that an unfinished run stands on. Not one transaction."""
    unfinished = [run.id for run in runs(redis) if run.ended is None]
    with redis.our_errors() as client:
        surplus, start = client.zcard(redis.key("answers")) - most, 0
        while surplus > 0 and (oldest := client.zrange(redis.key("answers"), start, start + surplus + _CHUNK - 1)):
            free = set(oldest)
            for run in unfinished:
                free.difference_update(entry.key for entry in progress(redis, run, chunk=_CHUNK) if entry.key)
            doomed = [key for key in oldest if key in free][:surplus]
            forget_answers(client, redis, doomed)
            surplus -= len(doomed)
            start += len(oldest) - len(doomed)
