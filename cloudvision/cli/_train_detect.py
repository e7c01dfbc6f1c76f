"""`cloudvision train --kind detect`."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from rich.markup import escape

from cloudvision.annotations import Annotations
from cloudvision.cli._talk import say, stderr
from cloudvision.cli._train_classify import Common
from cloudvision.errors import ConfigError

_STOP = 0.15  # share of the pictures that say when to stop, where that is asked for


def run(annotations: Annotations, common: Common, *, steps: int | None, any_way_up: bool) -> None:
    """Train, write the folder, and say how good it is."""
    from cloudvision.training.detect import DetectorSettings, train_detector
    from cloudvision.training.detect_scenes import box_examples_of

    plain = DetectorSettings()
    recipe = replace(
        plain.recipe,
        side=common.side or plain.recipe.side,
        steps=steps or plain.recipe.steps,
        batch=common.batch or plain.recipe.batch,
        rate=common.rate or plain.recipe.rate,
        patience=common.patience,
        seed=common.seed,
        threads=common.threads,
        changes=replace(plain.recipe.changes, any_way_up=any_way_up),
    )
    settings = replace(
        plain,
        recipe=recipe,
        backbone=_backbone(common.backbone),
        judge=common.judge,
        stop=_STOP if common.patience else 0.0,
    )
    with stderr.status("") as status:
        trained = train_detector(
            box_examples_of(annotations),
            common.out,
            settings=settings,
            name=common.name,
            version=common.version,
            work=common.work,
            command=common.command,
            told=lambda at: status.update(
                f"batch {at.step} of {at.steps}, loss {at.loss:.3f}"
                + (f", mAP@0.5:0.95 {at.stop_map:.3f}" if at.stop_map is not None else "")
            ),
        )
    for problem in trained.problems:
        say(f"[yellow]left out:[/] {escape(problem)}")
    learned, stopped, judging = trained.parts
    say(f"backbone: {escape(trained.backbone)}")
    say(f"{learned} pictures were learned from, {stopped} said when to stop, {judging} judged")
    if trained.judged is not None:
        say(f"mAP@0.5 {trained.judged.map_50:.3f}, mAP@0.5:0.95 {trained.judged.map_50_95:.3f}")
        for one in trained.judged.labels:
            say(
                f"  {escape(one.name)}: AP@0.5 {one.ap_50:.3f}, precision {one.precision:.3f}, recall {one.recall:.3f}"
                f" ({one.boxes} boxes)"
            )
    say(f"wrote {escape(str(trained.path))}; see its MODEL_CARD.md")


def _backbone(wanted: str | None) -> Literal["scratch", "gate"]:
    match wanted:
        case None | "scratch":
            return "scratch"
        case "gate":
            return "gate"
        case _:
            raise ConfigError(f"a detector's backbone is scratch or gate, not {wanted!r}")
