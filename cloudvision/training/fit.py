"""The training loop, and the look at pictures that the network has not seen."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from cloudvision.gate import metrics
from cloudvision.gate.preprocess import Preprocessing
from cloudvision.training import weights
from cloudvision.training.batches import Batch, Pictures, Plan, aspects_of, batches
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
) -> TextNet:
    """Train `net` on `members`; report on `held` (may be empty) after each epoch at full side; return the average of weights.

    The returned network is the running average of the weights at the epoch with the best held-out AUC when `patience` is
    set, else at the end.
    """
    torch.manual_seed(recipe.seed)
    torch.set_num_threads(recipe.threads)
    net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average, best, best_auc, stale = copy.deepcopy(net), None, -1.0, 0
    optimiser = torch.optim.AdamW(_groups(net, recipe.decay), lr=recipe.rate)
    aspects = aspects_of(pictures.pixels)
    aspects[np.setdiff1d(np.arange(len(aspects)), members)] = -1
    truth = np.array([pictures.criterion.meets(pictures.samples[i].lines) for i in held], dtype=bool)
    step = 0
    for epoch in range(recipe.epochs):
        plan = Plan(aspects, size=recipe.batch, side=recipe.side_at(epoch), seed=recipe.seed * 1000 + epoch)
        total, start = 0.0, time.monotonic()
        for batch in batches(pictures, plan, workers=recipe.workers):
            for group in optimiser.param_groups:
                group["lr"] = recipe.rate_at((epoch + (step % len(plan)) / len(plan)) / recipe.epochs)
            total += _step(net, batch, optimiser)
            step += 1
            _follow(average, net, share=min(recipe.average, step / (step + 10)))
        line = (
            f"epoch {epoch + 1}/{recipe.epochs} loss {total / max(1, len(plan)):.4f} {time.monotonic() - start:.0f} s"
        )
        late = recipe.side_at(epoch) == recipe.side
        if len(held) and (late or epoch % 3 == 2):
            scores = predict(average, pictures.pixels, held, side=recipe.side)
            area = metrics.auc(scores, truth)
            line += (
                f" held-out AUC {area:.4f} specificity {metrics.specificity_at_recall(scores, truth, recall=0.95):.3f}"
            )
            if late and recipe.patience is not None:
                stale = 0 if area > best_auc else stale + 1
                if area > best_auc:
                    best, best_auc = copy.deepcopy(average), area
        print(line, flush=True)
        weights.save(average, checkpoint)
        if recipe.patience is not None and stale >= recipe.patience:
            break
    return best or average


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
    """Yes or no, plus where, plus how much."""
    maps = batch.maps.float()
    worth = functional.binary_cross_entropy_with_logits(answer.worth, batch.worth * 0.98 + 0.01)
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
