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
from cloudvision.errors import ProviderError
from cloudvision.gate.folder import read_config
from cloudvision.gate.gate import DEFAULT, find
from cloudvision.gate.rewrite import reference_in
from cloudvision.ledger import Entry, RunRow
from cloudvision.ledger_store import LedgerStore
from cloudvision.provider import Provider, criterion_of, open_provider
from cloudvision.report import Calibrated, Report
from cloudvision.results import Line


def report(
    ledger: Annotated[str, typer.Argument(help="The ledger of the runs: file or redis://...")] = "cloudvision.db",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write one self-contained page to this file.")] = None,
    gate_model: Annotated[
        str, typer.Option(help="The gate whose calibration scores are compared: name or folder.")
    ] = DEFAULT,
) -> None:
    """Called, skipped, cached, uncertain, spent and saved: of the whole ledger and of each run."""
    with open_existing(ledger) as opened:
        name = opened.name
        runs = opened.runs()
        calibrated = _calibrated(gate_model)
        parts = [("all runs", _part(opened, runs, run=None, calibrated=calibrated))]
        for run in runs:
            parts.append((_heading(run), _part(opened, (run,), run=run.id, calibrated=calibrated)))
    if html is not None:
        html.write_text(figures.page(f"cloudvision: {name.rpartition('/')[2]}", tuple(parts)), encoding="utf-8")
    if as_json:
        values = [{"name": heading, **part.to_json()} for heading, part in parts]
        print(json.dumps({"ledger": name, "total": values[0], "runs": values[1:]}, indent=2))
        return
    for heading, part in parts:
        print(visible(heading))
        for label, value in figures.rows(part):
            print(f"  {label:26}{value}")
        print()


def _heading(run: RunRow) -> str:
    started = datetime.fromtimestamp(run.started, UTC).strftime("%Y-%m-%d %H:%M UTC")
    state = "" if run.ended is not None else ", unfinished"
    return f"run {run.id}, {started}{state}: {run.command}"


def _reader(ledger: LedgerStore, runs: tuple[RunRow, ...]) -> Callable[[Entry], tuple[Line, ...] | None]:
    """The lines of an entry's answer; None where there is no answer, or nobody asked for text."""
    readers: dict[str, Provider] = {name: open_provider(name) for name in {run.provider for run in runs}}

    def lines_of(entry: Entry) -> tuple[Line, ...] | None:
        stored = ledger.answer(entry.key) if entry.key else None
        if stored is None or stored.raw is None or entry.key is None:
            return None
        try:
            return readers[entry.key.partition("/")[0]].parse(stored.raw).lines
        except ProviderError:
            return None

    return lines_of


def _part(opened: LedgerStore, runs: tuple[RunRow, ...], *, run: int | None, calibrated: Calibrated | None) -> Report:
    lines_of = _reader(opened, runs)

    def worth(entry: Entry) -> bool | None:
        lines = lines_of(entry)
        return None if lines is None else criterion_of((entry.key or "").partition("/")[0]).meets(lines)

    return figures.report(
        opened, run=run, found_text=lambda entry: bool(lines_of(entry)), worth=worth, calibrated=calibrated
    )


def _calibrated(model: str) -> Calibrated | None:
    """What the scores of a gate looked like when it was calibrated; None where its folder does not say."""
    config = read_config(find(model))
    reference = reference_in(config)
    return None if reference is None else Calibrated(f"{config.get('name')} {config.get('version')}", reference)
