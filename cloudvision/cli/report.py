"""`cloudvision report`: what a ledger tells."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cloudvision import report as figures
from cloudvision._printable import visible
from cloudvision.cli.ledger import open_existing
from cloudvision.errors import UnexpectedAnswerError
from cloudvision.ledger import Entry, RunRow
from cloudvision.ledger_store import LedgerStore
from cloudvision.provider import Provider, open_provider


def report(
    ledger: Annotated[str, typer.Argument(help="The ledger of the runs: file or redis://...")] = "cloudvision.db",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write one self-contained page to this file.")] = None,
) -> None:
    """Called, skipped, cached, uncertain, spent and saved: of the whole ledger and of each run."""
    with open_existing(ledger) as opened:
        name = opened.name
        runs = opened.runs()
        parts = [("all runs", figures.report(opened, found_text=_text_finder(opened, runs)))]
        for run in runs:
            parts.append((_heading(run), figures.report(opened, run=run.id, found_text=_text_finder(opened, (run,)))))
    if html is not None:
        html.write_text(figures.page(f"cloudvision: {name.rpartition('/')[2]}", tuple(parts)), encoding="utf-8")
    if as_json:
        values = [{"name": heading, **part.to_json()} for heading, part in parts]
        print(json.dumps({"ledger": name, "total": values[0], "runs": values[1:]}, indent=2))
        return
    for heading, part in parts:
        print(visible(heading))
        for label, value in figures.rows(part):
            print(f"  {label:24}{value}")
        print()


def _heading(run: RunRow) -> str:
    started = datetime.fromtimestamp(run.started, UTC).strftime("%Y-%m-%d %H:%M UTC")
    state = "" if run.ended is not None else ", unfinished"
    return f"run {run.id}, {started}{state}: {run.command}"


def _text_finder(ledger: LedgerStore, runs: tuple[RunRow, ...]) -> Callable[[Entry], bool]:
    readers: dict[str, Provider] = {name: open_provider(name) for name in {run.provider for run in runs}}

    def found_text(entry: Entry) -> bool:
        stored = ledger.answer(entry.key) if entry.key else None
        if stored is None or stored.raw is None or entry.key is None:
            return False
        try:
            return bool(readers[entry.key.partition("/")[0]].parse(stored.raw).lines)
        except UnexpectedAnswerError:
            return False

    return found_text
