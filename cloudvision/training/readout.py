"""The exact stage's read-out: from a text detector's features to "is that worth a call?".

Two small networks. The first looks at every cell of 8 x 8 pixels alone and says whether it is text, text that an engine is sure
of, or the middle of a line. The second looks at the whole picture: statistics of those three maps (how much, how sure, how long
the edges, how many pieces), and the features under the text, at their peak and on average.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from cloudvision.training.detector import CHANNELS
from cloudvision.training.targets import MAPS


@dataclass(frozen=True, slots=True)
class ReadOutShape:
    """Units of the look at a cell, units of the look at the picture, and how many of the latter are averaged."""

    cell: int = 32
    picture: int = 64
    members: int = 3


class CellReadOut(nn.Module):
    """(n, CHANNELS, h, w) features -> (n, units, h, w) and (n, len(MAPS), h, w) logits."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, units: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(CHANNELS))
        self.register_buffer("deviation", torch.ones(CHANNELS))
        self.first = nn.Linear(CHANNELS, units)
        self.last = nn.Linear(units, len(MAPS))

    def cells(self, rows: Tensor) -> Tensor:
        """(m, CHANNELS) features of single cells -> (m, len(MAPS)) logits."""
        return self.last(torch.relu(self.first((rows - self.mean) / self.deviation)))  # type: ignore[no-any-return]

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        # The standardisation goes into the weights: one convolution less over the whole picture.
        weight = self.first.weight / self.deviation
        bias = self.first.bias - weight @ self.mean
        hidden = torch.relu(functional.conv2d(features, weight[:, :, None, None], bias))
        return hidden, functional.conv2d(hidden, self.last.weight[:, :, None, None], self.last.bias)


class Pools(nn.Module):
    """(1, CHANNELS, h, w) features -> (1, wide) numbers about the picture; h and w at least 4."""

    def __init__(self, cell: CellReadOut) -> None:
        super().__init__()
        self.cell = cell

    def forward(self, features: Tensor) -> Tensor:
        hidden, logits = self.cell(features)
        maps = torch.sigmoid(logits)
        text, sure = maps[:, 0:1], maps[:, 1:2]
        under_text = (features * text).sum((2, 3)) / (text.sum((2, 3)) + 0.5)
        under_sure = (features * sure).sum((2, 3)) / (sure.sum((2, 3)) + 0.5)
        hidden_sure = (hidden * sure).sum((2, 3)) / (sure.sum((2, 3)) + 0.5)
        pools = [hidden_sure, hidden.amax((2, 3)), hidden.mean((2, 3)), features.mean((2, 3)), features.amax((2, 3))]
        return torch.cat([*_statistics(maps), under_text, under_sure, *pools], dim=1)


def width(shape: ReadOutShape) -> int:
    """How many numbers `Pools` gives."""
    return 10 * len(MAPS) + 4 * CHANNELS + 3 * shape.cell


class PictureReadOut(nn.Module):
    """(n, wide) -> (n,) logits: the mean of a few small networks that began differently."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, shape: ReadOutShape) -> None:
        super().__init__()
        wide = width(shape)
        self.register_buffer("mean", torch.zeros(wide))
        self.register_buffer("deviation", torch.ones(wide))
        self.members = nn.ModuleList(
            nn.Sequential(
                nn.Dropout(0.3), nn.Linear(wide, shape.picture), nn.ReLU(), nn.Dropout(0.5), nn.Linear(shape.picture, 1)
            )
            for _ in range(shape.members)
        )

    def standard(self, pools: Tensor) -> Tensor:
        """Zero mean, unit deviation; five deviations are enough of anything."""
        return torch.clamp((pools - self.mean) / self.deviation, -5.0, 5.0)

    def forward(self, pools: Tensor) -> Tensor:
        x = self.standard(pools)
        return torch.stack([member(x)[:, 0] for member in self.members]).mean(0)


class ReadOutNet(nn.Module):
    """(1, CHANNELS, h, w) features -> (1,) logit."""

    def __init__(self, pools: Pools, picture: PictureReadOut) -> None:
        super().__init__()
        self.pools, self.picture = pools, picture

    def forward(self, features: Tensor) -> Tensor:
        return self.picture(self.pools(features))  # type: ignore[no-any-return]


def _statistics(maps: Tensor) -> list[Tensor]:
    """Ten of each map: mean, power, peak, peaks of small means, edges down and across, pieces, mass."""
    down, across = maps[:, :, 1:], maps[:, :, :, 1:]
    below, beside = torch.minimum(down, maps[:, :, :-1]), torch.minimum(across, maps[:, :, :, :-1])
    square = torch.minimum(below[:, :, :, 1:], below[:, :, :, :-1])
    # Corners minus edges plus faces: the Euler number, which counts pieces (less holes), of a map that need not be 0 or 1.
    pieces = maps.sum((2, 3)) - below.sum((2, 3)) - beside.sum((2, 3)) + square.sum((2, 3))
    return [
        torch.log(maps.mean((2, 3)) + 1e-4),
        torch.log(maps.square().mean((2, 3)) + 1e-4),
        maps.amax((2, 3)),
        functional.avg_pool2d(maps, 2).amax((2, 3)),
        functional.avg_pool2d(maps, 4).amax((2, 3)),
        functional.avg_pool2d(maps, (1, 4)).amax((2, 3)),
        torch.log((across - maps[:, :, :, :-1]).abs().mean((2, 3)) + 1e-4),
        torch.log((down - maps[:, :, :-1]).abs().mean((2, 3)) + 1e-4),
        torch.log1p(torch.relu(pieces)),
        torch.log1p(maps.sum((2, 3))),
    ]
