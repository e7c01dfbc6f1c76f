"""The classifier's network: a backbone that turns a picture into numbers, and a linear layer that turns those into labels."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from cloudvision.training.network import Shape, TextNet

GRID = 2  # the deepest features are also pooled by quarters, so that what is above, below, left and right stays known


class GateBackbone(nn.Module):
    """The gate's backbone: (n, 3, h, w) pixels, 0 to 255 -> (n, features); h and w multiples of 64.

    Of strides 4 to 32 the mean and the maximum of each channel: what is fine, such as colours and grain, counts as much as
    what is coarse. Of stride 32 also the means of the four quarters.
    """

    def __init__(self, shape: Shape | None = None) -> None:
        super().__init__()
        shape = shape or Shape()
        net = TextNet(shape)
        self.stem, self.stages = net.stem, net.stages
        self.features = 2 * sum(shape.widths[1:]) + GRID * GRID * shape.widths[-1]

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem((x - 127.0) / 64.0)
        pooled = []
        for stage in self.stages:
            x = stage(x)
            pooled += [x.mean((2, 3)), x.amax((2, 3))]
        pooled.append(functional.adaptive_avg_pool2d(x, GRID).flatten(1))
        return torch.cat(pooled, dim=1)


class Classifier(nn.Module):
    """(n, 3, h, w) pixels, 0 to 255 -> (n, labels) logits."""

    def __init__(self, backbone: nn.Module, *, features: int, labels: int, drop: float = 0.3) -> None:
        super().__init__()
        self.backbone = backbone
        self.norm = nn.BatchNorm1d(features)
        self.drop = nn.Dropout(drop)
        self.last = nn.Linear(features, labels)
        nn.init.zeros_(self.last.bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.drop(self.norm(self.backbone(x))))  # type: ignore[no-any-return]
