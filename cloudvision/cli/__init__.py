"""The command line: the only place that reads `.env`, sets up logging and prints."""

from __future__ import annotations

import logging
import os
import sys

import typer
from dotenv import find_dotenv, load_dotenv
from rich.markup import escape

from cloudvision._version import version
from cloudvision.cli import (
    customvision,
    doctor,
    emulate,
    estimate,
    gate,
    ledger,
    parse,
    providers,
    report,
    run,
    serve,
    train,
)
from cloudvision.cli._talk import Logged, say
from cloudvision.errors import BudgetExceededError, CloudVisionError

__all__ = ["app", "main"]

EXIT_SOME_FAILED, EXIT_SETUP, EXIT_BUDGET, EXIT_INTERRUPTED = 1, 2, 3, 130

app = typer.Typer(
    name="cloudvision",
    help="Only pay for vision calls that are worth it: a local gate, one ledger, one typed answer.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("run")(run.run)
app.command("estimate")(estimate.estimate)
app.command("report")(report.report)
app.command("parse")(parse.parse)
app.command("providers")(providers.providers)
app.command("doctor")(doctor.doctor)
app.command("train")(train.train)
app.command("emulate")(emulate.emulate)
app.command("serve")(serve.serve)
app.add_typer(customvision.app, name="customvision")
app.add_typer(gate.app, name="gate")
app.add_typer(ledger.app, name="ledger")


def _tell_version(wanted: bool) -> None:
    if wanted:
        print(f"cloudvision {version()}")
        raise typer.Exit


@app.callback()
def _set_up(
    verbose: bool = typer.Option(False, "--verbose", "-v", help="Log what happens to stderr."),
    _version: bool = typer.Option(False, "--version", is_eager=True, callback=_tell_version, help="Print the version."),
) -> None:
    load_dotenv(find_dotenv(usecwd=True))
    logging.basicConfig(
        handlers=[Logged()],
        # Of the SDKs, warnings alone: below that they log the headers and URLs of every request.
        level=logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    if verbose:
        logging.getLogger("cloudvision").setLevel(logging.INFO)


def main() -> None:
    """Entry point of the `cloudvision` command; ends the process with the exit code of the command."""
    try:
        app()
    except BudgetExceededError as error:
        say(f"[bold]stopped:[/] {escape(str(error))}")
        sys.exit(EXIT_BUDGET)
    except CloudVisionError as error:
        say(f"[bold red]error:[/] {escape(str(error))}")
        sys.exit(EXIT_SETUP)
    except BrokenPipeError:
        # `cloudvision run ... | head` closes the pipe. Nothing more can be written to it, not even at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(EXIT_SOME_FAILED)
