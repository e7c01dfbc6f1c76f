"""What the tests of ledgers share: a clock, a way to open the same ledger several times, a Redis server of their own."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from cloudvision.ledger import Ledger, Reservation
from cloudvision.ledger_store import LedgerStore
from cloudvision.raw import Raw

ANSWER = Raw(body='{"lines": []}', latency_s=0.2, received_at=5.0)


class Clock:
    """A clock that tests move by hand."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Opener:
    """Opens one and the same empty ledger as often as wanted, and closes all at the end."""

    def __init__(self, name: str, stack: ExitStack) -> None:
        self.name = name
        self._stack = stack

    def __call__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        lease_s: float = 900.0,
        ttl_s: float | None = None,
        max_answers: int | None = None,
        owner: str | None = None,
    ) -> LedgerStore:
        if "://" in self.name:
            from cloudvision.redis_ledger import RedisLedger

            opened: type[Ledger | RedisLedger] = RedisLedger
        else:
            opened = Ledger
        made: LedgerStore = opened(
            self.name, clock=clock, lease_s=lease_s, ttl_s=ttl_s, max_answers=max_answers, owner=owner
        )
        return self._stack.enter_context(made)


def reserve(ledger: LedgerStore, key: str = "fake/f/one", *, source: str = "one.png", **more: object) -> object:
    return ledger.reserve(key, **{"source": source, "provider": "fake", "worst": 1000, **more})  # type: ignore[arg-type]


def held(ledger: LedgerStore, key: str = "fake/f/one", **more: object) -> Reservation:
    claim = reserve(ledger, key, **more)  # type: ignore[arg-type]
    assert isinstance(claim, Reservation)
    return claim


def spent(ledger: LedgerStore) -> dict[str, tuple[int, int]]:
    return {state: (number, micros) for state, number, micros in ledger.attempts()}


@contextmanager
def redis_server() -> Iterator[str]:
    """The address of a Redis server that listens on a Unix socket alone and forgets everything at the end."""
    pytest.importorskip("redis", reason="needs the extra redis")
    if (program := shutil.which("redis-server")) is None:
        pytest.skip("needs the program redis-server")
    folder = Path(tempfile.mkdtemp(prefix="cv-redis-"))  # tmp_path is too long for the path of a socket
    socket = folder / "s"
    arguments = ["--port", "0", "--unixsocket", str(socket), "--save", "", "--appendonly", "yes", "--dir", str(folder)]
    server = subprocess.Popen([program, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 20
        while not socket.exists():  # it listens from the first moment
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(0.01)
                pytest.fail("redis-server ended at its start")
            if time.monotonic() > until:
                pytest.fail("redis-server does not start")
        yield f"unix://{socket}"
    finally:
        server.kill()
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)


def new_name(kind: str, *, folder: Path, redis: Callable[[], str]) -> str:
    """The name of an empty ledger of one kind."""
    return f"{redis()}#{uuid.uuid4().hex}" if kind == "redis" else str(folder / "ledger.db")
