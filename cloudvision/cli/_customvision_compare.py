"""`cloudvision customvision compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cloudvision._printable import visible
from cloudvision.cli import _customvision_flags as flags
from cloudvision.cli._interrupt import ends_at_once
from cloudvision.customvision import Share, compare, find_iteration


def compare_command(
    a: Annotated[str, typer.Argument(help="Name, id or version of an iteration.")],
    b: Annotated[str, typer.Argument(help="Of another one.")],
    place: Annotated[Path, typer.Argument(help="Pictures with their truth, none of which either was trained on.")],
    project: flags.Named = None,
    form: flags.Form = "auto",
    threshold: flags.Threshold = 0.5,
    overlap: Annotated[float, typer.Option(help="Of boxes: least intersection over union.", min=0, max=1)] = 0.5,
    negative: flags.Negative = None,
    tier: flags.Tier = "S0",
    as_json: flags.AsJson = False,
) -> None:
    """Compare two iterations on the same pictures, with intervals. Two predictions a picture are billed."""
    with ends_at_once():
        resource = flags.opened(tier)
        pictures = flags.annotations_at(place, form).items
        target = flags.chosen(resource, project)
        first, second = find_iteration(resource, target, a), find_iteration(resource, target, b)
        with flags.counting("comparing", len(pictures)) as advance:
            found = compare(
                resource,
                target,
                first,
                second,
                pictures,
                threshold=threshold,
                overlap=overlap,
                negative=negative,
                progress=advance,
            )
    flags.tell("not compared", found.unusable)
    if as_json:
        flags.print_json({"a": first.name, "b": second.name, "comparison": found, "verdict": found.verdict})
    else:
        difference, low, high = found.difference
        print(visible(f"a  {first.name}: {_share(found.a)}"))
        print(visible(f"b  {second.name}: {_share(found.b)}"))
        print(
            f"b - a  {difference:+.3f} ({low:+.3f} to {high:+.3f}); only a right {found.only_a}, only b right {found.only_b}"
        )
        print(f"{found.verdict} (McNemar's exact test, p = {found.p_value:.3g})")
    if found.unusable:
        raise typer.Exit(1)


def _share(share: Share) -> str:
    return f"{share.right} of {share.of} right, {share.right / share.of:.3f} ({share.low:.3f} to {share.high:.3f})"
