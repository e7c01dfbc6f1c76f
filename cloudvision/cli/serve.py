"""`cloudvision serve`: models over HTTP."""

from __future__ import annotations

import os
import threading
from typing import Annotated

import typer
from rich.markup import escape

from cloudvision.cli._talk import say
from cloudvision.cli._until_told import OWN_ADDRESSES, until_told
from cloudvision.errors import ConfigError
from cloudvision.serve import Settings, running

_DEFAULTS = Settings()


def serve(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL...",
            help="A model folder, a folder of versions (1/, 2/ ...), a Custom Vision export, gate or gate:fast; each also as "
            "name=MODEL or name:version=MODEL. The first answers where a request names none.",
            show_default=False,
        ),
    ],
    port: Annotated[int, typer.Option(help="0 takes a free one.")] = 8501,
    host: Annotated[
        str, typer.Option(help="The address to listen on; anything but loopback lets others in.")
    ] = "127.0.0.1",
    max_batch: Annotated[int, typer.Option(help="Most pictures of one inference.")] = _DEFAULTS.max_batch,
    max_delay_ms: Annotated[
        float, typer.Option(help="A decoded picture waits so long for others that are on their way.")
    ] = _DEFAULTS.max_delay_s * 1000,
    adapt: Annotated[
        bool, typer.Option("--adapt/--no-adapt", help="Measure at the start what batches cost, and take what helps.")
    ] = _DEFAULTS.adapt,
    queue: Annotated[
        int, typer.Option(help="Pictures that may wait for each model; more are refused with 503 and Retry-After.")
    ] = _DEFAULTS.queue,
    threads: Annotated[
        int,
        typer.Option(help="Pictures that are worked on at the same time; 0 takes one a core, and one more."),
    ] = _DEFAULTS.threads,
    max_body: Annotated[int, typer.Option(help="Bytes of the largest request.")] = _DEFAULTS.max_body,
    max_pixels: Annotated[int, typer.Option(help="Width x height of the largest picture.")] = _DEFAULTS.max_pixels,
    quantised: Annotated[bool, typer.Option("--quantised", help="Run the quantised graphs of model folders.")] = False,
    api_key_env: Annotated[
        str | None, typer.Option(metavar="NAME", help="Variable with the key that clients must send.")
    ] = None,
    allow_private_hosts: Annotated[
        bool, typer.Option("--allow-private-hosts", help="Let /url fetch from this machine and its network.")
    ] = False,
) -> None:
    """Serve models and the gate over HTTP until Ctrl-C.

    Speaks TensorFlow Serving's REST API (/v1/models/NAME:predict), the Open Inference Protocol (/v2/models/NAME/infer),
    the routes of Custom Vision's containers (/image, /url), and /predict with the library's own answers.
    """
    settings = Settings(
        max_batch=max_batch,
        max_delay_s=max_delay_ms / 1000,
        adapt=adapt,
        queue=queue,
        threads=threads,
        max_body=max_body,
        max_pixels=max_pixels,
        quantised=quantised,
        allow_private_hosts=allow_private_hosts,
        api_key=None if api_key_env is None else _key(api_key_env),
    )
    done = threading.Event()
    with running(models, host=host, port=port, settings=settings) as serving, until_told(done.set):
        for model in serving.models:
            say(escape(model))
        say(f"listening on {serving.url}, health at {serving.url}/health, metrics at {serving.url}/metrics")
        if host not in OWN_ADDRESSES and settings.api_key is None:
            say(f"listening on {escape(host)} lets in whoever reaches it: --api-key-env asks for a key")
        done.wait()
        say("answering what has begun ...")


def _key(name: str) -> str:
    key = os.environ.get(name)
    if not key:
        raise ConfigError(f"--api-key-env names {name}, which is not set: export {name}=... or leave the flag out")
    return key
