"""`cloudvision emulate`: the paid services on this machine, for SDKs, scripts and tests."""

from __future__ import annotations

import shlex
import threading
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from cloudvision.cli._talk import say
from cloudvision.cli._until_told import OWN_ADDRESSES, until_told
from cloudvision.emulator import Emulator, running
from cloudvision.emulator.accounts import REGION
from cloudvision.emulator.local_trainer import LocalTrainer
from cloudvision.errors import ConfigError


def emulate(
    port: Annotated[int, typer.Option(help="0 takes a free one.")] = 5080,
    host: Annotated[
        str, typer.Option(help="The address to listen on; anything but loopback lets others in.")
    ] = "127.0.0.1",
    tier: Annotated[str | None, typer.Option(metavar="F0|S0|S1", help="Hold to this tier's limits.")] = None,
    faults: Annotated[Path | None, typer.Option(help="JSON file of faults to answer with.")] = None,
    answers: Annotated[
        Path | None, typer.Option(help="Folder of <service>/<sha256 of the picture>.json to answer with.")
    ] = None,
    region: Annotated[str, typer.Option(help="AWS region that requests must be signed for.")] = REGION,
    allow_private_hosts: Annotated[
        bool, typer.Option("--allow-private-hosts", help="Let services fetch URLs of this machine and its network.")
    ] = False,
) -> None:
    """Serve the paid vision services on this machine until Ctrl-C, and print the environment that leads to them.

    Answers are computed from the pictures that are sent. No account is needed and nothing costs money.
    """
    done = threading.Event()
    trainer, lacking = _trainer()
    with (
        running(
            host=host, port=port, tier=tier, region=region, trainer=trainer, allow_private_hosts=allow_private_hosts
        ) as emulator,
        until_told(done.set),
    ):
        if faults is not None:
            emulator.faults.load(faults)
        if answers is not None:
            say(f"{emulator.place_folder(answers)} answers placed")
        for name, value in emulator.environment.items():
            print(f"export {name}={shlex.quote(value)}", flush=True)
        say(f"listening on {emulator.url}, health at {emulator.url}/health, bill at {emulator.url}/emulator/bill")
        if host not in OWN_ADDRESSES:
            say(f"listening on {escape(host)} lets in whoever reaches it: to be served, to see the bill, to set faults")
        _wait(emulator, done, lacking=lacking)
    _last_words(emulator)


def _trainer() -> tuple[LocalTrainer | None, str | None]:
    """What trains for Custom Vision, or why nothing does."""
    try:
        return LocalTrainer(), None
    except ConfigError as exc:
        return None, str(exc)


def _wait(emulator: Emulator, done: threading.Event, *, lacking: str | None) -> None:
    say("give runs against it a ledger of their own, such as --ledger emulated.db")
    say("loading the text recognition ...")
    if lacking is not None:
        say(f"Custom Vision cannot train here: {escape(lacking)}")
    while emulator.engine == "loading" and not done.wait(0.05):
        pass
    if not done.is_set():
        say(f"text recognition: {escape(emulator.engine)}")
    done.wait()


def _last_words(emulator: Emulator) -> None:
    for account, units in emulator.bill().units.items():
        for unit, count in units.items():
            say(f"billed to {escape(account)}: {count} {escape(unit)}")
