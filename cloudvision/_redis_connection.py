"""The connection behind the Redis ledger: an address, a prefix, and scripts that answer with our errors."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from cloudvision import _redis_scripts as _scripts
from cloudvision.errors import ConfigError, LedgerError

SCHEMA = 1
TRIES, TIMEOUT_S = 5, 30.0

log = logging.getLogger(__name__)


class RedisConnection:
    """One ledger on a server. Safe for many threads: each call takes a connection of its own out of a pool.

    Args:
        address: "redis://host:6379/0#name"; the fragment tells several ledgers of one server apart.
    """

    def __init__(self, address: str) -> None:
        try:
            import redis
            from redis.backoff import ExponentialBackoff
            from redis.retry import Retry
        except ImportError as exc:
            raise ConfigError(
                "a ledger on a Redis server needs the package redis: pip install 'cloudvision-gate[redis]'"
            ) from exc
        url, _, name = address.partition("#")
        if re.search(r"[{}\s:]", name):
            raise ConfigError(f"the name of a ledger, {name!r}, may hold no braces, colons or spaces")
        self.name = _without_password(url) + (f"#{name}" if name else "")
        self.prefix = f"{{cloudvision:{name or 'ledger'}}}:"
        self._errors: tuple[type[Exception], ...] = (redis.RedisError,)
        over_network = {} if url.startswith("unix:") else {"socket_connect_timeout": TIMEOUT_S}
        try:
            # Every script may be sent again after a lost connection: each does the same thing only once.
            self.client: Any = redis.Redis.from_url(
                url,
                decode_responses=True,
                socket_timeout=TIMEOUT_S,
                health_check_interval=30,
                retry=Retry(ExponentialBackoff(cap=2.0, base=0.05), TRIES),
                **over_network,
            )
        except ValueError as exc:
            raise ConfigError(f"{self.name} is no address of a Redis server: redis://host:6379/0") from exc
        self._scripts: dict[str, Callable[..., Any]] = {}
        self._check()

    def close(self) -> None:
        """Close all connections; further use opens new ones."""
        self.client.close()

    def key(self, *parts: object) -> str:
        """The name of a key of this ledger."""
        return self.prefix + ":".join(str(part) for part in parts)

    def run(self, body: str, *arguments: object) -> Any:
        """Run a script as one transaction; None is passed as the empty string."""
        script = self._scripts.get(body)
        if script is None:
            script = self._scripts[body] = self.client.register_script(_scripts.with_prelude(body))
        values = ["" if value is None else repr(value) if isinstance(value, float) else value for value in arguments]
        with self.our_errors():
            return script(keys=[self.prefix], args=values)

    @contextmanager
    def our_errors(self) -> Iterator[Any]:
        """The client, with its errors turned into ours."""
        try:
            yield self.client
        except self._errors as exc:
            raise LedgerError(f"the ledger {self.name} cannot be used: {type(exc).__name__}: {exc}") from exc

    def _check(self) -> None:
        with self.our_errors() as client:
            client.set(self.key("schema"), SCHEMA, nx=True)
            schema = int(client.get(self.key("schema")))
            if schema > SCHEMA:
                raise LedgerError(
                    f"{self.name} was written by a newer cloudvision (schema {schema}); update cloudvision-gate"
                )
            policy = client.info("memory").get("maxmemory_policy", "noeviction")
            saved = client.info("persistence").get("aof_enabled", 1)
        if policy != "noeviction":
            log.warning(
                "%s deletes keys when its memory is full (%s): set maxmemory-policy noeviction", self.name, policy
            )
        if not saved:
            log.warning("%s keeps no append-only file: a restart may lose the last answers (appendonly yes)", self.name)


def _without_password(url: str) -> str:
    scheme, _, rest = url.partition("?")[0].partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"
