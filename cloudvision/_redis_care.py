"""Looking after a Redis ledger: uncertain attempts settled by hand, people's text deleted."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Collection
from fnmatch import fnmatchcase

from cloudvision import _redis_run_scripts as _run_scripts
from cloudvision import _redis_scripts as _scripts
from cloudvision._ledger_rows import Attempt, Purged
from cloudvision._owner import is_alive
from cloudvision._redis_answers import answers, forget_answers, hashes
from cloudvision._redis_connection import RedisConnection
from cloudvision._redis_runs import progress, runs

_CHUNK = 1000

log = logging.getLogger(__name__)


class RedisCare:
    """The part of `RedisLedger` behind `cloudvision ledger`."""

    _clock: Callable[[], float]
    _redis: RedisConnection

    def uncertain_attempts(self) -> tuple[Attempt, ...]:
        """See `Ledger.uncertain_attempts`."""
        now, rows = self._clock(), open_attempts(self._redis)
        lost = [
            row["id"]
            for row in rows
            if row["state"] == "reserved" and (float(row["lease_until"]) <= now or not is_alive(row["owner"]))
        ]
        if lost:
            self._redis.run(_scripts.LOSE, *lost)
        return uncertain(open_attempts(self._redis))

    def resolve(self, ids: Collection[int], *, billed: bool) -> int:
        """See `Ledger.resolve`."""
        return int(self._redis.run(_scripts.RESOLVE, "billed" if billed else "not billed", *ids))

    def purge(self, *, source: str | None = None, before: float | None = None, dry_run: bool = False) -> Purged:
        """See `Ledger.purge`. Not one transaction; the append-only file is rewritten, snapshots and replicas follow."""
        limit = math.inf if before is None else before
        return purge(self._redis, source=source, before=limit, dry_run=dry_run)


def open_attempts(redis: RedisConnection, *sets: str) -> list[dict[str, str]]:
    """The fields of all attempts that are reserved or uncertain (or are in other sets), with their `id`."""
    out = []
    with redis.our_errors() as client:
        ids = sorted({number for name in sets or ("open",) for number in client.smembers(redis.key(name))})
        for start in range(0, len(ids), _CHUNK):
            chunk = ids[start : start + _CHUNK]
            pipe = client.pipeline(transaction=False)
            for number in chunk:
                pipe.hgetall(redis.key("attempt", number))
            out += [{**row, "id": number} for number, row in zip(chunk, pipe.execute(), strict=True) if row]
    return out


def uncertain(rows: list[dict[str, str]]) -> tuple[Attempt, ...]:
    """The attempts among these that may have been billed, oldest first."""
    found = (
        Attempt(
            int(row["id"]),
            row["key"],
            row["source"],
            row["provider"],
            int(row["run"]) if row["run"] else None,
            float(row["started"]),
            int(row["worst"]),
            float(row["pending_until"]) if "pending_until" in row else None,
        )
        for row in rows
        if row["state"] == "uncertain"
    )
    return tuple(sorted(found, key=lambda attempt: (attempt.started, attempt.id)))


def purge(redis: RedisConnection, *, source: str | None, before: float, dry_run: bool) -> Purged:
    """Delete answers and progress of matching sources from before a time; blank these sources in open attempts."""

    def matches(name: str) -> bool:
        return source is None or fnmatchcase(name, source)

    attempts = [row for row in open_attempts(redis, "open", "resolved") if row["source"] and matches(row["source"])]
    keys = {row["key"] for row in attempts}
    keys |= {key for key, _, name in hashes(redis, "", chunk=_CHUNK) if matches(name)}
    entries: list[tuple[int, int]] = []
    past = runs(redis)
    for row in past:
        for entry in progress(redis, row.id, chunk=_CHUNK):
            if matches(entry.source):
                keys |= {entry.key} if entry.key else set()
                if (row.ended or row.started) < before:
                    entries.append((row.id, entry.position))
    doomed = [
        answer.key
        for answer in answers(redis, provider=None, chunk=_CHUNK)
        if answer.stored.created < before and (matches(answer.source) or answer.key in keys)
    ]
    blanked = [row["id"] for row in attempts if row["state"] != "reserved" and float(row["started"]) < before]
    named = [
        row.id
        for row in past
        if (row.ended or row.started) < before and (source is None or fnmatchcase(row.command, f"*{source}*"))
    ]
    if not dry_run:
        _delete(redis, doomed, entries=entries, attempts=blanked, runs=named)
    return Purged(len(set(doomed)), len(entries), len(blanked))


def _delete(
    redis: RedisConnection, keys: list[str], *, entries: list[tuple[int, int]], attempts: list[str], runs: list[int]
) -> None:
    for run, position in entries:
        redis.run(_run_scripts.FORGET, run, position)
    with redis.our_errors() as client:
        forget_answers(client, redis, keys)
        for attempt in attempts:
            client.hset(redis.key("attempt", attempt), "source", "")
        for run in runs:
            client.hset(redis.key("run", run), "command", "")
        persistence = client.info("persistence")
        if persistence.get("aof_rewrite_in_progress"):
            log.warning(
                "%s rewrites its append-only file: until it does so again, the file holds deleted text", redis.name
            )
        elif persistence.get("aof_enabled"):
            client.bgrewriteaof()
