"""Start from a trained gate: the weights of a TextNet, read back out of its model.onnx.

The exporter folds every batch normalisation into the convolution before it. To be trained further a network needs them back:
each gets the mean and variance that its input has on the pictures at hand, and the scale and shift that undo them, so that it
computes what the file computes, and its batches are normalised again.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cloudvision.errors import ConfigError
from cloudvision.gate.preprocess import Preprocessing
from cloudvision.training.lean_graph import FILTER_OF_ROWS, in_planes
from cloudvision.training.network import TextNet

Norms = dict[nn.Conv2d, nn.BatchNorm2d]


def start_from(net: TextNet, onnx: bytes, pictures: Sequence[NDArray[np.uint8]], *, side: int) -> None:
    """Give `net` the weights of `onnx`.

    Args:
        net: of the shape that the file was exported from.
        pictures: some (h, w, 3) pictures to take means and variances from; 8 to 64 will do.
        side: pixels of the longer side at which they are looked at.

    Raises:
        ConfigError: the file is no TextNet of this shape.
    """
    arrays, convolutions = _read(onnx)
    order = _order(net)
    layers = [layer for layer in order if isinstance(layer, nn.Conv2d)]
    norms: Norms = {a: b for a, b in pairwise(order) if isinstance(a, nn.Conv2d) and isinstance(b, nn.BatchNorm2d)}
    rest = {name: torch.from_numpy(arrays[f"net.{name}"]) for name in net.state_dict() if f"net.{name}" in arrays}
    try:
        if len(layers) != len(convolutions):
            raise ValueError(f"{len(convolutions)} convolutions instead of {len(layers)}")
        net.load_state_dict(rest, strict=False)
        with torch.no_grad():
            for layer, names in zip(layers, convolutions, strict=True):
                weight, bias = (torch.from_numpy(arrays[name]) for name in names)
                if layer.weight.shape != weight.shape:
                    raise ValueError(f"a convolution of {tuple(weight.shape)} instead of {tuple(layer.weight.shape)}")
                layer.weight.copy_(weight)
                if layer in norms:
                    _neutral(norms[layer], shift=bias)
    except (KeyError, ValueError, RuntimeError) as exc:
        raise ConfigError(f"these weights belong to another network: {exc}") from exc
    _normalised(net, norms, pictures, side=side)


def _read(onnx: bytes) -> tuple[dict[str, NDArray[np.float32]], list[tuple[str, str]]]:
    """All arrays by name, and the names of weight and bias of every convolution in the order of the graph."""
    import onnx as package
    from onnx import numpy_helper

    graph = package.load_model_from_string(onnx).graph
    # Copies: what the file gives cannot be written to, and torch warns of that.
    arrays = {one.name: numpy_helper.to_array(one).copy() for one in graph.initializer}
    if FILTER_OF_ROWS in arrays:
        arrays[FILTER_OF_ROWS] = in_planes(arrays[FILTER_OF_ROWS])
    return arrays, [
        (node.input[1], node.input[2]) for node in graph.node if node.op_type == "Conv" and len(node.input) > 2
    ]


def _order(net: TextNet) -> list[nn.Module]:
    """Convolutions and normalisations in the order in which they are used, which is that of the exported graph."""
    used: list[nn.Module] = []
    watched = [layer for layer in net.modules() if isinstance(layer, nn.Conv2d | nn.BatchNorm2d)]
    hooks = [layer.register_forward_hook(lambda layer, _in, _out: used.append(layer)) for layer in watched]
    with torch.inference_mode():
        net.eval()(torch.zeros(1, 3, 64, 64))
    for hook in hooks:
        hook.remove()
    return used


def _neutral(norm: nn.BatchNorm2d, *, shift: Tensor) -> None:
    """Does nothing but add the bias that was folded in."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    norm.running_mean.zero_()
    norm.running_var.fill_(1 - norm.eps)
    norm.weight.fill_(1.0)
    norm.bias.copy_(shift)


def _normalised(net: TextNet, norms: Norms, pictures: Sequence[NDArray[np.uint8]], *, side: int) -> None:
    """Means and variances of what every normalisation gets, and a scale and shift that undo them."""
    # Rows: how many values, their sum, the sum of their squares; a column for each channel.
    sums = {norm: torch.zeros(3, norm.num_features, dtype=torch.float64) for norm in norms.values()}

    def heard(norm: nn.Module, given: tuple[Tensor, ...], _out: Tensor) -> None:
        assert isinstance(norm, nn.BatchNorm2d)
        x = given[0].double()
        sums[norm] += torch.stack([torch.ones_like(x).sum((0, 2, 3)), x.sum((0, 2, 3)), x.square().sum((0, 2, 3))])

    hooks = [norm.register_forward_hook(heard) for norm in sums]
    fit = Preprocessing(side=side, multiple=32)
    with torch.inference_mode():
        for picture in pictures:
            net.eval()(torch.from_numpy(fit.apply(picture)).permute(0, 3, 1, 2).float())
    for hook in hooks:
        hook.remove()
    with torch.no_grad():
        for norm, (count, total, squares) in sums.items():
            mean = total / count
            variance = torch.clamp(squares / count - mean.square(), min=1e-6)
            assert norm.running_mean is not None
            assert norm.running_var is not None
            norm.bias.add_(mean)
            norm.weight.copy_(torch.sqrt(variance + norm.eps))
            norm.running_mean.copy_(mean)
            norm.running_var.copy_(variance)
