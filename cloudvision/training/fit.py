"""The training loop, and the look at pictures that the network has not seen."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from cloudvision.gate import metrics
from cloudvision.gate.preprocess import Preprocessing
from cloudvision.training.batches import Batch, Pictures, Plan, aspects_of, batches
from cloudvision.training.checkpoint import Standing, restore, save
from cloudvision.training.data import Pixels
from cloudvision.training.network import Answer, TextNet


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that a training run depends on besides its data.

    Args:
        epochs: passes over the pictures; the learning rate falls to nothing along half a cosine.
        side: pixels of the longer side in the last third of the run; before, it is `small_side`, which costs half.
        patience: stop when the held-out AUC has not risen for so many epochs, and take the best one; None = never. With it
            the held-out pictures have chosen something and are no fair test any more.
    """

    epochs: int = 12
    batch: int = 16
    side: int = 480
    small_side: int = 352
    rate: float = 3e-3
    decay: float = 0.03
    average: float = 0.997
    patience: int | None = None
    seed: int = 0
    threads: int = 1
    workers: int = 1
    strength: float = 1.0

    def side_at(self, epoch: int) -> int:
        return self.small_side if epoch < self.epochs * 0.65 else self.side

    def rate_at(self, done: float) -> float:
        """Learning rate at a share 0 to 1 of the run: 3 % warm-up, then half a cosine."""
        return self.rate * min(1.0, done / 0.03 + 0.02) * 0.5 * (1 + math.cos(math.pi * done))


def train(
    pictures: Pictures,
    *,
    recipe: Recipe,
    members: NDArray[np.int64],
    held: NDArray[np.int64],
    net: TextNet,
    checkpoint: Path,
    told: Callable[[int], None] | None = None,
) -> TextNet:
    """Train `net` on `members`, look at `held` (may be empty) after most epochs, and return the average of the weights.

    That average is the one of the last epoch, or, with `patience`, of the epoch that did best on `held`. Where the run
    stands is written to `checkpoint` after each epoch, and a run that finds that file goes on from there. `told` hears the
    number of epochs that are done.
    """
    torch.set_num_threads(recipe.threads)
    net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(_groups(net, recipe.decay), lr=recipe.rate)
    at = Standing(net, copy.deepcopy(net), copy.deepcopy(net), optimiser)
    if restore(at, checkpoint):
        print(f"goes on after epoch {at.epoch} of {recipe.epochs}", flush=True)
    aspects = aspects_of(pictures.pixels)
    aspects[np.setdiff1d(np.arange(len(aspects)), members)] = -1  # of no batch
    while at.epoch < recipe.epochs and (recipe.patience is None or at.stale < recipe.patience):
        torch.manual_seed(recipe.seed * 1000 + at.epoch)  # of each epoch: one that is taken up again is the same
        side, total, start = recipe.side_at(at.epoch), 0.0, time.monotonic()
        plan = Plan(aspects, size=recipe.batch, side=side, seed=recipe.seed * 1000 + at.epoch)
        for batch in batches(pictures, plan, workers=recipe.workers):
            for group in optimiser.param_groups:
                group["lr"] = recipe.rate_at(at.step / (len(plan) * recipe.epochs))
            total += _step(net, batch, optimiser)
            at.step += 1
            _follow(at.average, net, share=min(recipe.average, at.step / (at.step + 10)))
        at.epoch += 1
        print(
            f"epoch {at.epoch}/{recipe.epochs} loss {total / len(plan):.4f} {time.monotonic() - start:.0f} s",
            flush=True,
        )
        if len(held) and (side == recipe.side or at.epoch % 3 == 0):
            area = _held_out(at.average, pictures, held, side=recipe.side)
            at.area, at.stale = (area, 0) if area > at.area else (at.area, at.stale + 1)
            if at.stale == 0:
                at.best.load_state_dict(at.average.state_dict())
        save(at, checkpoint)
        if told is not None:
            told(at.epoch)
    return at.average if recipe.patience is None or at.area < 0 else at.best


def _held_out(net: TextNet, pictures: Pictures, held: NDArray[np.int64], *, side: int) -> float:
    """AUC on pictures that the network was not trained on."""
    truth = np.array([pictures.samples[i].is_worth(pictures.criterion) for i in held], dtype=bool)
    scores = predict(net, pictures.pixels, held, side=side)
    area, share = metrics.auc(scores, truth), metrics.specificity_at_recall(scores, truth, recall=0.95)
    print(f"  held out: AUC {area:.4f} specificity at recall 0.95 {share:.3f}", flush=True)
    return area


def predict(net: TextNet, pixels: Pixels, which: Sequence[int] | NDArray[np.int64], *, side: int) -> metrics.Scores:
    """Logits (len(which),) of single pictures, prepared as the gate prepares them."""
    net.eval()
    preprocessing = Preprocessing(side=side, multiple=32)
    logits = []
    with torch.inference_mode():
        for index in which:
            x = torch.from_numpy(preprocessing.apply(pixels[int(index)])).permute(0, 3, 1, 2).float()
            logits.append(float(net(x).worth[0]))
    return np.array(logits)


def _step(net: TextNet, batch: Batch, optimiser: torch.optim.Optimizer) -> float:
    net.train()
    x = batch.pixels.float().to(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        answer = net(x)
    loss = loss_of(answer, batch)
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
    optimiser.step()
    return float(loss.detach())


def loss_of(answer: Answer, batch: Batch) -> Tensor:
    """Yes or no, plus where, plus how much; where no lines are known, yes or no alone."""
    maps = batch.maps.float()
    doubted = batch.worth * 0.98 + 0.01  # the labels are an engine's, not a person's
    worth = functional.binary_cross_entropy_with_logits(answer.worth, doubted)
    if not batch.dense:
        return worth
    where = functional.binary_cross_entropy_with_logits(answer.maps, maps)
    p = torch.sigmoid(answer.maps)
    # Dice over the whole batch: pictures without text have none of their own.
    dice = 1 - (2 * (p * maps).sum((0, 2, 3)) + 1) / ((p + maps).sum((0, 2, 3)) + 1)
    much = functional.smooth_l1_loss(torch.log1p(answer.characters), torch.log1p(batch.characters))
    return worth + 2.0 * where + 0.5 * dice.mean() + 0.2 * much


def _groups(net: TextNet, decay: float) -> list[dict[str, object]]:
    weights = [p for p in net.parameters() if p.ndim > 1]
    rest = [p for p in net.parameters() if p.ndim <= 1]
    return [{"params": weights, "weight_decay": decay}, {"params": rest, "weight_decay": 0.0}]


def _follow(average: TextNet, net: TextNet, *, share: float) -> None:
    with torch.no_grad():
        for mean, now in zip(average.state_dict().values(), net.state_dict().values(), strict=True):
            if mean.dtype.is_floating_point:
                mean.lerp_(now, 1 - share)
            else:
                mean.copy_(now)
