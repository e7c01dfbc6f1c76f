"""A small detector without anchors: what is at each place of three grids, and how far its edges are.

The trunk is the gate's (separable convolutions, strides 2 to 32), so that it may start from the gate's weights. A pyramid
carries features of strides 8, 16 and 32 down and up again; two short branches on each level give a score for every label and
the distances to the four edges. After FCOS (https://arxiv.org/abs/1904.01355), with the joint score of TOOD
(https://arxiv.org/abs/2108.07755): there is no "objectness" beside the labels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional

from cloudvision.training.network import Shape, TextNet

STRIDES = (8, 16, 32)
_RARE = 0.01  # what a network without training says of every place, so that empty places do not drown the rest
_REACH = 2.5  # strides from a cell to each edge, before training


@dataclass(frozen=True, slots=True)
class DetectorShape:
    """`trunk` as of the gate's network (its `pyramid` and `hidden` are not used), `width` channels in pyramid and branches."""

    trunk: Shape = field(default_factory=lambda: Shape(widths=(24, 48, 96, 160, 224), depths=(1, 3, 4, 2)))
    width: int = 80


@dataclass(frozen=True, slots=True)
class Found:
    """`boxes` (n, cells, 4) left, top, right, bottom in pixels of the input; `logits` (n, cells, labels)."""

    boxes: Tensor
    logits: Tensor


class Detector(nn.Module):
    """(n, 3, h, w) pixels, 0 to 255, h and w divisible by 32 -> Found."""

    def __init__(self, labels: int, shape: DetectorShape | None = None) -> None:
        super().__init__()
        s = shape or DetectorShape()
        trunk = TextNet(s.trunk)
        self.stem, self.stages = trunk.stem, trunk.stages
        deep, w = s.trunk.widths[2:], s.width
        self.wide = _dense(3 * deep[-1], deep[-1])
        self.lateral = nn.ModuleList(_dense(inputs, w) for inputs in deep)
        self.down = nn.ModuleList(_separable(w) for _ in deep[:-1])
        self.shrink = nn.ModuleList(_dense(w, w, kernel=2, stride=2) for _ in deep[:-1])
        self.up = nn.ModuleList(_separable(w) for _ in deep[:-1])
        self.heads = nn.ModuleList(_Head(w, labels) for _ in deep)

    def forward(self, x: Tensor) -> Found:
        height, width = int(x.shape[2]), int(x.shape[3])
        levels = [lateral(level) for lateral, level in zip(self.lateral, self._trunk(x), strict=True)]
        for at in (1, 0):  # strides 16 and 8
            levels[at] = self.down[at](levels[at] + functional.interpolate(levels[at + 1], scale_factor=2.0))
        for at in (1, 2):  # and back
            levels[at] = self.up[at - 1](levels[at] + self.shrink[at - 1](levels[at - 1]))
        answers = [head(level) for head, level in zip(self.heads, levels, strict=True)]
        flat = torch.cat([answer.flatten(2) for answer in answers], dim=2).transpose(1, 2).float()
        centres, strides = cells(height, width)
        reach = functional.softplus(flat[..., :4]) * strides
        boxes = torch.cat([centres - reach[..., :2], centres + reach[..., 2:]], dim=2)
        return Found(boxes, flat[..., 4:])

    def _trunk(self, x: Tensor) -> list[Tensor]:
        x = self.stem((x - 127.0) / 64.0)
        levels = []
        for stage in self.stages:
            x = stage(x)
            levels.append(x)
        # The deepest level also hears of its surroundings: a large object fills more than its cells see.
        near = functional.max_pool2d(levels[-1], 5, 1, 2)
        far = functional.max_pool2d(near, 5, 1, 2)
        return [*levels[1:-1], self.wide(torch.cat([levels[-1], near, far], dim=1))]


def cells(height: int, width: int) -> tuple[Tensor, Tensor]:
    """Centres (cells, 2) as x, y and strides (cells, 1), both in pixels, in the order of the network's answers."""
    centres, strides = [], []
    for stride in STRIDES:
        rows, columns = height // stride, width // stride
        y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
        centres.append((torch.stack([x, y], dim=2).reshape(-1, 2) + 0.5) * stride)
        strides.append(torch.full((rows * columns, 1), float(stride)))
    return torch.cat(centres), torch.cat(strides)


class _Head(nn.Module):
    """One level: (n, width, h, w) -> (n, 4 + labels, h, w)."""

    def __init__(self, width: int, labels: int) -> None:
        super().__init__()
        self.what, self.where = _separable(width), _separable(width)
        self.label, self.edges = nn.Conv2d(width, labels, 1), nn.Conv2d(width, 4, 1)
        for layer, bias in ((self.label, math.log(_RARE / (1 - _RARE))), (self.edges, math.log(math.expm1(_REACH)))):
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.constant_(layer.bias, bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.edges(self.where(x)), self.label(self.what(x))], dim=1)


def _dense(inputs: int, outputs: int, *, kernel: int = 1, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )


def _separable(width: int) -> nn.Sequential:
    depthwise = nn.Conv2d(width, width, 5, 1, 2, groups=width, bias=False)
    return nn.Sequential(depthwise, nn.BatchNorm2d(width), nn.ReLU(inplace=True), *_dense(width, width))
