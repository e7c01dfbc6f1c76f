"""`cloudvision gate label`: from a ledger to a label file."""

from __future__ import annotations

import csv
import sys
from functools import cache
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import track

from cloudvision.cli._talk import say, stderr
from cloudvision.cli.ledger import open_existing
from cloudvision.errors import ConfigError
from cloudvision.gate.criterion import Criterion
from cloudvision.gate.labels import COLUMNS
from cloudvision.labels import Labelled, label, with_sizes, write_labels
from cloudvision.pages.of_labels import labels_page
from cloudvision.provider import criterion_of, open_provider

_PLAIN = Criterion()


def gate_label(
    ledger: Annotated[str, typer.Argument(help="The ledger of the runs: file or redis://...")] = "cloudvision.db",
    output: Annotated[Path | None, typer.Option("-o", "--output", help="labels.csv or labels.parquet.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page of histograms to this file.")] = None,
    min_words: Annotated[int, typer.Option(help="Worth a call: so many words or more.", min=0)] = _PLAIN.min_words,
    min_characters: Annotated[
        int, typer.Option(help="... and so many characters or more.", min=0)
    ] = _PLAIN.min_characters,
    min_confidence: Annotated[
        float | None,
        typer.Option(
            help="... and a line as sure as this; default: 0.99 of Rekognition, 0.90 of others.", min=0, max=1
        ),
    ] = None,
    unchosen: Annotated[
        bool, typer.Option("--unchosen", help="Answers of which no run tells were not chosen by a gate.")
    ] = False,
) -> None:
    """Turn the answers in a ledger into labels: which pictures were worth their call, and how much text each holds."""
    if output is not None and output.suffix.lower() not in (".csv", ".parquet"):
        raise ConfigError(f"{output}: labels are written to a name that ends in .csv or .parquet")
    plain = Criterion(min_words, min_characters, _PLAIN.min_confidence if min_confidence is None else min_confidence)
    provider = cache(open_provider)
    with open_existing(ledger) as opened:
        name = opened.name
        labelled = label(
            opened,
            parse=lambda answer, raw: provider(answer.provider).parse(raw),
            criterion=lambda answer: plain if min_confidence is not None else criterion_of(answer.provider, plain),
            unchosen=unchosen,
        )
    rows = tuple(
        track(map(with_sizes, labelled.rows), "sizes", total=len(labelled.rows), console=stderr, transient=True,
              disable=not stderr.is_terminal)
    )  # fmt: skip
    labelled = Labelled(rows, labelled.refused, labelled.unreadable, labelled.without_text)
    if output is None:
        out = csv.DictWriter(sys.stdout, COLUMNS)
        out.writeheader()
        out.writerows(row.cells() for row in rows)
    else:
        write_labels(rows, output)
    if html is not None:
        sure = f"confidence {min_confidence}" if min_confidence is not None else "the provider's mark of confidence"
        words = f"{min_words} words, {min_characters} characters and a line of {sure}, or more"
        _write(html, labels_page(labelled, ledger=name, criterion=words))
    _summary(labelled)


def _summary(labelled: Labelled) -> None:
    rows = labelled.rows
    worth = sum(row.worth for row in rows)
    say(f"[bold]{len(rows)} labels:[/] {worth} worth a call, {len(rows) - worth} not")
    blind = sum(row.weight is None and row.chosen_by == "gate" for row in rows)
    if blind:
        say(f"{blind} were chosen by a gate without an audit: they have no weight, and certify nothing")
    unknown = sum(row.chosen_by == "" for row in rows)
    if unknown:
        say(f"of {unknown} no run tells who chose them: no weight; give --unchosen if nobody did")
    for count, words in (
        (labelled.refused, "were refused by the service"),
        (labelled.unreadable, "cannot be read"),
        (labelled.without_text, "have no text part"),
    ):
        if count:
            say(f"{count} answers {words} and give no label")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as exc:
        raise ConfigError(f"cannot write {path}: {exc.strerror}") from exc
