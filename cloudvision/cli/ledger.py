"""`cloudvision ledger`: settle uncertain calls, take answers out, delete people's text."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TextIO

import typer

from cloudvision._printable import visible
from cloudvision.cli._duration import seconds
from cloudvision.cli._talk import say
from cloudvision.errors import ConfigError
from cloudvision.ledger import Answer, Attempt
from cloudvision.ledger_store import REDIS, LedgerStore, open_ledger
from cloudvision.prices import MICROS

app = typer.Typer(help="Settle uncertain calls; take answers out; delete by source or age.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="LEDGER", help="The ledger of the runs: file or redis://...")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def open_existing(name: str) -> LedgerStore:
    """Open a ledger that must be there already.

    Raises:
        ConfigError: there is no such file.
    """
    if not name.startswith(REDIS) and not Path(name).is_file():
        raise ConfigError(f"there is no ledger {name}")
    return open_ledger(name)


@app.command("resolve")
def resolve(
    ledger: Name = "cloudvision.db",
    billed: Annotated[str, typer.Option(metavar="all|ID,ID", help="These are on the bill.")] = "",
    not_billed: Annotated[str, typer.Option(metavar="all|ID,ID", help="These are not on the bill.")] = "",
    as_json: AsJson = False,
) -> None:
    """List the calls that may have been billed, and settle them after a look at the bill.

    A billed one is settled with its worst cost, and has no answer; one that was not billed is released.
    """
    with open_existing(ledger) as opened:
        found = opened.uncertain_attempts()
        paid, free = _choice(found, billed=billed, not_billed=not_billed)
        settled, released = opened.resolve(paid, billed=True), opened.resolve(free, billed=False)
        left = tuple(attempt for attempt in found if attempt.id not in paid | free)
    if as_json:
        values = {"settled": settled, "released": released, "uncertain": [_attempt(attempt) for attempt in left]}
        print(json.dumps(values, indent=2, ensure_ascii=False))
        return
    for attempt in left:
        print(visible(_line(attempt)))
    say(f"{len(left)} calls may have been billed, {_usd(left)} USD at most")
    if paid or free:
        say(f"{settled} settled as billed, {released} released")
    elif left:
        say(
            "look at the bill, then say --billed all, --not-billed all, or their numbers: --billed 3,4 --not-billed all"
        )


@app.command("export")
def export(
    ledger: Name = "cloudvision.db",
    provider: Annotated[str | None, typer.Option(help="Only the answers of this one.")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="A file; readable by you alone.")] = None,
) -> None:
    """Write every answer as one JSON object a line: key, source, provider, cost, created, raw; error where refused."""
    written = 0
    with open_existing(ledger) as opened, _stream(output) as stream:
        for answer in opened.answers(provider=provider):
            stream.write(json.dumps(_answer(answer)) + "\n")
            written += 1
    say(f"{written} answers written")


@app.command("purge")
def purge(
    ledger: Name = "cloudvision.db",
    source: Annotated[str | None, typer.Option(help="Glob pattern of source names, such as '*/holiday/*'.")] = None,
    older_than: Annotated[str | None, typer.Option(help="Age, such as 30d or 12h.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count only.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete answers and progress by source, age or both, so that their text is gone. What was spent stays counted."""
    if source is None and older_than is None:
        raise ConfigError("say what to delete: --source PATTERN, --older-than 30d, or both")
    before = None if older_than is None else time.time() - seconds(older_than)
    with open_existing(ledger) as opened:
        purged = opened.purge(source=source, before=before, dry_run=dry_run)
    if as_json:
        values = {"answers": purged.answers, "entries": purged.entries, "attempts": purged.attempts}
        print(json.dumps({**values, "dry_run": dry_run}))
        return
    verb = "would be " if dry_run else ""
    say(
        f"{purged.answers} answers and {purged.entries} list entries {verb}deleted,"
        f" {purged.attempts} sources {verb}blanked in the calls"
    )


def _choice(found: tuple[Attempt, ...], *, billed: str, not_billed: str) -> tuple[set[int], set[int]]:
    """Numbers of the attempts that were billed, and of those that were not; one "all" means all others."""
    paid, free = _chosen(billed, found), _chosen(not_billed, found)
    both = paid & free
    if not both:
        return paid, free
    match (billed.strip() == "all", not_billed.strip() == "all"):
        case (True, False):
            return paid - free, free
        case (False, True):
            return paid, free - paid
    raise ConfigError(f"said to be billed and not billed: {_listed(both)}")


def _chosen(text: str, found: tuple[Attempt, ...]) -> set[int]:
    """Numbers of the attempts that a flag names."""
    known = {attempt.id for attempt in found}
    if text.strip() == "all":
        return known
    try:
        asked = {int(part) for part in text.split(",") if part.strip()}
    except ValueError:
        raise ConfigError(f"{text!r} is neither 'all' nor a list of numbers such as 3,4") from None
    if asked - known:
        raise ConfigError(f"no uncertain calls: {_listed(asked - known)}; see `cloudvision ledger resolve`")
    return asked


def _listed(ids: Collection[int]) -> str:
    return ", ".join(str(number) for number in sorted(ids))


def _usd(attempts: tuple[Attempt, ...]) -> str:
    return f"{sum(attempt.worst for attempt in attempts) / MICROS:.4f}"


def _line(attempt: Attempt) -> str:
    cost = f"{attempt.worst / MICROS:.4f} USD"
    line = f"{attempt.id:>6}  {_time(attempt.started)}  {cost}  {attempt.provider}  {attempt.source}"
    if attempt.kept_until is None or attempt.kept_until <= time.time():
        return line
    return f"{line}  (paid, and its answer comes with the same command until {_time(attempt.kept_until)})"


def _attempt(attempt: Attempt) -> dict[str, object]:
    return {
        "id": attempt.id,
        "source": attempt.source,
        "provider": attempt.provider,
        "run": attempt.run,
        "started": _time(attempt.started),
        "answer_until": None if attempt.kept_until is None else _time(attempt.kept_until),
        "micros": attempt.worst,
    }


def _answer(answer: Answer) -> dict[str, object]:
    stored = answer.stored
    values: dict[str, object] = {
        "key": answer.key,
        "source": answer.source,
        "provider": answer.provider,
        "cost_usd": stored.cost / MICROS,
        "created": _time(stored.created),
        "raw": None if stored.raw is None else stored.raw.to_json(),
    }
    if stored.error_type is not None:
        values["error"] = {"type": stored.error_type, "message": stored.error}
    return values


def _time(seconds_since_1970: float) -> str:
    return datetime.fromtimestamp(seconds_since_1970, UTC).isoformat(timespec="seconds")


@contextmanager
def _stream(output: Path | None) -> Iterator[TextIO]:
    if output is None:
        yield sys.stdout
        return
    try:
        number = os.open(output, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)  # it holds people's text
    except OSError as error:
        raise ConfigError(f"cannot write {output}: {error.strerror}") from error
    with os.fdopen(number, "w", encoding="utf-8") as stream:
        yield stream
