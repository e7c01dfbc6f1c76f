"""The fast stage's network: where is text, how much of it, and is that worth a call?

A depthwise-separable backbone (strides 2 to 32), a small feature pyramid that comes back to stride 4, a text map with
one channel a question, and a read-out that pools map and features over the picture. Every layer is convolutional up to the
pooling, so that any height and width divisible by 32 will do.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from cloudvision.training.targets import MAPS

STRIDE = 4  # input pixels a map pixel, each way


@dataclass(frozen=True, slots=True)
class Shape:
    """`widths` are the channels at strides 2, 4, 8, 16 and 32, `depths` the blocks at strides 4 to 32."""

    widths: tuple[int, int, int, int, int] = (16, 32, 64, 96, 128)
    depths: tuple[int, int, int, int] = (1, 3, 4, 2)
    pyramid: int = 48
    hidden: int = 64


class TextNet(nn.Module):
    """(n, 3, h, w) pixels, 0 to 255 -> Answer."""

    def __init__(self, shape: Shape | None = None) -> None:
        super().__init__()
        s = shape or Shape()
        first, *rest = s.widths
        self.stem = _dense(3, first, kernel=3, stride=2)
        stages, before = [], first
        for width, depth in zip(rest, s.depths, strict=True):
            # Patches of 2x2 that do not overlap: a strided depthwise layer is as quick to run and far slower to train.
            down = _dense(before, width, kernel=2, stride=2)
            stages.append(nn.Sequential(down, *(_Block(width) for _ in range(depth))))
            before = width
        self.stages = nn.ModuleList(stages)
        self.lateral = nn.ModuleList(_dense(w, s.pyramid) for w in rest[1:])
        self.smooth = nn.ModuleList(_separable(s.pyramid, s.pyramid) for _ in rest[1:])
        self.fine = _dense(s.pyramid, rest[0])
        self.refine = _separable(rest[0], rest[0])
        self.map = nn.Conv2d(rest[0], len(MAPS) + 1, 1)
        self.readout = ReadOut(s.pyramid, deepest=rest[-1], hidden=s.hidden)

    def forward(self, x: Tensor) -> Answer:
        x = self.stem((x - 127.0) / 64.0)
        levels = []
        for stage in self.stages:
            x = stage(x)
            levels.append(x)
        top = self.smooth[2](self.lateral[2](levels[3]))
        for level in (1, 0):  # strides 16 and 8
            top = self.smooth[level](self.lateral[level](levels[level + 1]) + _twice(top))
        maps = self.map(self.refine(levels[0] + _twice(self.fine(top)))).float()
        count = (functional.softplus(maps[:, -1]) * torch.sigmoid(maps[:, 0])).sum((1, 2))
        maps = maps[:, :-1]
        return Answer(self.readout(maps, count, top.float(), levels[-1].float()), maps, count)


@dataclass(frozen=True, slots=True)
class Answer:
    """`worth` (n,) logits, `maps` (n, len(MAPS), h / STRIDE, w / STRIDE) logits, `characters` (n,) expected count."""

    worth: Tensor
    maps: Tensor
    characters: Tensor


class ReadOut(nn.Module):
    """From the map and the features to one logit a picture: how much text, how sure, of what kind.

    Of each map channel the mean, the mean square, the peak and the highest mean over 32 x 32 pixels; the expected count
    of characters; the features, once under the text (the map is the weight, so that a small line in a large picture is not
    drowned), once at their peak, once, the deepest ones, as a mean.
    """

    def __init__(self, features: int, *, deepest: int, hidden: int) -> None:
        super().__init__()
        wide = 4 * len(MAPS) + 1 + 2 * features + deepest
        self.norm = nn.BatchNorm1d(wide)
        self.first = nn.Linear(wide, hidden)
        self.drop = nn.Dropout(0.3)
        self.last = nn.Linear(hidden, 1)

    def forward(self, maps: Tensor, count: Tensor, features: Tensor, deepest: Tensor) -> Tensor:
        p = torch.sigmoid(maps)
        coarse = functional.avg_pool2d(p, 2)
        weight = coarse[:, :1]
        pooled = [
            torch.log(p.mean((2, 3)) + 1e-4),
            torch.log(p.square().mean((2, 3)) + 1e-4),
            p.amax((2, 3)),
            functional.avg_pool2d(coarse, 4).amax((2, 3)),
            torch.log1p(count)[:, None],
            (features * weight).sum((2, 3)) / (weight.sum((2, 3)) + 1.0),
            features.amax((2, 3)),
            deepest.mean((2, 3)),
        ]
        x = self.norm(torch.cat(pooled, dim=1))
        return self.last(self.drop(torch.relu(self.first(x))))[:, 0]  # type: ignore[no-any-return]


class _Block(nn.Module):
    """A separable convolution beside a short cut."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = _separable(width, width)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)  # type: ignore[no-any-return]


def _dense(inputs: int, outputs: int, *, kernel: int = 1, stride: int = 1) -> nn.Sequential:
    pad = kernel // 2 if kernel % 2 else 0
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, pad, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )


def _separable(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, inputs, 3, 1, 1, groups=inputs, bias=False),
        nn.BatchNorm2d(inputs),
        nn.ReLU(inplace=True),
        *_dense(inputs, outputs),
    )


def _twice(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2.0, mode="nearest")
