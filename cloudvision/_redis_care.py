"""Reading a Redis ledger row by row, and deleting from it."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import get_args

from cloudvision import _redis_scripts as _scripts
from cloudvision._ledger_rows import Answer, Attempt, Entry, Foreseen, Kind, Purged, RunRow, Stored, Tally
from cloudvision._redis_connection import RedisConnection
from cloudvision.raw import Raw

STORED = ("raw", "cost", "created", "error_type", "error")
_CHUNK = 1000

log = logging.getLogger(__name__)


def stored(row: Sequence[str | None]) -> Stored | None:
    """An answer out of its fields, None where there is none."""
    raw, cost, created, error_type, error = row
    if cost is None or created is None:
        return None
    return Stored(None if raw is None else Raw.from_json(json.loads(raw)), int(cost), float(created), error_type, error)


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
        )
        for row in rows
        if row["state"] == "uncertain"
    )
    return tuple(sorted(found, key=lambda attempt: (attempt.started, attempt.id)))


def answers(redis: RedisConnection, *, provider: str | None, chunk: int) -> Iterator[Answer]:
    """All settled outcomes by age; one that is settled anew meanwhile may come twice."""
    start = 0
    while True:
        with redis.our_errors() as client:
            keys = client.zrange(redis.key("answers"), start, start + chunk - 1)
            pipe = client.pipeline(transaction=False)
            for key in keys:
                pipe.hmget(redis.key("answer", key), "source", "provider", *STORED)
            rows = pipe.execute()
        for key, (source, asked, *rest) in zip(keys, rows, strict=True):
            found = stored(rest)
            if found is not None and provider in (None, asked):
                yield Answer(key, source, asked, found)
        if len(keys) < chunk:
            return
        start += chunk


def hashes(redis: RedisConnection, prefix: str, *, chunk: int) -> Iterator[tuple[str, int, str]]:
    """(key, hash, source) of the pictures whose keys begin with `prefix`; one may come twice."""
    cursor = 0
    while True:
        with redis.our_errors() as client:
            cursor, found = client.hscan(redis.key("hashes"), cursor, count=chunk)
        for key, text in found.items():
            if key.startswith(prefix):
                yield key, int(text[:16], 16), text[16:]
        if cursor == 0:
            return


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
        redis.run(_scripts.FORGET, run, position)
    with redis.our_errors() as client:
        for key in keys:
            client.delete(redis.key("answer", key))
            client.zrem(redis.key("answers"), key)
            client.hdel(redis.key("hashes"), key)
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
