"""Which cells are to answer for which true box, and how wrong their answers are.

A cell may answer for a box that its centre lies in. Of these the ten are taken that do best by now, in label and in place
together, so that a cell learns to be sure where its box is right (task alignment, https://arxiv.org/abs/2108.07755).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from cloudvision.training.detect_network import Found, cells

_BEST, _POWER_OF_SCORE, _POWER_OF_OVERLAP = 10, 0.5, 6.0
_LEAST = 8.0  # pixels: a true box that is smaller is looked at as if it were so large, or no cell may lie in it
_PLACE = 2.0  # weight of place against label


@dataclass(frozen=True, slots=True)
class Truth:
    """True boxes of n pictures, filled up to m each: `boxes` (n, m, 4) pixels, `labels` (n, m), `there` (n, m)."""

    boxes: Tensor
    labels: Tensor
    there: Tensor


@dataclass(frozen=True, slots=True)
class Task:
    """What each cell is to say: `boxes` (n, cells, 4) and `scores` (n, cells, labels), 0 but for those that answer."""

    boxes: Tensor
    scores: Tensor


def loss_of(found: Found, truth: Truth, *, size: tuple[int, int]) -> Tensor:
    """Focal loss of the scores, weighted overlap loss of the boxes; `size` is height and width of the input in pixels."""
    task = assign(found, truth, size=size)
    p = torch.sigmoid(found.logits)
    focal = (p - task.scores).abs().square()
    what = (functional.binary_cross_entropy_with_logits(found.logits, task.scores, reduction="none") * focal).sum()
    weight = task.scores.sum(2)
    chosen = weight > 0
    where = ((1 - _generalised(found.boxes[chosen], task.boxes[chosen])) * weight[chosen]).sum()
    return (what + _PLACE * where) / weight.sum().clamp(min=1.0)


@torch.no_grad()
def assign(found: Found, truth: Truth, *, size: tuple[int, int]) -> Task:
    """Give each cell at most one true box; a cell that two want takes the one that it overlaps most."""
    centres, _ = cells(*size)
    middle = (truth.boxes[..., :2] + truth.boxes[..., 2:]) / 2
    half = ((truth.boxes[..., 2:] - truth.boxes[..., :2]) / 2).clamp(min=_LEAST / 2)
    inside = ((centres - middle[:, :, None]).abs() < half[:, :, None]).all(3) & truth.there[..., None]  # (n, m, cells)
    overlaps = _overlap(truth.boxes[:, :, None], found.boxes[:, None]) * inside
    which = truth.labels[..., None].expand(-1, -1, len(centres))
    scores = torch.sigmoid(found.logits).transpose(1, 2).gather(1, which)
    fit = (scores**_POWER_OF_SCORE * (overlaps + 1e-3) ** _POWER_OF_OVERLAP) * inside
    best = fit.topk(min(_BEST, len(centres)), dim=2)
    takes = torch.zeros_like(inside).scatter(2, best.indices, best.values > 0)
    rival = (overlaps + 1e-3) * takes
    takes &= torch.zeros_like(takes).scatter(1, rival.argmax(1, keepdim=True), True)
    # The best cell of a box is to be as sure as its overlap is good, the others in proportion.
    fit = fit * takes
    share = fit / fit.amax(2, keepdim=True).clamp(min=1e-30) * (overlaps * takes).amax(2, keepdim=True)
    mine = takes.float().argmax(1)  # (n, cells)
    sure = (share * takes).amax(1)
    boxes = truth.boxes.gather(1, mine[..., None].expand(-1, -1, 4))
    labels = truth.labels.gather(1, mine)
    return Task(boxes, functional.one_hot(labels, found.logits.shape[2]) * sure[..., None])


def _overlap(ones: Tensor, others: Tensor) -> Tensor:
    shared, union, _ = _areas(ones, others)
    return shared / union.clamp(min=1e-6)


def _generalised(ones: Tensor, others: Tensor) -> Tensor:
    """GIoU, -1 to 1 (https://arxiv.org/abs/1902.09630)."""
    shared, union, hull = _areas(ones, others)
    return shared / union.clamp(min=1e-6) - (hull - union) / hull.clamp(min=1e-6)


def _areas(ones: Tensor, others: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Of what both cover, of what either covers, and of the smallest box around both."""
    shared = _area(torch.maximum(ones[..., :2], others[..., :2]), torch.minimum(ones[..., 2:], others[..., 2:]))
    hull = _area(torch.minimum(ones[..., :2], others[..., :2]), torch.maximum(ones[..., 2:], others[..., 2:]))
    return shared, _area(ones[..., :2], ones[..., 2:]) + _area(others[..., :2], others[..., 2:]) - shared, hull


def _area(low: Tensor, high: Tensor) -> Tensor:
    return (high - low).clamp(min=0).prod(-1)
