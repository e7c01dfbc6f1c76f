"""From a trained network to the one file that the gate runs."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from cloudvision.training.network import TextNet

INPUT, OUTPUT = "pixels", "logit"


class _Deployed(nn.Module):
    """(n, h, w, 3) uint8 -> (n,) logits: the graph takes pixels as they come, nothing is left to get wrong outside."""

    def __init__(self, net: TextNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, pixels: Tensor) -> Tensor:
        return self.net(pixels.permute(0, 3, 1, 2).float()).worth  # type: ignore[no-any-return]


def to_onnx(net: TextNet) -> bytes:
    """fp32, any number of pictures, any height and width divisible by 32."""
    net.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    example = torch.zeros(1, 96, 128, 3, dtype=torch.uint8)
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
            dynamic_axes={INPUT: {0: "n", 1: "height", 2: "width"}, OUTPUT: {0: "n"}},
            opset_version=17,
            dynamo=False,
        )
        return file.read_bytes()
