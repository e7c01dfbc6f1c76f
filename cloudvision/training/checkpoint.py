"""Where a training run stands, as plain arrays (.npz): networks, optimiser and counters. Nothing in it can run code."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from cloudvision.errors import ConfigError

N = TypeVar("N", bound=nn.Module)
_COUNTERS = ("epoch", "step", "area", "stale")


@dataclass(slots=True)
class Standing(Generic[N]):
    """What a run goes on from.

    Args:
        net, average, best: the network that learns, its running average, and the best average so far.
        epoch, step: epochs and batches that are done.
        area: how good `best` is on held-out pictures (AUC, or another figure from 0 to 1); -1 before the first look.
        stale: looks since then.
    """

    net: N
    average: N
    best: N
    optimiser: torch.optim.Optimizer
    epoch: int = 0
    step: int = 0
    area: float = -1.0
    stale: int = 0


def save(standing: Standing[N], path: Path) -> None:
    """Write it whole or not at all."""
    arrays: dict[str, NDArray[np.generic]] = {name: np.array(getattr(standing, name)) for name in _COUNTERS}
    for which in ("net", "average", "best"):
        state = getattr(standing, which).state_dict()
        arrays |= {f"{which}.{name}": value.detach().cpu().numpy() for name, value in state.items()}
    for number, values in standing.optimiser.state_dict()["state"].items():
        arrays |= {f"optimiser.{number}.{name}": torch.as_tensor(value).cpu().numpy() for name, value in values.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part.npz")
    np.savez(part, **arrays)  # type: ignore[arg-type]
    part.replace(path)


def restore(standing: Standing[N], path: Path) -> bool:
    """Fill `standing` from the file; False where there is none.

    Raises:
        ConfigError: it belongs to another network, or is torn.
    """
    if not path.is_file():
        return False
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        for which in ("net", "average", "best"):
            state = {
                n.removeprefix(f"{which}."): torch.from_numpy(a) for n, a in arrays.items() if n.startswith(f"{which}.")
            }
            getattr(standing, which).load_state_dict(state)
        moments: dict[int, dict[str, torch.Tensor]] = {}
        for name, array in arrays.items():
            if name.startswith("optimiser."):
                _, number, moment = name.split(".")
                moments.setdefault(int(number), {})[moment] = torch.from_numpy(array)
        standing.optimiser.load_state_dict(standing.optimiser.state_dict() | {"state": moments})
        standing.epoch, standing.step, standing.stale = (int(arrays[name]) for name in ("epoch", "step", "stale"))
        standing.area = float(arrays["area"])
    except (KeyError, ValueError, RuntimeError, OSError) as exc:
        raise ConfigError(f"{path}: cannot be gone on from ({type(exc).__name__}); delete it to begin anew") from exc
    return True
