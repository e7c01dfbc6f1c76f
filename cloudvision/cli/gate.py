"""`cloudvision gate`: what the gate says of pictures, and how one is labelled, trained, calibrated and judged."""

from __future__ import annotations

import json
from functools import partial
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from cloudvision import images, sources
from cloudvision.case import Unusable, name_of
from cloudvision.cli._gate_calibrate import gate_calibrate
from cloudvision.cli._gate_evaluate import gate_evaluate
from cloudvision.cli._gate_label import gate_label
from cloudvision.cli._talk import say
from cloudvision.errors import CloudVisionError, ImageError
from cloudvision.fetch import Fetcher
from cloudvision.gate import Gate
from cloudvision.images import Image, Remote

app = typer.Typer(help="The local model that looks first.", no_args_is_help=True)


app.command("label")(gate_label)
app.command("calibrate")(gate_calibrate)
app.command("evaluate")(gate_evaluate)


@app.command("judge")
def judge(
    source: Annotated[list[str], typer.Argument(help="As for `cloudvision run`.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    stage: Annotated[str, typer.Option(help="Which look: a shipped model by name, or a model folder.")] = "fast",
    allow_private_hosts: Annotated[bool, typer.Option(help="Let URLs lead to private addresses.")] = False,
) -> None:
    """Say of every source whether it is worth a call. Exit code 1 when some could not be judged."""
    gate = Gate.load(stage)
    console, failed = Console(highlight=False, soft_wrap=True), False
    with Fetcher(allow_private_hosts=allow_private_hosts) as fetcher:
        load = partial(images.load, fetcher=fetcher)
        for one in sources.expand(source):
            name = name_of(one)
            try:
                if isinstance(one, Unusable):
                    raise ImageError(one.source, one.reason)
                if isinstance(one, Remote):
                    raise ImageError(name, "the gate does not look into S3 objects")
                verdict = gate.judge(one if isinstance(one, Image) else load(one))
            except CloudVisionError as error:
                if error.fatal:
                    raise
                failed = True
                say(escape(str(error)))
                continue
            if as_json:
                values = {"source": name, "score": round(verdict.score, 6), "worth": verdict.worth}
                print(
                    json.dumps(
                        values | {"threshold": verdict.threshold, "stage": verdict.stage, "model": verdict.model}
                    )
                )
            else:
                word = "[green]worth a call[/]" if verdict.worth else "[cyan]skip[/]"
                console.print(f"{verdict.score:.3f}  {word}  {escape(name)}")
    if failed:
        raise typer.Exit(1)
