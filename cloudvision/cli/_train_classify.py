"""`cloudvision train --kind classify`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape

from cloudvision.annotations import Annotations
from cloudvision.cli._talk import say, stderr
from cloudvision.errors import ConfigError
from cloudvision.models import InputSettings
from cloudvision.models.fitting import Resize
from cloudvision.pages.of_classifier import Scores, classifier_page

if TYPE_CHECKING:
    from cloudvision.training.classify import Settings, Trained


@dataclass(frozen=True, slots=True)
class Common:
    """What every kind of training is told; None leaves a value to the kind."""

    out: Path
    work: Path
    name: str | None
    version: str | None
    command: str
    backbone: str | None
    side: int | None
    patience: int | None
    batch: int | None
    rate: float | None
    seed: int
    threads: int
    judge: float


@dataclass(frozen=True, slots=True)
class Choices:
    """What only a classifier is told."""

    multilabel: bool
    background: str | None
    epochs: int | None
    resize: Resize
    mirror: bool
    rotate: float | None
    backgrounds: Path | None
    pasted: int
    sentences: dict[str, str]
    html: Path | None


def run(annotations: Annotations, common: Common, choices: Choices) -> None:
    """Train, write the folder, and say how good it is."""
    from cloudvision.training.classify import About, train_classifier
    from cloudvision.training.classify_data import examples_of
    from cloudvision.training.classify_synthesis import paste_all, pictures_of

    examples = examples_of(annotations, multilabel=choices.multilabel)
    if choices.backgrounds is not None:
        if choices.multilabel:
            raise ConfigError("--backgrounds makes pictures of one label each; leave --multilabel out")
        examples = paste_all(
            examples,
            pictures_of(choices.backgrounds),
            background=choices.background,
            count=choices.pasted,
            seed=common.seed,
        )
    settings = _settings(common, choices)
    with stderr.status("") as status:
        trained = train_classifier(
            examples,
            common.out,
            settings=settings,
            about=About(common.name, common.version, choices.sentences, common.command),
            work=common.work,
            told=lambda at: status.update(
                f"epoch {at.epoch} of {at.epochs}, loss {at.loss:.3f}"
                + (f", on pictures not learned from {at.stop_loss:.3f}" if at.stop_loss is not None else "")
            ),
        )
    _tell(trained, settings)
    if choices.html is not None and trained.judged is not None:
        _write_page(trained, choices.html)


def _settings(common: Common, choices: Choices) -> Settings:
    from cloudvision.training.classify import Settings
    from cloudvision.training.classify_augment import Changes
    from cloudvision.training.classify_backbone import GATE
    from cloudvision.training.classify_fit import Recipe

    plain, changes = Recipe(), Changes(mirror=choices.mirror)
    if choices.rotate is not None:
        changes = replace(changes, rotate=choices.rotate)
    recipe = Recipe(
        epochs=choices.epochs or plain.epochs,
        patience=common.patience or plain.patience,
        batch=common.batch or plain.batch,
        rate=common.rate or plain.rate,
        seed=common.seed,
        threads=common.threads,
        changes=changes,
    )
    side = common.side or Settings().size.width
    return Settings(
        multilabel=choices.multilabel,
        background=choices.background,
        backbone=common.backbone or GATE,
        size=InputSettings(width=side, height=side, resize=choices.resize),
        judge=common.judge,
        recipe=recipe,
    )


def _tell(trained: Trained, settings: Settings) -> None:
    from cloudvision.training.classify_scores import matrix_text

    for problem in trained.problems:
        say(f"[yellow]left out:[/] {escape(problem)}")
    learned, stopped, judging = trained.parts
    say(f"backbone: {escape(trained.backbone)}")
    say(f"{learned} pictures were learned from, {stopped} said when to stop, {judging} judged")
    judged = trained.judged
    if judged is not None:
        low, high = judged.interval()
        say(f"accuracy {judged.accuracy:.3f} (95 % interval {low:.3f} to {high:.3f})")
        for one in judged.by_label():
            say(
                f"  {escape(one.name)}: precision {one.precision:.3f}, recall {one.recall:.3f},"
                f" average precision {one.average_precision:.3f} ({one.pictures} pictures)"
            )
        if not judged.multilabel:
            say(escape(matrix_text(judged)))
    if settings.quantise and trained.quantised is None:
        say("no graph of eight bits was written: it would lose more than a hundredth of the accuracy")
    say(f"wrote {escape(str(trained.path))}; see its MODEL_CARD.md")


def _write_page(trained: Trained, path: Path) -> None:
    judged = trained.judged
    assert judged is not None
    low, high = judged.interval()
    text = classifier_page(
        Scores(
            name=trained.path.name,
            pictures=len(judged.truth),
            accuracy=judged.accuracy,
            interval=(low, high),
            labels=tuple(
                (one.name, one.pictures, one.precision, one.recall, one.average_precision) for one in judged.by_label()
            ),
            confusion=() if judged.multilabel else tuple(tuple(map(int, row)) for row in judged.confusion()),
        )
    )
    path.write_text(text, encoding="utf-8")
    say(f"wrote {escape(str(path))}")
