"""The training loop of a classifier."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from cloudvision.training.checkpoint import Standing, restore, save
from cloudvision.training.classify_augment import Changes, change
from cloudvision.training.classify_network import Classifier
from cloudvision.training.network import Shape

_SMOOTH = 0.05  # of a label's certainty: people err, and a picture shows more than one thing
_HEAD_FASTER = 3.0  # the last layer starts from nothing and learns so much faster than a backbone with weights


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that a training run depends on besides its data and its backbone.

    Args:
        epochs: passes; of few pictures, a pass draws each several times, so that it holds `least_steps` batches.
        rate: highest learning rate, after a warm-up; it falls to nothing along half a cosine.
        average: of the weights, over the steps.
        patience: epochs without a better loss on the pictures that say when to stop; then the best weights are taken.
        threads: cores that are computed with. Another number may change the last digits of a result.
    """

    epochs: int = 24
    batch: int = 32
    least_steps: int = 6
    rate: float = 2e-3
    decay: float = 0.02
    average: float = 0.98
    patience: int = 8
    seed: int = 0
    threads: int = 1
    changes: Changes = field(default_factory=Changes)
    shape: Shape = field(default_factory=Shape)


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands after an epoch (counted from 1); `stop_loss` is None without pictures to stop by."""

    epoch: int
    epochs: int
    loss: float
    stop_loss: float | None


@dataclass(frozen=True, slots=True)
class Material:
    """What is learned from.

    Args:
        large: (n, h, w, 3) uint8, with `truth` (n, labels); a memory map will do.
        learn: indices of those that are learned from.
        stop_seen: (m, height, width, 3) uint8 of the input's size, with `stop_truth` (m, labels); m may be 0.
    """

    large: NDArray[np.uint8]
    truth: NDArray[np.bool_]
    learn: NDArray[np.int64]
    stop_seen: NDArray[np.uint8]
    stop_truth: NDArray[np.bool_]
    multilabel: bool


def train(
    net: Classifier,
    material: Material,
    *,
    recipe: Recipe,
    gentle: bool,
    checkpoint: Path | None = None,
    told: Callable[[Progress], None] | None = None,
) -> Classifier:
    """Train `net` and return the running average of its weights, at its best on the pictures to stop by, or at the end.

    Args:
        gentle: the backbone has learned before, and is changed more slowly than the last layer.
        checkpoint: where the run stands is written there after each epoch, and a run that finds it goes on from it.
    """
    torch.set_num_threads(recipe.threads)
    net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(_groups(net, recipe, gentle=gentle))
    full = [group["lr"] for group in optimiser.param_groups]
    at = Standing(net, copy.deepcopy(net), copy.deepcopy(net), optimiser)
    if checkpoint is not None:
        restore(at, checkpoint)
    steps = max(recipe.least_steps, math.ceil(len(material.learn) / recipe.batch))
    weights = _weights(material)
    while at.epoch < recipe.epochs and at.stale < recipe.patience:
        seed = recipe.seed * 100_003 + at.epoch  # of each epoch: one that is taken up again is the same
        torch.manual_seed(seed)
        rng = np.random.default_rng(seed)
        total = 0.0
        for chosen in _draws(len(material.learn), steps=steps, batch=recipe.batch, rng=rng):
            pixels, truth = _batch(material, material.learn[chosen], rng, recipe)
            share = _share_of_rate(at.step / (steps * recipe.epochs))
            for group, rate in zip(optimiser.param_groups, full, strict=True):
                group["lr"] = rate * share
            net.train()
            loss = _loss(net(pixels), truth, weights, multilabel=material.multilabel)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            optimiser.step()
            total += float(loss.detach())
            at.step += 1
            _follow(at.average, net, share=min(recipe.average, at.step / (at.step + 10)))
        at.epoch += 1
        stop_loss = _look(at, material) if len(material.stop_seen) else None
        if checkpoint is not None:
            save(at, checkpoint)
        if told is not None:
            told(Progress(at.epoch, recipe.epochs, total / steps, stop_loss))
    return (at.average if at.area < 0 else at.best).eval()


def logits(net: Classifier, seen: NDArray[np.uint8], *, batch: int = 32) -> NDArray[np.float32]:
    """(n, height, width, 3) -> (n, labels)."""
    net.eval()
    with torch.inference_mode():
        parts = [net(_tensor(seen[start : start + batch])) for start in range(0, len(seen), batch)]
    return torch.cat(parts).numpy() if parts else np.zeros((0, net.last.out_features), dtype=np.float32)


def probabilities(net: Classifier, seen: NDArray[np.uint8], *, multilabel: bool) -> NDArray[np.float32]:
    """(n, height, width, 3) -> (n, labels), each from 0 to 1; of a classifier a row adds up to 1."""
    given = torch.from_numpy(logits(net, seen))
    return (torch.sigmoid(given) if multilabel else torch.softmax(given, dim=1)).numpy()


def _look(at: Standing[Classifier], material: Material) -> float:
    given, truth = torch.from_numpy(logits(at.average, material.stop_seen)), _float(material.stop_truth)
    loss = float(_loss(given, truth, torch.ones(truth.shape[1]), multilabel=material.multilabel, smooth=0.0))
    good = math.exp(-loss)
    at.area, at.stale = (good, 0) if good > at.area else (at.area, at.stale + 1)
    if at.stale == 0:
        at.best.load_state_dict(at.average.state_dict())
    return loss


def _draws(count: int, *, steps: int, batch: int, rng: np.random.Generator) -> list[NDArray[np.int64]]:
    """Batches in which every picture comes up equally often, give or take one."""
    rounds = math.ceil(steps * batch / count)
    order = np.concatenate([rng.permutation(count) for _ in range(rounds)])
    return [order[step * batch : (step + 1) * batch] for step in range(steps)]


def _batch(
    material: Material, chosen: NDArray[np.int64], rng: np.random.Generator, recipe: Recipe
) -> tuple[Tensor, Tensor]:
    height, width = material.stop_seen.shape[1:3]
    made = [change(material.large[i], rng, size=(width, height), changes=recipe.changes) for i in chosen]
    return _tensor(np.stack(made)), _float(material.truth[chosen])


def _loss(given: Tensor, truth: Tensor, weights: Tensor, *, multilabel: bool, smooth: float = _SMOOTH) -> Tensor:
    if multilabel:
        soft = truth * (1 - smooth) + smooth / 2
        return functional.binary_cross_entropy_with_logits(given, soft)
    return functional.cross_entropy(given, truth.argmax(1), weight=weights, label_smoothing=smooth)


def _weights(material: Material) -> Tensor:
    """Rare classes count more, but not as much more as they are rarer: their few pictures would be learned by heart."""
    counts = np.maximum(1, material.truth[material.learn].sum(axis=0))
    weights = np.sqrt(counts.max() / counts)
    return torch.tensor(weights / weights.mean(), dtype=torch.float32)


def _share_of_rate(done: float) -> float:
    """At a share 0 to 1 of the run: 5 % warm-up, then half a cosine."""
    return min(1.0, done / 0.05 + 0.02) * 0.5 * (1 + math.cos(math.pi * done))


def _groups(net: Classifier, recipe: Recipe, *, gentle: bool) -> list[dict[str, object]]:
    backbone = {id(p) for p in net.backbone.parameters()}
    groups = []
    for inside in (True, False):
        rate = recipe.rate if inside or not gentle else recipe.rate * _HEAD_FASTER
        ours = [p for p in net.parameters() if (id(p) in backbone) == inside]
        groups.append({"params": [p for p in ours if p.ndim > 1], "weight_decay": recipe.decay, "lr": rate})
        groups.append({"params": [p for p in ours if p.ndim <= 1], "weight_decay": 0.0, "lr": rate})
    return groups


def _follow(average: Classifier, net: Classifier, *, share: float) -> None:
    with torch.no_grad():
        for mean, now in zip(average.state_dict().values(), net.state_dict().values(), strict=True):
            if mean.dtype.is_floating_point:
                mean.lerp_(now, 1 - share)
            else:
                mean.copy_(now)


def _tensor(pixels: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(0, 3, 1, 2).float()


def _float(truth: NDArray[np.bool_]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(truth)).float()
