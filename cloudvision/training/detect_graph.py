"""From a trained detector to the fp32 graph of a model folder, and the running of such a graph."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cloudvision._onnxruntime import one_thread
from cloudvision.training.average_precision import Boxes
from cloudvision.training.detect_fit import thinned
from cloudvision.training.detect_network import Detector

INPUT, OUTPUTS = "pixels", ("boxes", "scores")


class _Deployed(nn.Module):
    """(n, 3, side, side) float pixels, 0 to 255 -> boxes (n, cells, 4) as fractions of the input, scores (n, cells, labels)."""

    def __init__(self, net: Detector, *, side: int) -> None:
        super().__init__()
        self.net, self.side = net, side

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        found = self.net(pixels)
        return found.boxes / self.side, torch.sigmoid(found.logits)


def to_onnx(net: Detector, *, side: int) -> bytes:
    """fp32, any number of pictures of side by side pixels."""
    net.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        # The exporter that torch now prefers needs a further package (onnxscript) and gains nothing here.
        warnings.simplefilter("ignore", DeprecationWarning)
        # Height and width are fixed in the graph, and so is where the cells are.
        warnings.filterwarnings("ignore", "Converting a tensor to a Python integer")
        torch.onnx.export(
            _Deployed(net, side=side).eval(),
            (torch.zeros(1, 3, side, side),),
            str(file),
            input_names=[INPUT],
            output_names=list(OUTPUTS),
            dynamic_axes={name: {0: "n"} for name in (INPUT, *OUTPUTS)},
            opset_version=17,
            dynamo=False,
        )
        return file.read_bytes()


def raw(onnx: bytes, seen: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What a graph says of (n, side, side, 3) pictures: boxes (n, cells, 4) and scores (n, cells, labels)."""
    opened = one_thread(onnx)
    parts = [opened.run(list(OUTPUTS), {INPUT: planes(one[np.newaxis])}) for one in seen]
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


def raw_of(net: Detector, seen: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The same of the network that a graph was made of."""
    with torch.inference_mode():
        parts = [_Deployed(net, side=seen.shape[1]).eval()(torch.from_numpy(planes(one[np.newaxis]))) for one in seen]
    return torch.cat([part[0] for part in parts]).numpy(), torch.cat([part[1] for part in parts]).numpy()


def run_graph(onnx: bytes, seen: NDArray[np.uint8]) -> tuple[Boxes, ...]:
    """What a graph finds in (n, side, side, 3) pictures; corners are fractions of the picture."""
    return tuple(thinned(boxes, scores) for boxes, scores in zip(*raw(onnx, seen), strict=True))


def planes(seen: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(n, h, w, 3) uint8 -> (n, 3, h, w) float32."""
    return np.ascontiguousarray(seen.transpose(0, 3, 1, 2), dtype=np.float32)
