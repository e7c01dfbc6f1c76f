"""`cloudvision gate train`: a gate of one's own."""

from __future__ import annotations

import shlex
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

import typer

from cloudvision.cli._talk import say
from cloudvision.errors import ConfigError
from cloudvision.gate.criterion import Criterion
from cloudvision.gate.labels import read_labels

Network = Literal["text", "blog"]
Start = Literal["shipped", "scratch"]


def gate_train(
    labels: Annotated[
        Path,
        typer.Argument(help="A label file, a folder with true/ and false/, or with manifest.csv and lines.jsonl."),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="The model folder to write.")],
    network: Annotated[Network, typer.Option(help="text: the shipped gate's; blog: the published baseline.")] = "text",
    start: Annotated[
        Start, typer.Option(help="Begin with the shipped gate's weights, or with random numbers.")
    ] = "shipped",
    group: Annotated[str | None, typer.Option(help="Column that names the source of each picture.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the pictures; default 12, 7 for blog.", min=1)] = None,
    patience: Annotated[int, typer.Option(help="Stop after so many looks without a better one.", min=1)] = 3,
    side: Annotated[int, typer.Option(help="Pixels of the longer side.", min=64, max=2048)] = 480,
    recall: Annotated[float, typer.Option(help="Target of the threshold.", min=0.5, max=0.999)] = 0.95,
    confidence: Annotated[float, typer.Option(help="How sure that must be.", min=0.51, max=0.999)] = 0.95,
    threshold: Annotated[float | None, typer.Option(help="Instead of a certified one.", min=0, max=1)] = None,
    seed: Annotated[int, typer.Option(help="Of everything that is drawn.", min=0)] = 0,
    threads: Annotated[int, typer.Option(help="Cores for the network; one more makes the pictures.", min=1)] = 1,
    work: Annotated[Path | None, typer.Option(help="Cache and checkpoints; default: beside the output.")] = None,
) -> None:
    """Train a gate on labelled pictures, and write a model folder with a card that says how good it is.

    Three fifths of the groups train, one fifth says when to stop, one fifth judges and calibrates. What was interrupted goes on
    with the same command.
    """
    if output.exists() and any(output.iterdir() if output.is_dir() else [output]):
        raise ConfigError(f"{output} is there already; name a new folder")
    if not (labels / "manifest.csv").is_file():
        read_labels(labels, group=group)  # what is wrong with it is said before anything heavy is loaded
    for package in ("torch", "onnx"):
        if find_spec(package) is None:
            raise ConfigError(f"training needs {package}: pip install 'cloudvision-gate[train]'")
    from cloudvision.training import parts
    from cloudvision.training.blog_network import BlogRecipe
    from cloudvision.training.fit import Recipe
    from cloudvision.training.network import Shape
    from cloudvision.training.train_labels import Job, run

    criterion = Criterion()
    job = Job(
        place=labels,
        out=output,
        work=work or output.with_name(output.name + ".work"),
        network=network,
        recipe=Recipe(
            rate=1e-3 if start == "shipped" else 3e-3,  # what is learned already is not to be washed away
            epochs=epochs or 12,
            side=side,
            small_side=side * 11 // 15,
            patience=patience,
            seed=seed,
            threads=threads,
        ),
        blog=BlogRecipe(epochs=epochs or 7, seed=seed),
        shape=Shape(),
        criterion=criterion,
        group=group,
        start=start,
        recall=recall,
        confidence=confidence,
        threshold=threshold,
    )
    labelled = parts.read(labels, group=group, criterion=criterion)
    options = [f"--network {network}", f"--seed {seed}", f"--recall {recall}", f"--confidence {confidence}"]
    options += [f"--group {shlex.quote(group or '')}"] * bool(group) + [f"--epochs {epochs}"] * bool(epochs)
    options += [f"--start {start}", f"--side {side}", f"--patience {patience}"] * (network == "text")
    found = run(job, labelled, command=f"cloudvision gate train LABELS -o FOLDER {' '.join(options)}")
    say(
        f"wrote {output}: on {found.pictures} pictures of {found.groups} groups that it was not trained on recall"
        f" {found.recall.value:.3f}, specificity {found.specificity.value:.3f}, AUC {found.auc.value:.3f} at threshold"
        f" {found.threshold:.4f}; see its MODEL_CARD.md"
    )
