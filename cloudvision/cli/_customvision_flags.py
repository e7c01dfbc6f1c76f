"""What the commands of `cloudvision customvision` share: flags, the resource and the project, progress, JSON."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from cloudvision.annotations import Annotations, Format, read_annotations
from cloudvision.cli._talk import say, stderr
from cloudvision.customvision import Project, TrainingResource, find_project
from cloudvision.errors import ConfigError, RejectedError, TrainingFailedError, UnfinishedError

PROJECT = "CUSTOM_VISION_PROJECT_ID"
SHOWN = 20
"""Most problems that are printed; a report has all."""

Named = Annotated[
    str | None,
    typer.Option("--project", "-p", help=f"Name or id of the project; default: {PROJECT}.", show_default=False),
]
Tier = Annotated[Literal["F0", "S0"], typer.Option(help="Of the resource, for its rate and limits.")]
Iterations = Annotated[str, typer.Option("--iteration", "-i", help="Its name, id or version; or 'latest'.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Form = Annotated[Format, typer.Option("--format", help="Of the annotations; auto goes by names and content.")]
Threshold = Annotated[float, typer.Option(help="Guesses below this probability do not count.", min=0, max=1)]
Negative = Annotated[str | None, typer.Option(help="Label of pictures that show none of the others.")]


def opened(tier: str) -> TrainingResource:
    """The training resource of the environment."""
    return TrainingResource.from_env(os.environ, tier=tier)


def chosen(resource: TrainingResource, name: str | None) -> Project:
    """The project that the flag, or else the environment, names.

    Raises:
        ConfigError: none is named, or there is none of that name.
    """
    wanted = name or os.environ.get(PROJECT, "").strip()
    if not wanted:
        raise ConfigError(f"say which project: --project NAME, or set {PROJECT}")
    return find_project(resource, wanted)


def annotations_at(place: Path, form: Format) -> Annotations:
    """Pictures and marks; says what cannot be used."""
    found = read_annotations(place, format=form)
    tell("cannot be used", found.problems)
    return found


def tell(what: str, lines: tuple[str, ...]) -> None:
    """Some lines, and how many more there are."""
    for line in lines[:SHOWN]:
        say(f"[yellow]{what}:[/] {escape(line)}")
    if len(lines) > SHOWN:
        say(f"... and {len(lines) - SHOWN} more")


def print_json(value: object, *, indent: int | None = 2) -> None:
    """An answer of the library as JSON, on one line without an indent; dataclasses become objects."""
    print(json.dumps(value, indent=indent, default=_plain))


@contextmanager
def counting(what: str, total: int | None) -> Iterator[Callable[[], None]]:
    """A bar on a terminal, nothing elsewhere; call what it gives once for each that is done."""
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=stderr,
        disable=not stderr.is_terminal,
        transient=True,
    )
    task = progress.add_task(what, total=total)
    with progress:
        yield lambda: progress.advance(task)


@contextmanager
def ending_with_1() -> Iterator[None]:
    """What the service could not do, or has not done yet, is no wrong set-up: exit code 1."""
    try:
        yield
    except (TrainingFailedError, UnfinishedError, RejectedError) as error:
        if error.fatal:
            raise
        say(f"[bold red]error:[/] {escape(str(error))}")
        raise typer.Exit(1) from error


def _plain(value: Any) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    raise TypeError(f"{type(value).__name__} has no JSON form")
