"""`cloudvision customvision`: a Custom Vision project from a folder of pictures to a published or exported model."""

from __future__ import annotations

import os
import sys
from typing import Annotated, Literal

import typer
from rich.markup import escape

from cloudvision.cli import _customvision_flags as flags
from cloudvision.cli._customvision_compare import compare_command
from cloudvision.cli._customvision_models import (
    evaluate_command,
    export_command,
    predict_command,
    train_command,
)
from cloudvision.cli._customvision_upload import upload_command
from cloudvision.cli._talk import say, stderr
from cloudvision.customvision import (
    create_project,
    delete_iteration,
    delete_project,
    find_iteration,
    publish,
    roll_back,
    unpublish,
    versions,
)
from cloudvision.customvision.exporting import PLATFORMS
from cloudvision.customvision.publishing import RESOURCE_ID
from cloudvision.errors import ConfigError

app = typer.Typer(help="Azure Custom Vision: create, upload, train, evaluate, publish, export.", no_args_is_help=True)


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="Of the project.")],
    kind: Annotated[
        Literal["multiclass", "multilabel", "detection"],
        typer.Option(help="One label a picture, several, or labels with boxes."),
    ] = "multiclass",
    domain: Annotated[
        str, typer.Option(help="By name; compact ones can be exported. An unknown name lists them.")
    ] = "General",
    platform: Annotated[
        list[str] | None, typer.Option(help=f"What models will be exported for: {', '.join(PLATFORMS)}.")
    ] = None,
    description: Annotated[str, typer.Option(help="For people.")] = "",
    reuse: Annotated[bool, typer.Option("--reuse", help="Take the project of that name where there is one.")] = False,
    tier: flags.Tier = "S0",
    as_json: flags.AsJson = False,
) -> None:
    """Make a project, and print its id."""
    if unknown := [one for one in platform or () if one not in PLATFORMS]:
        raise ConfigError(f"unknown platform {unknown[0]!r}; known: {', '.join(PLATFORMS)}")
    made = create_project(
        flags.opened(tier),
        name,
        kind=kind,
        domain=domain,
        description=description,
        platforms=tuple(PLATFORMS[one] for one in platform or ()),
        reuse=reuse,
    )
    if as_json:
        flags.print_json(made)
    else:
        print(made.id)
        say(f"{escape(made.name)}: {made.kind}, domain {escape(made.domain.name)}; set {flags.PROJECT} to this id")


app.command("upload")(upload_command)
app.command("train")(train_command)
app.command("evaluate")(evaluate_command)


@app.command("publish")
def publish_command(
    version: Annotated[str, typer.Argument(help="Such as v1.2.0.")],
    project: flags.Named = None,
    iteration: flags.Iterations = "latest",
    resource_id: Annotated[
        str | None, typer.Option(help=f"Of the prediction resource; default: {RESOURCE_ID}.", show_default=False)
    ] = None,
    any_name: Annotated[bool, typer.Option("--any-name", help="Let it be another name than a version.")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Take the name from the iteration that has it.")
    ] = False,
    tier: flags.Tier = "S0",
    as_json: flags.AsJson = False,
) -> None:
    """Publish an iteration for prediction; where that is done already, nothing happens."""
    resource = flags.opened(tier)
    target = flags.chosen(resource, project)
    one = find_iteration(resource, target, iteration)
    published = publish(
        resource,
        target,
        one,
        version,
        resource_id or os.environ.get(RESOURCE_ID),
        any_name=any_name,
        overwrite=overwrite,
    )
    if as_json:
        flags.print_json(published)
    else:
        print(f"{published.published}  {published.name}  {published.id}")


@app.command("unpublish")
def unpublish_command(
    name: Annotated[str | None, typer.Argument(help="The version, name or id of an iteration.")] = None,
    back: Annotated[
        bool, typer.Option("--roll-back", help="The newest version, so that the one before counts.")
    ] = False,
    project: flags.Named = None,
    tier: flags.Tier = "S0",
) -> None:
    """Take an iteration back from prediction; its model stays."""
    if (name is None) is not back:
        raise ConfigError("say which version to take back, or --roll-back for the newest one")
    resource = flags.opened(tier)
    target = flags.chosen(resource, project)
    if name is None:
        went = roll_back(resource, target)
        say(f"{escape(went.withdrawn)} is no longer published; the newest version is {escape(went.current)}")
        return
    one = find_iteration(resource, target, name)
    unpublish(resource, target, one)
    left = ", ".join(version for version, _ in versions(resource, target)) or "none"
    say(f"{escape(one.published or one.name)} is not published; versions that are: {escape(left)}")


app.command("predict")(predict_command)
app.command("compare")(compare_command)
app.command("export")(export_command)


@app.command("delete")
def delete(
    project: Annotated[str, typer.Argument(help="Name or id of the project.")],
    iteration: Annotated[
        str | None, typer.Option("--iteration", "-i", help="Only this iteration: its name, id or version.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="It is meant.")] = False,
    confirm: Annotated[str | None, typer.Option(help="The name of what is deleted, once more.")] = None,
    tier: flags.Tier = "S0",
) -> None:
    """Delete a project with all its images and models, or one iteration: with --yes and the name twice. It cannot be undone."""
    resource = flags.opened(tier)
    target = flags.chosen(resource, project)
    one = None if iteration is None else find_iteration(resource, target, iteration)
    name, what = (target.name, "with its images and models") if one is None else (one.name, "with its model")
    if yes and confirm is None and stderr.is_terminal and sys.stdin.isatty():
        confirm = typer.prompt(f"Type the name, {name}", err=True)
    if not yes or confirm is None:
        raise ConfigError(f"not deleted; say --yes --confirm NAME to delete {name!r} {what}")
    if one is None:
        delete_project(resource, target, confirm=confirm)
    else:
        delete_iteration(resource, target, one, confirm=confirm)
    say(f"{escape(name)} is deleted")
