"""`cloudvision train`: a local model from pictures with labels or boxes."""

from __future__ import annotations

import json
import shlex
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markup import escape

from cloudvision.annotations import Annotations, Format, read_annotations
from cloudvision.cli import _train_classify, _train_detect
from cloudvision.cli._talk import say
from cloudvision.errors import ConfigError

Kind = Literal["classify", "detect"]
Resize = Literal["stretch", "letterbox", "crop"]
_SHOWN = 10  # problems that are listed one by one


def train(
    context: typer.Context,
    place: Annotated[
        Path, typer.Argument(metavar="DIR", help="A folder a class, or CSV, JSONL, COCO, VOC or YOLO annotations.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="The model folder to write.")],
    kind: Annotated[Kind, typer.Option(help="Labels for whole pictures, or boxes with labels.")] = "classify",
    format: Annotated[Format, typer.Option(help="How labels and boxes are written down.")] = "auto",
    multilabel: Annotated[bool, typer.Option("--multilabel", help="A picture may have any number of labels.")] = False,
    background: Annotated[str | None, typer.Option(help='The label that means "nothing of this".')] = None,
    backbone: Annotated[
        str | None,
        typer.Option(
            help="gate, scratch, timm:NAME or timm:NAME=FILE; of several with commas the first to be had. Default: gate;"
            " detect: scratch."
        ),
    ] = None,
    side: Annotated[int | None, typer.Option(help="Pixels of the input, each way.", min=32, max=1024)] = None,
    resize: Annotated[Resize, typer.Option(help="How pictures of another shape become square.")] = "stretch",
    epochs: Annotated[int | None, typer.Option(help="classify: passes over the pictures, at most.", min=1)] = None,
    steps: Annotated[int | None, typer.Option(help="detect: batches in all.", min=1)] = None,
    patience: Annotated[int | None, typer.Option(help="Looks without a better one before it stops.", min=1)] = None,
    batch: Annotated[int | None, typer.Option(help="Pictures a step.", min=2)] = None,
    rate: Annotated[float | None, typer.Option(help="Highest learning rate.", min=1e-6, max=1.0)] = None,
    seed: Annotated[int, typer.Option(help="Of everything that is drawn.", min=0)] = 0,
    threads: Annotated[int, typer.Option(help="Cores for the network.", min=1)] = 1,
    mirror: Annotated[bool, typer.Option("--mirror", help="Left and right may be swapped.")] = False,
    rotate: Annotated[float | None, typer.Option(help="Degrees that pictures are turned at most.", min=0)] = None,
    any_way_up: Annotated[bool, typer.Option("--any-way-up", help="detect: things lie in any direction.")] = False,
    judge: Annotated[float, typer.Option(help="Share of pictures kept back to judge.", min=0, max=0.5)] = 0.2,
    backgrounds: Annotated[
        Path | None, typer.Option(help="Paste the pictures, as cut-outs in perspective, on those of this folder.")
    ] = None,
    pasted: Annotated[int, typer.Option(help="With --backgrounds: pictures made for each class.", min=5)] = 100,
    name: Annotated[str | None, typer.Option(help="Of the model; default: that of the folder.")] = None,
    model_version: Annotated[str | None, typer.Option(help="Of the model, such as v1.2.0.")] = None,
    sentences: Annotated[Path | None, typer.Option(help="JSON file: what to tell people of each label.")] = None,
    html: Annotated[Path | None, typer.Option(help="Also write the figures as a page.")] = None,
    work: Annotated[Path | None, typer.Option(help="Checkpoints; default: beside the output.")] = None,
) -> None:
    """Train a model on your own pictures, and write a folder that `--provider onnx` and `cloudvision serve` run.

    What was interrupted goes on with the same command.
    """
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise ConfigError(f"{output} is there already; name a new folder")
    annotations = read_annotations(place, format=format)
    _tell_problems(annotations, place)
    for package in ("torch", "onnx"):
        if find_spec(package) is None:
            raise ConfigError(f"training needs {package}: pip install 'cloudvision-gate[train]'")
    common = _train_classify.Common(
        out=output,
        work=work or output.with_name(output.name + ".work"),
        name=name,
        version=model_version,
        command=_command(context),
        backbone=backbone,
        side=side,
        patience=patience,
        batch=batch,
        rate=rate,
        seed=seed,
        threads=threads,
        judge=judge,
    )
    if kind == "detect":
        _train_detect.run(annotations, common, steps=steps, any_way_up=any_way_up)
        return
    _train_classify.run(
        annotations,
        common,
        _train_classify.Choices(
            multilabel=multilabel,
            background=background,
            epochs=epochs,
            resize=resize,
            mirror=mirror,
            rotate=rotate,
            backgrounds=backgrounds,
            pasted=pasted,
            sentences=_read_sentences(sentences),
            html=html,
        ),
    )


def _tell_problems(annotations: Annotations, place: Path) -> None:
    """Say what cannot be used before anything is trained.

    Raises:
        ConfigError: a folder of a class holds no picture.
    """
    for problem in annotations.problems[:_SHOWN]:
        say(f"[yellow]left out:[/] {escape(problem)}")
    if len(annotations.problems) > _SHOWN:
        say(f"[yellow]left out:[/] and {len(annotations.problems) - _SHOWN} more")
    if place.is_dir() and all(_below(place, item.source) for item in annotations.items):
        empty = [one.name for one in sorted(place.iterdir()) if one.is_dir() and not one.name.startswith(".")]
        empty = [name for name in empty if name not in annotations.labels]
        if empty and _is_a_folder_a_class(annotations, place):
            raise ConfigError(
                f"{place}: the class {', '.join(map(repr, empty))} has no picture: add some, or remove the folder"
            )


def _below(place: Path, source: str) -> bool:
    return Path(source).is_relative_to(place)


def _is_a_folder_a_class(annotations: Annotations, place: Path) -> bool:
    return all(
        Path(item.source).relative_to(place).parts[0] in {mark.name for mark in item.marks}
        for item in annotations.items
    )


def _read_sentences(path: Path | None) -> dict[str, str]:
    if path is None:
        return {}
    try:
        read = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as exc:
        raise ConfigError(f"{path}: cannot be read as JSON ({exc})") from exc
    if not isinstance(read, dict) or not all(isinstance(text, str) for text in read.values()):
        raise ConfigError(f"{path}: expected an object of labels and their sentences")
    return read


def _command(context: typer.Context) -> str:
    """The command as it was given, less the places of this machine."""
    said = ["cloudvision train DIR -o MODEL"]
    for option in context.command.params:
        name = option.name or ""
        source = context.get_parameter_source(name)
        if option.param_type_name != "option" or name == "output" or source is None or source.name != "COMMANDLINE":
            continue
        value = context.params[name]
        words = [] if value is True else ["FILE" if isinstance(value, Path) else shlex.quote(str(value))]
        said.append(" ".join([max(option.opts, key=len), *words]))
    return " ".join(said)
