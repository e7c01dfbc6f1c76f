"""Start an emulator and stop it again."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from cloudvision.emulator.accounts import REGION, Account, Accounts
from cloudvision.emulator.bill import Books
from cloudvision.emulator.custom_vision_trainer import Trainer
from cloudvision.emulator.faults import Faults
from cloudvision.emulator.hand import Emulator
from cloudvision.emulator.photographs import Photographs
from cloudvision.emulator.placed import Placed
from cloudvision.emulator.reader import LocalReader, Reader, Warmth
from cloudvision.errors import ConfigError
from cloudvision.fetch import Fetcher

TIERS = ("F0", "S0", "S1")
_THREADS = 64
_LOADING_S = 10.0
"""An interpreter that ends while native code is being loaded may crash: as long as this the end waits for it."""


@contextmanager
def running(  # noqa: PLR0913 - independent settings, each given by name
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    tier: str | None = None,
    accounts: Iterable[str] = ("emulator",),
    region: str = REGION,
    reader: Reader | None = None,
    trainer: Trainer | None = None,
    allow_private_hosts: bool = False,
    seed: int | None = None,
    clock: Callable[[], float] = time.monotonic,
    now: Callable[[], float] = time.time,
) -> Iterator[Emulator]:
    """The services on this machine, for as long as the block lasts.

    Args:
        host: the address to listen on; anything but loopback lets others in.
        port: 0 takes a free one.
        tier: "F0", "S0" or "S1" for its limits; None for the sizes of a paid tier and no limit on requests.
        accounts: names of the known accounts; each has keys of its own.
        region: of AWS, which signatures must name.
        reader: text recognition; default: the engine of "local-ocr", loaded in the background.
        trainer: makes Custom Vision's models; without one its train answers with an error.
        allow_private_hosts: let services fetch URLs on this machine and its network.
        seed: of identifiers and of faults by rate; None for other identifiers each time.
        clock: seconds, monotonic.
        now: seconds since the epoch; signatures must be made within fifteen minutes of it.

    Raises:
        ConfigError: the extra is not installed, the tier is unknown, or the address cannot be listened on.
    """
    if tier is not None and tier.upper() not in TIERS:
        raise ConfigError(f"unknown tier {tier!r}; known: {', '.join(TIERS)}")
    try:
        import httptools  # noqa: F401
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            f"the emulator needs a web server ({error}): pip install 'cloudvision-gate[emulator]'"
        ) from error
    from cloudvision._web import listening, reachable, serving
    from cloudvision.emulator.app import App
    from cloudvision.emulator.catalog import open_services
    from cloudvision.emulator.desk import Desk
    from cloudvision.emulator.service import Surroundings
    from cloudvision.emulator.wire import Protocol

    draw = random.Random(seed)
    known, placed, books, faults = Accounts(accounts, region=region), Placed(), Books(), Faults(seed=seed or 0)
    engine = LocalReader() if reader is None else reader
    photographs = Photographs(engine)
    with (
        listening(host, port) as listener,
        Fetcher(allow_private_hosts=allow_private_hosts, max_bytes=20 * 2**20, total_timeout_s=20.0) as fetcher,
        ThreadPoolExecutor(_THREADS, thread_name_prefix="emulator") as pool,
        ThreadPoolExecutor(4, thread_name_prefix="emulator-later") as later,
    ):
        surroundings = Surroundings(
            accounts=known,
            reader=engine,
            photographs=photographs,
            placed=placed,
            fetch=fetcher.fetch,
            pool=later,
            tier=None if tier is None else tier.upper(),
            clock=clock,
            now=now,
            trainer=trainer,
            image_status=faults.image_status,
            new_id=lambda: str(uuid.UUID(int=draw.getrandbits(128), version=4)),
        )
        services = open_services(surroundings)
        url = f"http://{reachable(host)}:{listener.getsockname()[1]}"

        def environments(account: Account) -> dict[str, str]:
            return {name: value for service in services for name, value in service.environment(url, account).items()}

        warmth = Warmth(engine)
        desk = Desk(books=books, faults=faults, clock=clock, now=now)
        app = App(services, desk=desk, placed=placed, pool=pool, engine=lambda: warmth.state)
        with serving(app.asgi, listener, protocol=Protocol, stopping=app.stopping):
            try:
                yield Emulator(
                    url,
                    accounts=known,
                    faults=faults,
                    environments=environments,
                    books=books,
                    placed=placed,
                    photographs=photographs,
                    warmth=warmth,
                )
            finally:
                if isinstance(engine, LocalReader):
                    engine.stop()
                warmth.wait(_LOADING_S)
