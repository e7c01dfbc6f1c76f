"""Train the exact stage's read-out on features that are already there: minutes, not hours."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from cloudvision.gate.criterion import Criterion
from cloudvision.training import targets
from cloudvision.training.data import Sample
from cloudvision.training.features import Features
from cloudvision.training.readout import CellReadOut, PictureReadOut, Pools, ReadOutNet, ReadOutShape

CELLS_WITH, CELLS_WITHOUT = 60, 70  # cells of one picture, with and without text, that the first network learns from


@dataclass(frozen=True, slots=True)
class ReadOutRecipe:
    """All that a training run depends on besides its data. Sources weigh as the root of their size."""

    side: int = 576
    cell_epochs: int = 3
    cell_rate: float = 3e-3
    picture_epochs: int = 30
    picture_rate: float = 1e-3
    decay: float = 0.1
    noise: float = 0.2
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Cells:
    """Single cells of all pictures with their truths."""

    features: Tensor  # (m, CHANNELS)
    truth: Tensor  # (m, len(targets.MAPS)): share of the cell that the outline covers
    picture: NDArray[np.int64]  # (m,)


def draw_cells(samples: tuple[Sample, ...], features: Features, rng: Generator) -> Cells:
    rows, truths, pictures = [], [], []
    for index, sample in enumerate(samples):
        height, width = features.inside(index)
        drawn = targets.draw(sample.lines, width=2 * width, height=2 * height)
        truth = drawn.reshape(len(targets.MAPS), height, 2, width, 2).mean((2, 4)).reshape(len(targets.MAPS), -1)
        seen = features[index][:, :height, :width].reshape(features[index].shape[0], -1)
        covered = truth[0] > 0.3
        chosen = np.concatenate(
            [
                rng.permutation(np.flatnonzero(covered))[:CELLS_WITH],
                rng.permutation(np.flatnonzero(~covered))[:CELLS_WITHOUT],
            ]
        )
        rows.append(seen[:, chosen].T)
        truths.append(truth[:, chosen].T)
        pictures.append(np.full(len(chosen), index))
    return Cells(
        torch.from_numpy(np.concatenate(rows)),
        torch.from_numpy(np.concatenate(truths).astype(np.float32)),
        np.concatenate(pictures),
    )


def train_readout(
    samples: tuple[Sample, ...],
    features: Features,
    cells: Cells,
    *,
    members: NDArray[np.int64],
    criterion: Criterion,
    recipe: ReadOutRecipe,
    shape: ReadOutShape,
) -> ReadOutNet:
    """Train on `members` alone."""
    torch.set_num_threads(1)
    torch.manual_seed(recipe.seed)
    rng = np.random.default_rng(recipe.seed)
    pools = Pools(_fit_cells(cells, members=members, recipe=recipe, shape=shape, rng=rng)).eval()
    with torch.inference_mode():
        numbers = torch.cat([pools(torch.from_numpy(features[int(i)])[None]) for i in members])
    numbers = numbers.clone()
    truth = torch.tensor([float(criterion.meets(samples[int(i)].lines)) for i in members])
    weights = torch.from_numpy(_weights([samples[int(i)].group for i in members]))
    picture = PictureReadOut(shape)
    picture.mean.copy_(numbers.mean(0))
    picture.deviation.copy_(numbers.std(0) + 1e-6)
    x = picture.standard(numbers)
    for member in picture.members:
        _fit_member(member, x, truth, weights, recipe=recipe, rng=rng)
    return ReadOutNet(pools, picture.eval())


def logits(net: ReadOutNet, features: Features, which: NDArray[np.int64]) -> NDArray[np.float64]:
    """(len(which),)"""
    net.eval()
    with torch.inference_mode():
        return np.array([float(net(torch.from_numpy(features[int(i)])[None])[0]) for i in which])


def _fit_cells(
    cells: Cells, *, members: NDArray[np.int64], recipe: ReadOutRecipe, shape: ReadOutShape, rng: Generator
) -> CellReadOut:
    mine = np.flatnonzero(np.isin(cells.picture, members))
    net = CellReadOut(shape.cell)
    net.mean.copy_(cells.features[mine].mean(0))
    net.deviation.copy_(cells.features[mine].std(0))
    optimiser = torch.optim.AdamW(net.parameters(), lr=recipe.cell_rate, weight_decay=0.01)
    size = min(1024, len(mine))
    steps = recipe.cell_epochs * (len(mine) // size)
    for step in range(steps):
        if step % (len(mine) // size) == 0:
            order = rng.permutation(mine)
        start = step % (len(mine) // size) * size
        batch = torch.from_numpy(order[start : start + size])
        _set_rate(optimiser, recipe.cell_rate, step / steps)
        loss = functional.binary_cross_entropy_with_logits(net.cells(cells.features[batch]), cells.truth[batch])
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return net


def _fit_member(
    net: nn.Module, x: Tensor, truth: Tensor, weights: Tensor, *, recipe: ReadOutRecipe, rng: Generator
) -> None:
    optimiser = torch.optim.AdamW(net.parameters(), lr=recipe.picture_rate, weight_decay=recipe.decay)
    size = min(64, len(x))
    steps = recipe.picture_epochs * (len(x) // size)
    net.train()
    for step in range(steps):
        if step % (len(x) // size) == 0:
            order = rng.permutation(len(x))
        start = step % (len(x) // size) * size
        batch = torch.from_numpy(order[start : start + size])
        _set_rate(optimiser, recipe.picture_rate, step / steps)
        seen = x[batch] + recipe.noise * torch.randn(size, x.shape[1])
        doubted = truth[batch] * 0.96 + 0.02  # the labels are an engine's, not a person's
        loss = functional.binary_cross_entropy_with_logits(net(seen)[:, 0], doubted, weight=weights[batch])
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    net.eval()


def _set_rate(optimiser: torch.optim.Optimizer, rate: float, done: float) -> None:
    for group in optimiser.param_groups:
        group["lr"] = rate * 0.5 * (1 + math.cos(math.pi * done))


def _weights(groups: list[str]) -> NDArray[np.float32]:
    """A source of n pictures weighs as the root of n; the mean weight is 1."""
    counts = {group: groups.count(group) for group in set(groups)}
    weights = np.array([counts[group] ** -0.5 for group in groups], dtype=np.float32)
    return np.asarray(weights / weights.mean(), dtype=np.float32)
