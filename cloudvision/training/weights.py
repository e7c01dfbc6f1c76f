"""Weights on disk as plain arrays (.npz): nothing in such a file can run code when it is opened."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

from cloudvision.errors import ConfigError


def save(net: nn.Module, path: Path) -> None:
    arrays = {name: value.detach().cpu().numpy() for name, value in net.state_dict().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part.npz")
    np.savez(part, **arrays)
    part.replace(path)


def load(net: nn.Module, path: Path) -> None:
    """Raises ConfigError where the file belongs to another network."""
    with np.load(path, allow_pickle=False) as arrays:
        state = {name: torch.from_numpy(arrays[name]) for name in arrays.files}
    try:
        net.load_state_dict(state)
    except RuntimeError as exc:
        raise ConfigError(f"{path}: these weights belong to another network; train again") from exc
