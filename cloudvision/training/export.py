"""From a trained network to the one file that the gate runs."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from cloudvision.training.blog_network import SIDE, BlogNet
from cloudvision.training.lean_graph import lean
from cloudvision.training.network import TextNet

INPUT, OUTPUT = "pixels", "logit"


class _Deployed(nn.Module):
    """(n, h, w, 3) uint8 -> (n,) logits: the graph takes pixels as they come, nothing is left to get wrong outside."""

    def __init__(self, net: TextNet | BlogNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, pixels: Tensor) -> Tensor:
        answer = self.net(pixels.permute(0, 3, 1, 2).float())
        return answer.worth if isinstance(self.net, TextNet) else answer  # type: ignore[no-any-return]


def to_onnx(net: TextNet | BlogNet) -> bytes:
    """fp32, any number of pictures; of a TextNet any height and width divisible by 32, of a BlogNet 224 by 224."""
    net.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    free = isinstance(net, TextNet)
    example = torch.zeros(1, 96 if free else SIDE, 128 if free else SIDE, 3, dtype=torch.uint8)
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        # The exporter that torch now prefers needs a further package (onnxscript) and gains nothing here.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            _Deployed(net).eval(),
            (example,),
            str(file),
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_axes={INPUT: {0: "n"} | ({1: "height", 2: "width"} if free else {}), OUTPUT: {0: "n"}},
            opset_version=17,
            dynamo=False,
        )
        return lean(file.read_bytes())
