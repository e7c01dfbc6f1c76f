"""`cloudvision customvision train|evaluate|predict|export`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markup import escape

from cloudvision._printable import visible
from cloudvision.cli import _customvision_flags as flags
from cloudvision.cli._duration import seconds
from cloudvision.cli._flags import PrivateHosts
from cloudvision.cli._interrupt import ends_at_once
from cloudvision.cli._talk import say, stderr
from cloudvision.customvision import (
    Guess,
    Iteration,
    download,
    evaluate,
    export,
    find_iteration,
    predict,
    train,
    training_cost,
    wait_for,
)
from cloudvision.customvision.exporting import MAX_BYTES
from cloudvision.customvision.preflight import shown
from cloudvision.errors import ConfigError, ImageError, RejectedError
from cloudvision.fetch import Fetcher
from cloudvision.prices import MICROS


def train_command(
    project: flags.Named = None,
    hours: Annotated[
        int | None, typer.Option(help="Budget of an advanced training; without it a quick one.", min=1)
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Also where nothing has changed since the last one.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Pay for an advanced training without asking.")] = False,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Until it is trained.")] = True,
    longest: Annotated[str, typer.Option(help="How long to wait, such as 90m or 24h.")] = "24h",
    email: Annotated[str | None, typer.Option(help="The service writes there when it is done.")] = None,
    tier: flags.Tier = "S0",
    as_json: flags.AsJson = False,
) -> None:
    """Train an iteration on what is in the project, and wait for it. Exit code 1 where the training fails."""
    patience = seconds(longest)
    resource = flags.opened(tier)
    target = flags.chosen(resource, project)
    if hours is not None:
        cost = training_cost(hours) / MICROS
        say(f"an advanced training of {hours} h is billed as a whole: {cost:.2f} USD (list price, S0)")
        if not yes and not (stderr.is_terminal and sys.stdin.isatty() and typer.confirm("Train?", err=True)):
            raise ConfigError("not trained; --yes says that this is meant")
    with ends_at_once(), flags.ending_with_1():
        began = train(resource, target, hours=hours, force=force, email=email)
        if not began.begun:
            say(f"nothing has changed since {escape(began.iteration.name)}; --force trains all the same")
        told: set[str] = set()

        def progress(iteration: Iteration, passed: float) -> None:
            if stderr.is_terminal and iteration.status == "Training":
                status.update(f"{escape(iteration.name)} is training, {passed / 60:.0f} min")
            elif iteration.status not in told:
                told.add(iteration.status)
                say(f"{escape(iteration.name)}: {escape(iteration.status)}")

        iteration = began.iteration
        if wait:
            with stderr.status("training") as status:
                iteration = wait_for(resource, target, iteration, longest_s=patience, progress=progress)
    if as_json:
        flags.print_json({"begun": began.begun, "iteration": iteration})
    else:
        print(visible(f"{iteration.name}  {iteration.status}  {iteration.id}"))


def evaluate_command(
    project: flags.Named = None,
    iteration: flags.Iterations = "latest",
    threshold: flags.Threshold = 0.5,
    overlap: Annotated[float, typer.Option(help="Of boxes: least intersection over union.", min=0, max=1)] = 0.3,
    tier: flags.Tier = "S0",
    as_json: flags.AsJson = False,
) -> None:
    """Precision, recall and average precision of an iteration, overall and by tag, as the service has measured them."""
    resource = flags.opened(tier)
    target = flags.chosen(resource, project)
    one = find_iteration(resource, target, iteration)
    found = evaluate(resource, target, one, threshold=threshold, overlap=overlap)
    if as_json:
        flags.print_json({"iteration": one.name, "performance": found})
        return
    width = max(len(name) for name in ("overall", *(name for name, _ in found.tags)))
    print(f"{'':{width}}  precision  recall  average precision   ({one.name}, threshold {threshold:g})")
    for name, quality in (("overall", found.overall), *found.tags):
        row = f"{visible(name):{width}}  {quality.precision:9.3f}  {quality.recall:6.3f}  {quality.average_precision:17.3f}"
        print(row)


def predict_command(
    source: Annotated[list[str], typer.Argument(help="Files or URLs; the service fetches URLs itself.")],
    project: flags.Named = None,
    iteration: flags.Iterations = "latest",
    threshold: flags.Threshold = 0.5,
    tier: flags.Tier = "S0",
    as_json: flags.AsJson = False,
) -> None:
    """Ask an iteration, published or not, about some pictures; nothing is stored. Exit code 1 when one failed.

    Each is billed as a prediction. For many pictures, with gate, ledger and budget: `cloudvision run --provider
    azure-custom-vision`.
    """
    resource, failed = flags.opened(tier), False
    target = flags.chosen(resource, project)
    one = find_iteration(resource, target, iteration)
    for name in source:
        try:
            guesses = [guess for guess in predict(resource, target, one, name) if guess.probability >= threshold]
        except (ImageError, RejectedError) as error:
            if error.fatal:
                raise
            failed = True
            say(escape(str(error)))
            continue
        if as_json:
            flags.print_json({"source": shown(name), "iteration": one.name, "guesses": guesses}, indent=None)
        else:
            print(visible(f"{shown(name)}  {', '.join(_guess(guess) for guess in guesses) or '(nothing)'}"))
    if failed:
        raise typer.Exit(1)


def export_command(
    platform: Annotated[
        Literal["onnx", "tensorflow", "coreml", "docker"], typer.Argument(help="What it is to run on.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="The archive to write.")],
    project: flags.Named = None,
    iteration: flags.Iterations = "latest",
    flavor: Annotated[
        str | None, typer.Option(help="Such as ONNX12, TensorFlowLite, Linux; default: the service's own.")
    ] = None,
    longest: Annotated[str, typer.Option(help="How long to wait, such as 15m.")] = "15m",
    allow_private_hosts: PrivateHosts = False,
    tier: flags.Tier = "S0",
) -> None:
    """Export a model of a compact domain and download it; an ONNX export runs here with the provider "onnx"."""
    if output.exists():
        raise ConfigError(f"{output} is there already; name another file")
    patience = seconds(longest)
    with ends_at_once(), flags.ending_with_1():
        resource = flags.opened(tier)
        target = flags.chosen(resource, project)
        one = find_iteration(resource, target, iteration)
        ready = export(resource, target, one, platform, flavor=flavor, longest_s=patience)
        with Fetcher(max_bytes=MAX_BYTES, total_timeout_s=900.0, allow_private_hosts=allow_private_hosts) as fetcher:
            size = download(ready, output, fetcher=fetcher)
    say(f"wrote {escape(str(output))}: {escape(one.name)} for {platform}, {size:,} bytes")


def _guess(guess: Guess) -> str:
    place = guess.box
    if place is None:
        return f"{guess.name} {guess.probability:.3f}"
    return (
        f"{guess.name} {guess.probability:.3f} at {place.left:.3f} {place.top:.3f} {place.width:.3f} {place.height:.3f}"
    )
