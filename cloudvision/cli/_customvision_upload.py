"""`cloudvision customvision upload`."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from cloudvision._printable import visible
from cloudvision.cli import _customvision_flags as flags
from cloudvision.cli._interrupt import ends_at_once
from cloudvision.cli._talk import say
from cloudvision.customvision import Preflight, UploadReport, check, list_tags, upload
from cloudvision.errors import ConfigError


def upload_command(
    place: Annotated[Path, typer.Argument(help="A folder a class, or annotations: CSV, JSON(L), COCO, VOC, YOLO.")],
    project: flags.Named = None,
    form: flags.Form = "auto",
    negative: flags.Negative = None,
    check_only: Annotated[bool, typer.Option("--check", help="Only look at the pictures; upload nothing.")] = False,
    few: Annotated[bool, typer.Option("--few", help="Upload although a training on it would fail.")] = False,
    notes: Annotated[
        Path | None,
        typer.Option(help="What is done is noted here, to go on after a kill; default: customvision-ID.jsonl"),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Write what became of each picture, a JSON object a line.")
    ] = None,
    threads: Annotated[int, typer.Option(help="Batches at a time.", min=1, max=32)] = 4,
    tier: flags.Tier = "S0",
    as_json: flags.AsJson = False,
) -> None:
    """Upload pictures with their tags or boxes, each once; the same command goes on after an interruption.

    Everything is looked at first, and nothing is uploaded where a training would fail for it. Exit code 1 when some pictures
    are left out or failed.
    """
    with ends_at_once():
        resource = flags.opened(tier)
        found = flags.annotations_at(place, form)
        target = flags.chosen(resource, project)
        already = {tag.name: tag.images for tag in list_tags(resource, target)}
        looked = check(found, kind=target.kind, tier=tier, negative=negative, already=already)
        _tell(looked, already_told=len(found.problems))
        if looked.blocking and not few:
            raise ConfigError(f"nothing uploaded: {'; '.join(looked.blocking)} (--few uploads all the same)")
        if check_only:
            _end(None, looked, as_json=as_json)
            return
        with flags.counting("uploading", len(looked.ready)) as advance:
            done = upload(
                resource,
                target,
                looked.ready,
                negative=negative,
                notes=notes or Path(f"customvision-{target.id}.jsonl"),
                threads=threads,
                progress=lambda _: advance(),
            )
        if report is not None:
            _write(report, done)
        _end(done, looked, as_json=as_json)


def _tell(looked: Preflight, *, already_told: int) -> None:
    flags.tell("left out", looked.left_out[already_told:])
    for note in looked.notes:
        say(f"note: a picture {escape(visible(note))}")
    counts = ", ".join(f"{visible(name)} {count}" for name, count in looked.counts.items())
    say(f"{len(looked.ready)} pictures can be uploaded: {escape(counts) or 'none'}")


def _end(done: UploadReport | None, looked: Preflight, *, as_json: bool) -> None:
    counts = dict(done.counts) if done else {}
    if as_json:
        failed = {result.source: result.reason for result in done.failed} if done else {}
        flags.print_json({**counts, "left_out": len(looked.left_out), "labels": looked.counts, "reasons": failed})
    elif done is not None:
        words = f"{counts['uploaded']} uploaded, {counts['duplicate']} there already"
        print(f"{words}, {counts['resumed']} done before, {counts['failed']} failed")
    if done is not None:
        flags.tell("failed", tuple(f"{result.source}: {result.reason}" for result in done.failed))
        if len(done.failed) > flags.SHOWN:
            reasons = Counter(result.reason for result in done.failed)
            say("; ".join(f"{times} times: {escape(reason)}" for reason, times in reasons.most_common(5)))
    if looked.left_out or counts.get("failed"):
        raise typer.Exit(1)


def _write(path: Path, done: UploadReport) -> None:
    try:
        with path.open("w", encoding="utf-8") as stream:
            for result in done.results:
                stream.write(json.dumps(dataclasses.asdict(result)) + "\n")
    except OSError as exc:
        raise ConfigError(f"cannot write {path}: {exc.strerror}") from exc
