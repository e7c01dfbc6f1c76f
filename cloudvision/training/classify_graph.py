"""From a trained classifier to the graphs of a model folder: fp32, and quantised to eight bits."""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cloudvision._onnxruntime import one_thread, quiet
from cloudvision.models import InputSettings
from cloudvision.training.classify_network import Classifier

INPUT, OUTPUT = "pixels", "probabilities"


class _Deployed(nn.Module):
    """(n, 3, height, width) float pixels, 0 to 255 -> (n, labels) probabilities: nothing is left to get wrong outside."""

    def __init__(self, net: Classifier, *, multilabel: bool) -> None:
        super().__init__()
        self.net, self.multilabel = net, multilabel

    def forward(self, pixels: Tensor) -> Tensor:
        given = self.net(pixels)
        return torch.sigmoid(given) if self.multilabel else torch.softmax(given, dim=1)


def to_onnx(net: Classifier, *, size: InputSettings, multilabel: bool) -> bytes:
    """fp32, any number of pictures of one size."""
    net.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        # The exporter that torch now prefers needs a further package (onnxscript) and gains nothing here.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            _Deployed(net, multilabel=multilabel).eval(),
            (torch.zeros(1, 3, size.height, size.width),),
            str(file),
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_axes={INPUT: {0: "n"}, OUTPUT: {0: "n"}},
            opset_version=17,
            dynamo=False,
        )
        return file.read_bytes()


class _Calibration:
    """Hands the quantiser one picture after the other, as its interface wants them."""

    def __init__(self, seen: NDArray[np.uint8]) -> None:
        self._rest: Iterator[NDArray[np.uint8]] = iter(seen)

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        one = next(self._rest, None)
        return None if one is None else {INPUT: _planes(one[np.newaxis])}


def quantise(onnx: bytes, seen: NDArray[np.uint8]) -> bytes:
    """Weights and activations of the convolutions to eight bits (QDQ, a scale for each channel of the weights).

    Args:
        seen: (n, height, width, 3) pictures from which the ranges of the activations are taken; some dozens will do.
    """
    quiet()
    quantization: Any = import_module("onnxruntime.quantization")
    logger, level = logging.getLogger(), logging.getLogger().level
    with tempfile.TemporaryDirectory() as folder:
        before, plain, after = (str(Path(folder) / f"{name}.onnx") for name in ("before", "plain", "after"))
        Path(before).write_bytes(onnx)
        try:
            logger.setLevel(logging.ERROR)  # the package warns through the root logger of what was just done
            quantization.shape_inference.quant_pre_process(before, plain, skip_symbolic_shape=True)
            quantization.quantize_static(
                plain,
                after,
                _Calibration(seen),
                quant_format=quantization.QuantFormat.QDQ,
                op_types_to_quantize=["Conv", "Add", "MaxPool"],
                per_channel=True,
                activation_type=quantization.QuantType.QUInt8,
                weight_type=quantization.QuantType.QInt8,
                calibrate_method=quantization.CalibrationMethod.MinMax,
            )
        finally:
            logger.setLevel(level)
        return Path(after).read_bytes()


def run_graph(onnx: bytes, seen: NDArray[np.uint8], *, batch: int = 16) -> NDArray[np.float32]:
    """What a graph says of (n, height, width, 3) pictures: (n, labels)."""
    opened = one_thread(onnx)
    parts = [
        opened.run([OUTPUT], {INPUT: _planes(seen[start : start + batch])})[0] for start in range(0, len(seen), batch)
    ]
    return np.concatenate(parts)


def _planes(seen: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.ascontiguousarray(seen.transpose(0, 3, 1, 2), dtype=np.float32)
