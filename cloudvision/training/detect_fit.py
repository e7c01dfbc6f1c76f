"""The training loop of the detector, and the look at pictures that it has not seen."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cloudvision.models.suppression import suppress
from cloudvision.training import average_precision
from cloudvision.training.average_precision import Boxes
from cloudvision.training.checkpoint import Standing, restore, save
from cloudvision.training.detect_augment import Changes, View, plain, view
from cloudvision.training.detect_loss import Truth, loss_of
from cloudvision.training.detect_network import Detector
from cloudvision.training.detect_scenes import Scene

OVERLAP, MOST, FAINT = 0.6, 100, 0.01
"""Of two boxes that overlap more the less sure one is left out; at most so many a picture; none of a lower score."""

_SHORT_FLOATS = torch.backends.cpu.get_cpu_capability() == "AVX512"  # elsewhere bfloat16 is slower than float32
_CALM = 0.15  # share of the run, at its end, in which pictures are changed little, so that it ends on real ones


@dataclass(frozen=True, slots=True)
class DetectorRecipe:
    """All that a run depends on besides its data and its network.

    Args:
        side: pixels, each way, that the network sees; a multiple of 32.
        steps: batches in all; the learning rate rises over the first twentieth and falls along half a cosine.
        looks: into how many parts the run is cut: after each, held-out pictures are looked at and the checkpoint is written.
        patience: stop when the held-out mAP (0.5 to 0.95) has not risen for so many looks, and take the best; None = never.
    """

    side: int = 224
    steps: int = 800
    batch: int = 16
    rate: float = 2e-3
    decay: float = 0.05
    average: float = 0.998
    looks: int = 8
    patience: int | None = None
    seed: int = 0
    threads: int = 1
    changes: Changes = field(default_factory=Changes)

    def rate_at(self, step: int) -> float:
        done = step / self.steps
        return self.rate * min(1.0, done / 0.05 + 0.01) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done)))

    def changes_at(self, step: int) -> Changes:
        if step < self.steps * (1 - _CALM):
            return self.changes
        return replace(self.changes, mosaic=0.0, paste=0.0, blot=0.0, zoom=(0.8, 1.25), colour=self.changes.colour / 2)


@dataclass(frozen=True, slots=True)
class DetectProgress:
    """Where a run stands after a look: batches done, mean loss since the last, mAP@0.5:0.95 of held-out pictures if any."""

    step: int
    steps: int
    loss: float
    stop_map: float | None


def fit(
    net: Detector,
    scenes: Sequence[Scene],
    *,
    held: Sequence[Scene] = (),
    recipe: DetectorRecipe,
    checkpoint: Path | None = None,
    told: Callable[[DetectProgress], None] | None = None,
) -> Detector:
    """Train `net` on `scenes`, look at `held` after each part of the run, and return the average of the weights.

    That average is the one at the end, or, with `patience`, of the look that went best. Where the run stands is written to
    `checkpoint` after each part, and a run that finds that file goes on from there. `told` hears of each part.
    """
    torch.set_num_threads(recipe.threads)
    net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(_groups(net, recipe.decay), lr=recipe.rate)
    at = Standing(net, copy.deepcopy(net), copy.deepcopy(net), optimiser)
    if checkpoint is not None:
        restore(at, checkpoint)
    while at.step < recipe.steps and (recipe.patience is None or at.stale < recipe.patience):
        end = math.ceil(recipe.steps * (at.epoch + 1) / min(recipe.looks, recipe.steps))
        losses = [_step(at, scenes, recipe) for _ in range(end - at.step)]
        at.epoch += 1
        seen = _look(at, held, side=recipe.side) if held else None
        if checkpoint is not None:
            save(at, checkpoint)
        if told is not None:
            told(DetectProgress(at.step, recipe.steps, float(np.mean(losses)), seen))
    return at.average if recipe.patience is None or at.area < 0 else at.best


def find(net: Detector, scenes: Sequence[Scene], *, side: int) -> tuple[Boxes, ...]:
    """What `net` finds in pictures as they are; corners are fractions of the picture."""
    net.eval()
    found = []
    with torch.inference_mode():
        for scene in scenes:
            pixels = plain(scene, size=(side, side)).pixels
            answer = net(_as_input([pixels]))
            found.append(thinned(answer.boxes[0].numpy() / side, torch.sigmoid(answer.logits[0]).numpy()))
    return tuple(found)


def thinned(boxes: NDArray[np.float32], scores: NDArray[np.float32]) -> Boxes:
    """From (cells, 4) and (cells, labels) to the boxes that are left when overlapping ones are left out."""
    kept = suppress(boxes, scores, threshold=FAINT, overlap=OVERLAP, most=MOST)
    corners = np.array([boxes[cell] for cell, _, _ in kept], dtype=np.float64).reshape(-1, 4)
    labels = np.array([label for _, label, _ in kept], dtype=np.int64)
    return Boxes(np.clip(corners, 0, 1), labels, np.array([score for _, _, score in kept], dtype=np.float64))


def truth_of(scenes: Sequence[Scene]) -> tuple[Boxes, ...]:
    """The true boxes, as fractions of each picture."""
    return tuple(Boxes(scene.boxes.astype(np.float64), scene.labels) for scene in scenes)


def _look(at: Standing[Detector], held: Sequence[Scene], *, side: int) -> float:
    most = 1 + max((int(scene.labels.max()) for scene in held if len(scene.labels)), default=0)
    names = [str(number) for number in range(most)]
    area = average_precision.score(truth_of(held), find(at.average, held, side=side), labels=names).map_50_95
    better = area > at.area
    at.area, at.stale = (area, 0) if better else (at.area, at.stale + 1)
    if better:
        at.best.load_state_dict(at.average.state_dict())
    return area


def _step(at: Standing[Detector], scenes: Sequence[Scene], recipe: DetectorRecipe) -> float:
    # The views of a batch follow from the seed and its number alone, so that a run taken up again sees the same ones.
    rng = np.random.default_rng([recipe.seed, at.step])
    size, changes = (recipe.side, recipe.side), recipe.changes_at(at.step)
    order = np.random.default_rng([recipe.seed, at.step * recipe.batch // len(scenes)]).permutation(len(scenes))
    first = at.step * recipe.batch
    members = [int(order[(first + k) % len(scenes)]) for k in range(recipe.batch)]
    views = [view(scenes, member, rng, size=size, changes=changes) for member in members]
    for group in at.optimiser.param_groups:
        group["lr"] = recipe.rate_at(at.step)
    at.net.train()
    with torch.autocast("cpu", torch.bfloat16, enabled=_SHORT_FLOATS):
        found = at.net(_as_input([one.pixels for one in views]))
    loss = loss_of(found, _as_truth(views), size=size)
    at.optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(at.net.parameters(), 5.0)
    at.optimiser.step()
    at.step += 1
    _follow(at.average, at.net, share=min(recipe.average, at.step / (at.step + 10)))
    return float(loss.detach())


def _as_input(pictures: Sequence[NDArray[np.uint8]]) -> Tensor:
    pixels = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2)
    return pixels.float().contiguous(memory_format=torch.channels_last)


def _as_truth(views: Sequence[View]) -> Truth:
    most = max(1, *(len(one.labels) for one in views))
    boxes, labels = torch.zeros(len(views), most, 4), torch.zeros(len(views), most, dtype=torch.int64)
    there = torch.zeros(len(views), most, dtype=torch.bool)
    for row, one in enumerate(views):
        count = len(one.labels)
        boxes[row, :count], labels[row, :count] = torch.from_numpy(one.boxes), torch.from_numpy(one.labels)
        there[row, :count] = True
    return Truth(boxes, labels, there)


def _groups(net: nn.Module, decay: float) -> list[dict[str, object]]:
    weights = [p for p in net.parameters() if p.ndim > 1]
    rest = [p for p in net.parameters() if p.ndim <= 1]
    return [{"params": weights, "weight_decay": decay}, {"params": rest, "weight_decay": 0.0}]


def _follow(average: nn.Module, net: nn.Module, *, share: float) -> None:
    pairs = zip(chain(average.parameters(), average.buffers()), chain(net.parameters(), net.buffers()), strict=True)
    with torch.no_grad():
        for mean, now in pairs:
            if mean.dtype.is_floating_point:
                mean.lerp_(now, 1 - share)
            else:
                mean.copy_(now)
