"""Train a detector on pictures with boxes, and write a model folder: `cloudvision train --kind detect`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from importlib import resources
from pathlib import Path
from typing import Literal

import torch

from cloudvision.errors import ConfigError
from cloudvision.models import Description, DetectSettings, InputSettings
from cloudvision.training import weights
from cloudvision.training.average_precision import DetectionScores
from cloudvision.training.detect_fit import MOST, OVERLAP, DetectorRecipe, DetectProgress, fit
from cloudvision.training.detect_folder import DetectFacts, write_folder
from cloudvision.training.detect_judge import graphs_of
from cloudvision.training.detect_network import Detector, DetectorShape
from cloudvision.training.detect_scenes import BoxExample, Scene, box_labels_of, data_digest, hold_out, read_scenes
from cloudvision.training.network import Shape, TextNet
from cloudvision.training.start import start_from

_SHARPER = 1.5  # pictures to learn from are kept so much larger than the input, so that they stay sharp when zoomed in
_GATE_WEIGHTS = resources.files("cloudvision.gate") / "fast_v1" / "model.onnx"


@dataclass(frozen=True, slots=True)
class DetectorSettings:
    """What is trained, and how.

    Args:
        backbone: from random numbers ("scratch"), or from the gate's own ("gate", whose trunk is smaller; `shape.trunk` is
            then not used).
        stop, judge: shares of the pictures that say when to stop (with `recipe.patience`) and which threshold is best, and
            that judge what came out. By default none stop: the rate falls to nothing, and few pictures are better learned from.
        quantise: also write a graph of eight bits, unless it would lose more than a hundredth of mAP@0.5.
    """

    backbone: Literal["scratch", "gate"] = "scratch"
    stop: float = 0.0
    judge: float = 0.2
    quantise: bool = True
    shape: DetectorShape = field(default_factory=DetectorShape)
    recipe: DetectorRecipe = field(default_factory=DetectorRecipe)


@dataclass(frozen=True, slots=True)
class TrainedDetector:
    """What came out.

    Args:
        path: the model folder.
        judged: of what the fp32 graph finds in pictures that it was not trained on; None where none were kept back.
        parts: how many pictures learned, stopped and judged.
        problems: pictures that were left out, and why.
        backbone: what the training began with, in words.
        quantised: mAP@0.5 that the graph of eight bits loses; None without it.
    """

    path: Path
    labels: tuple[str, ...]
    judged: DetectionScores | None
    parts: tuple[int, int, int]
    problems: tuple[str, ...]
    backbone: str
    quantised: float | None

    def summary(self) -> str:
        """One line for people."""
        if self.judged is None:
            return f"{self.path}: no picture was kept back to judge"
        figures = f"mAP@0.5 {self.judged.map_50:.3f}, mAP@0.5:0.95 {self.judged.map_50_95:.3f}"
        return f"{self.path}: {figures} on {self.parts[2]} pictures that it was not trained on"


def train_detector(  # noqa: PLR0913 - independent settings, each given by name
    examples: Sequence[BoxExample],
    out: Path,
    *,
    settings: DetectorSettings | None = None,
    labels: Sequence[str] | None = None,
    name: str | None = None,
    version: str | None = None,
    work: Path | None = None,
    command: str = "",
    told: Callable[[DetectProgress], None] | None = None,
) -> TrainedDetector:
    """Train on `examples` and write the folder `out`.

    The same examples, settings and machine give the same model. Pictures that look alike are never parted between learning
    and judging.

    Args:
        out: a new or an empty folder.
        labels: in the order that the model is to have; by default those of the examples, sorted.
        name: of the model; by default that of the folder.
        work: checkpoints are kept there: a run that was cut off goes on from it, and finished weights are used again.
        command: how to make it again, for the card.
        told: hears of every look; what it raises ends the training.

    Raises:
        ConfigError: nothing to learn from, a label without a box, a wrong side, or a folder that is not empty.
    """
    s = settings or DetectorSettings()
    r = s.recipe
    names = tuple(labels) if labels is not None else box_labels_of(examples)
    _check(s, out)
    scenes, problems = read_scenes(examples, names, side=round(r.side * _SHARPER))
    learn, stop, judge = _parted(scenes, s)
    torch.manual_seed(r.seed)
    torch.set_num_threads(r.threads)
    net, origin = _network(s, learn, labels=len(names))
    place = work / _key(s, scenes) if work else None
    net = _fitted(net, learn, stop, s, place=place, told=told)
    graphs, judged, threshold = graphs_of(net, (learn, stop, judge), names, side=r.side, quantised=s.quantise)
    described = Description(
        kind="detect",
        name=name or out.name,
        labels=names,
        input=InputSettings(r.side, r.side),
        version=version,
        detect=DetectSettings(threshold=threshold, overlap=OVERLAP, most=MOST),
    )
    facts = DetectFacts(
        backbone=origin,
        parameters=sum(p.numel() for p in net.parameters()),
        recipe=asdict(r),
        parts=(len(learn), len(stop), len(judge)),
        boxes=(sum(len(one.labels) for one in learn), sum(len(one.labels) for one in judge)),
        data_sha256=data_digest(scenes),
        problems=problems,
        command=command,
    )
    write_folder(out, described, graphs=graphs, judged=judged, facts=facts)
    lost = graphs.loss if graphs.quantised is not None else None
    return TrainedDetector(out, names, judged, facts.parts, problems, origin, lost)


def _check(s: DetectorSettings, out: Path) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError(f"{out} is there already; name a new folder")
    if s.recipe.side < 64 or s.recipe.side % 32:
        raise ConfigError(f"the side of the input must be a multiple of 32, at least 64, not {s.recipe.side}")
    if min(s.stop, s.judge) < 0 or s.stop + s.judge >= 0.9:
        raise ConfigError("the shares that stop and judge must leave a tenth or more to learn from")
    if s.recipe.patience is not None and not s.stop:
        raise ConfigError("to stop early, give a share of the pictures that say when (stop)")


def _parted(scenes: Sequence[Scene], s: DetectorSettings) -> tuple[list[Scene], list[Scene], list[Scene]]:
    rest, judge = hold_out(scenes, share=s.judge, seed=s.recipe.seed)
    learning = [scenes[i] for i in rest]
    learn, stop = hold_out(learning, share=s.stop / (1 - s.judge), seed=s.recipe.seed)
    if not any(len(learning[i].labels) for i in learn):
        raise ConfigError(
            f"of {len(scenes)} pictures none with a box is left to learn from: give more, or smaller shares"
        )
    return [learning[i] for i in learn], [learning[i] for i in stop], [scenes[i] for i in judge]


def _network(s: DetectorSettings, learn: Sequence[Scene], *, labels: int) -> tuple[Detector, str]:
    if s.backbone == "scratch":
        return Detector(labels, s.shape), "trained from random numbers"
    net, whole = Detector(labels, DetectorShape(trunk=Shape(), width=s.shape.width)), TextNet()
    start_from(whole, _GATE_WEIGHTS.read_bytes(), [scene.pixels for scene in learn[:32]], side=s.recipe.side)
    net.stem, net.stages = whole.stem, whole.stages
    return net, "the gate's own backbone (fast_v1, trained to find text), fine-tuned"


def _key(s: DetectorSettings, scenes: Sequence[Scene]) -> str:
    told = json.dumps([asdict(s), data_digest(scenes)], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:12]


def _fitted(
    net: Detector,
    learn: Sequence[Scene],
    stop: Sequence[Scene],
    s: DetectorSettings,
    *,
    place: Path | None,
    told: Callable[[DetectProgress], None] | None,
) -> Detector:
    if place is not None and (place / "done.npz").is_file():
        weights.load(net, place / "done.npz")
        return net
    checkpoint = place / "standing.npz" if place else None
    net = fit(net, learn, held=stop, recipe=s.recipe, checkpoint=checkpoint, told=told)
    if place is not None:
        weights.save(net, place / "done.npz")
        (place / "standing.npz").unlink(missing_ok=True)
    return net
