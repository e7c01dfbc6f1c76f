"""`cloudvision parse`: a saved answer of a service becomes an Analysis, without a call and without a key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from cloudvision.cli._talk import say
from cloudvision.errors import ConfigError, ProviderError
from cloudvision.provider import open_provider
from cloudvision.saved import read_saved


def parse(
    files: Annotated[list[Path], typer.Argument(help="Saved answers: a Raw, the bare body, or an envelope.")],
    provider: Annotated[str, typer.Option(help="Who gave the answers.")],
) -> None:
    """Print one Analysis as JSON for each file; exit code 1 when one is an error answer or of unknown shape."""
    reader = open_provider(provider)
    failed = False
    for file in files:
        try:
            data = file.read_bytes()
        except OSError as exc:
            raise ConfigError(f"cannot read {file}: {exc}") from exc
        try:
            analysis = reader.parse(read_saved(data.decode()))
        except ProviderError as error:
            failed = True
            say(escape(f"{file}: {type(error).__name__}: {error}"))
        except ValueError as error:
            failed = True
            say(escape(f"{file}: not a saved answer: {error}"))
        else:
            print(json.dumps(analysis.to_json(), ensure_ascii=False))
    if failed:
        raise typer.Exit(1)
