"""`cloudvision gate`: what the gate says of pictures, and how one is labelled, trained, calibrated and judged."""

from __future__ import annotations

import json
import time
from itertools import islice
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from cloudvision import images, sources
from cloudvision._printable import visible
from cloudvision.case import Unusable, name_of
from cloudvision.cli import _flags as flags
from cloudvision.cli._downloads import Downloads
from cloudvision.cli._gate_calibrate import gate_calibrate
from cloudvision.cli._gate_evaluate import gate_evaluate
from cloudvision.cli._gate_label import gate_label
from cloudvision.cli._gate_train import gate_train
from cloudvision.cli._talk import say
from cloudvision.errors import CloudVisionError, ImageError
from cloudvision.gate import Gate, Verdict
from cloudvision.gate.gate import DEFAULT
from cloudvision.images import Image, Remote
from cloudvision.providers._aws_s3 import S3

app = typer.Typer(help="The local model that looks first.", no_args_is_help=True)


app.command("label")(gate_label)
app.command("train")(gate_train)
app.command("calibrate")(gate_calibrate)
app.command("evaluate")(gate_evaluate)


@app.command("judge")
def judge(
    source: flags.Sources,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    stage: Annotated[str, typer.Option(help="Which look: cascade, fast, exact, or a model folder.")] = DEFAULT,
    limit: flags.Limit = None,
    timeout: flags.Timeout = 60.0,
    allow_private_hosts: flags.PrivateHosts = False,
    robots: flags.ObeyRobots = False,
    host_connections: flags.HostConnections = 8,
    host_rate: flags.HostRate = None,
) -> None:
    """Say of every source whether it is worth a call. Exit code 1 when some could not be judged."""
    gate, load_object, failed = Gate.load(stage), S3.from_env().load, False
    downloads = Downloads(allow_private_hosts, timeout, host_connections, host_rate, robots)
    with downloads.open(sleep=time.sleep) as fetcher:
        for one in islice(sources.expand(source), limit):
            name = name_of(one)
            try:
                if isinstance(one, Unusable):
                    raise ImageError(one.source, one.reason)
                if isinstance(one, Remote):
                    image = load_object(one)
                else:
                    image = one if isinstance(one, Image) else images.load(one, fetcher=fetcher)
                verdict = gate.judge(image)
            except CloudVisionError as error:
                if error.fatal:
                    raise
                failed = True
                say(escape(str(error)))
                continue
            _show(name, verdict, as_json=as_json)
    if failed:
        raise typer.Exit(1)


def _show(name: str, verdict: Verdict, *, as_json: bool) -> None:
    if as_json:
        values = {"source": name, "score": round(verdict.score, 6), "worth": verdict.worth}
        print(json.dumps(values | {"threshold": verdict.threshold, "stage": verdict.stage, "model": verdict.model}))
        return
    word = "[green]worth a call[/]" if verdict.worth else "[cyan]skip[/]"
    console = Console(highlight=False, soft_wrap=True)
    console.print(visible(f"{verdict.score:.3f}  {word}  {escape(name)}").replace("\n", "\\n"))
