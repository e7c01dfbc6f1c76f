"""The answers in a Redis ledger, what their pictures look like, and how many are kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from cloudvision import _redis_scripts as _scripts
from cloudvision._ledger_rows import Answer, Stored
from cloudvision._redis_connection import RedisConnection
from cloudvision.raw import Raw

STORED = ("raw", "cost", "created", "error_type", "error")


class RedisAnswers:
    """The part of `RedisLedger` that reads what was answered."""

    _clock: Callable[[], float]
    _redis: RedisConnection
    _ttl_s: float

    def answer(self, key: str) -> Stored | None:
        """See `Ledger.answer`."""
        with self._redis.our_errors() as client:
            row = client.hmget(self._redis.key("answer", key), STORED)
        found = stored(row)
        return found if found is not None and found.created >= self._clock() - self._ttl_s else None

    def answers(self, *, provider: str | None = None, chunk: int = 1000) -> Iterator[Answer]:
        """See `Ledger.answers`."""
        return answers(self._redis, provider=provider, chunk=chunk)

    def keep_hash(self, key: str, picture_hash: int, *, source: str) -> None:
        """See `Ledger.keep_hash`."""
        self._redis.run(_scripts.KEEP_HASH, key, f"{picture_hash:016x}", source)

    def hashes(self, prefix: str, *, chunk: int = 10_000) -> Iterator[tuple[str, int, str]]:
        """See `Ledger.hashes`."""
        return hashes(self._redis, prefix, chunk=chunk)


def stored(row: Sequence[str | None]) -> Stored | None:
    """An answer out of its fields, None where there is none."""
    raw, cost, created, error_type, error = row
    if cost is None or created is None:
        return None
    return Stored(None if raw is None else Raw.from_json(json.loads(raw)), int(cost), float(created), error_type, error)


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


def forget_answers(client: Any, redis: RedisConnection, keys: Collection[str]) -> None:
    """Delete answers and the hashes of their pictures."""
    for key in keys:
        client.delete(redis.key("answer", key))
        client.zrem(redis.key("answers"), key)
        client.hdel(redis.key("hashes"), key)
