"""The baseline: a plain network at 224 x 224 pixels, with the recipe under which it was published.

Convolutions of 3 x 3 to 7 x 7 without a short cut, ELU everywhere, max-pooling down to 7 x 7, two dense layers; RMSprop,
binary cross-entropy, batches of 128, seven epochs, no augmentation, a threshold of 0.4325. Where the recipe names no value the
defaults of Keras, in which it was written, are taken: Glorot's uniform start, rate 0.001 and decay 0.9 of RMSprop, momentum
0.99 and epsilon 0.001 of the batch normalisation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

SIDE = 224
THRESHOLD = 0.4325
PARAMETERS = 450_633  # as Keras counts: the running mean and variance of the batch normalisation are in it


@dataclass(frozen=True, slots=True)
class BlogRecipe:
    """How it is trained. The seed gives the start and the order of the pictures."""

    epochs: int = 7
    batch: int = 128
    rate: float = 1e-3
    decay: float = 0.9
    seed: int = 0
    device: str = "cpu"


class BlogNet(nn.Module):
    """(n, 3, 224, 224) pixels, 0 to 255 -> (n,) logits; the sigmoid is left to the loss and to the caller."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *_conv(3, 24, 3),
            nn.MaxPool2d(2),
            *_conv(24, 64, 3),
            _norm(64),
            *_conv(64, 64, 5),
            nn.MaxPool2d(2),
            *_conv(64, 64, 7),
            nn.MaxPool2d(2),
            _norm(64),
            *_conv(64, 64, 5),
            nn.MaxPool2d(2),
            *_conv(64, 8, 3),
            nn.MaxPool2d(2),
            _norm(8),
        )
        self.dense = nn.Sequential(nn.Flatten(), nn.Linear(8 * 7 * 7, 64), nn.ELU(), nn.Linear(64, 1))
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.dense(self.features(x / 127.5 - 1.0))[:, 0]  # type: ignore[no-any-return]


def parameters(net: nn.Module) -> int:
    """Weights and running statistics, as Keras counts them."""
    return sum(value.numel() for name, value in net.state_dict().items() if not name.endswith("num_batches_tracked"))


def train_blog(
    pixels: NDArray[np.uint8],
    truth: NDArray[np.bool_],
    *,
    recipe: BlogRecipe | None = None,
    told: Callable[[int, float], None] | None = None,
) -> BlogNet:
    """Train from random numbers.

    Args:
        pixels: (n, 224, 224, 3) RGB; a memory map will do.
        truth: (n,) worth a call.
        told: hears (epoch from 1, mean loss) after each epoch.
    """
    r = recipe or BlogRecipe()
    torch.manual_seed(r.seed)
    rng = np.random.default_rng(r.seed)
    net = BlogNet()
    net.to(device=r.device, memory_format=torch.channels_last)  # type: ignore[call-overload]  # as the pixels lie
    optimiser = torch.optim.RMSprop(net.parameters(), lr=r.rate, alpha=r.decay, eps=1e-7)
    for epoch in range(r.epochs):
        net.train()
        losses = []
        order = rng.permutation(len(truth))
        for start in range(0, len(order), r.batch):
            chosen = np.sort(order[start : start + r.batch])  # a memory map reads forward
            wanted = torch.from_numpy(truth[chosen].astype(np.float32)).to(r.device)
            loss = functional.binary_cross_entropy_with_logits(net(_tensor(pixels[chosen], r.device)), wanted)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            losses.append(float(loss.detach()))
        if told is not None:
            told(epoch + 1, float(np.mean(losses)))
    return net.eval()


def predict_blog(net: BlogNet, pixels: NDArray[np.uint8], *, batch: int = 64) -> NDArray[np.float64]:
    """(n, 224, 224, 3) -> (n,) logits, on the device where the network is."""
    device = next(net.parameters()).device
    net.eval()
    with torch.inference_mode():
        parts = [net(_tensor(pixels[start : start + batch], device)) for start in range(0, len(pixels), batch)]
    return torch.cat(parts).cpu().numpy().astype(np.float64)


def _tensor(pixels: NDArray[np.uint8], device: torch.device | str) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(pixels)).to(device).permute(0, 3, 1, 2).float()


def _conv(inputs: int, outputs: int, kernel: int) -> tuple[nn.Module, nn.Module]:
    return nn.Conv2d(inputs, outputs, kernel, padding="same"), nn.ELU()


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, momentum=0.01, eps=1e-3)
