"""Where a classifier's backbone comes from: the gate that the package ships, timm, or random numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cloudvision.errors import ConfigError
from cloudvision.training.classify_network import GateBackbone
from cloudvision.training.network import Shape, TextNet
from cloudvision.training.start import start_from

GATE, SCRATCH, TIMM = "gate", "scratch", "timm:"
_GATE_WEIGHTS = resources.files("cloudvision.gate") / "fast_v1" / "model.onnx"
_NAME = re.compile(r"timm:[\w.]+(=.+)?")


@dataclass(frozen=True, slots=True)
class Backbone:
    """A backbone before it is trained.

    Args:
        net: (n, 3, h, w) pixels, 0 to 255 -> (n, features).
        multiple: width and height of the input must be multiples of it.
        learned: it comes with weights, which are changed more gently than the last layer.
        origin: in words, for people.
    """

    net: nn.Module
    features: int
    multiple: int
    learned: bool
    origin: str


def check_backbone(wanted: str) -> None:
    """Raises ConfigError where a name among `wanted` is none that is known."""
    for name in wanted.split(","):
        if name not in (GATE, SCRATCH) and not _NAME.fullmatch(name):
            raise ConfigError(
                f"no backbone {name!r}: give {GATE}, {SCRATCH}, timm:NAME, timm:NAME=FILE with its weights, or several of"
                " them with commas, of which the first that can be had is taken"
            )


def multiple_of(wanted: str) -> int:
    """What width and height of the input must be multiples of, whichever of `wanted` is taken."""
    return 64 if {GATE, SCRATCH} & set(wanted.split(",")) else 32


def open_backbone(wanted: str, pictures: Sequence[NDArray[np.uint8]], *, side: int, shape: Shape) -> Backbone:
    """The first of `wanted` (names with commas between) whose weights can be had.

    Args:
        pictures: (h, w, 3) each, from which means and variances are taken; some dozens.
        side: pixels of the longer side of the input.
        shape: of a backbone from random numbers.

    Raises:
        ConfigError: a name is unknown, or the last one's weights cannot be had; the message says why.
    """
    check_backbone(wanted)
    missed = []
    for name in wanted.split(","):
        try:
            found = _open(name, pictures, side=side, shape=shape)
        except ConfigError as error:
            missed.append(str(error))
            continue
        said = f"{found.origin} (not to be had: {'; '.join(missed)})" if missed else found.origin
        return Backbone(found.net, found.features, found.multiple, found.learned, said)
    raise ConfigError("; ".join(missed))


def _open(name: str, pictures: Sequence[NDArray[np.uint8]], *, side: int, shape: Shape) -> Backbone:
    if name == SCRATCH:
        net = GateBackbone(shape)
        return Backbone(net, net.features, 64, False, "trained from random numbers")
    if name == GATE:
        return _gate(pictures, side=side)
    return _timm(name.removeprefix(TIMM), side=side)


def _gate(pictures: Sequence[NDArray[np.uint8]], *, side: int) -> Backbone:
    whole, net = TextNet(), GateBackbone()
    start_from(whole, _GATE_WEIGHTS.read_bytes(), pictures, side=side)
    net.stem, net.stages = whole.stem, whole.stages
    return Backbone(net, net.features, 64, True, "the gate's own backbone (fast_v1, trained to find text), fine-tuned")


class _Timm(nn.Module):
    mean: Tensor
    deviation: Tensor

    def __init__(self, net: Any, mean: Sequence[float], deviation: Sequence[float]) -> None:
        super().__init__()
        self.net = net
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1) * 255)
        self.register_buffer("deviation", torch.tensor(deviation).view(1, 3, 1, 1) * 255)

    def forward(self, x: Tensor) -> Tensor:
        return self.net((x - self.mean) / self.deviation)  # type: ignore[no-any-return]


def _timm(name: str, *, side: int) -> Backbone:
    if find_spec("timm") is None:
        raise ConfigError(f"timm:{name} needs timm: pip install 'cloudvision-gate[timm]'")
    import timm

    name, _, file = name.partition("=")
    if not timm.is_model(name):
        raise ConfigError(f"timm has no {name!r}; timm.list_models() names those that it has")
    if file and not Path(file).is_file():
        raise ConfigError(f"there is no {file}, which is to hold the weights of timm:{name}")
    # A file is opened by timm with weights_only, so that it cannot run code.
    where = {"pretrained_cfg_overlay": {"file": file}} if file else {}
    try:
        net = timm.create_model(name, pretrained=True, num_classes=0, **where)
    except (OSError, RuntimeError, ValueError, KeyError) as exc:
        raise ConfigError(
            f"the weights of timm:{name} cannot be had ({type(exc).__name__}: {' '.join(str(exc).split())[:160]}); on a machine"
            f" without the model hub, give their file as timm:{name}=FILE, or take {GATE} or {SCRATCH}"
        ) from exc
    config = net.pretrained_cfg
    tag = f"timm:{name}, weights {Path(file).name or config.get('hf_hub_id') or config.get('url')}"
    whole = _Timm(net, config["mean"], config["std"]).eval()
    with torch.inference_mode():
        features = whole(torch.zeros(1, 3, side, side)).shape[1]
    return Backbone(whole, features, 32, True, f"{tag}, fine-tuned")
