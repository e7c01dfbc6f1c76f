"""One look: a model folder opened for inference."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cloudvision._onnxruntime import failures, one_thread
from cloudvision.errors import ConfigError
from cloudvision.gate.folder import ModelFolder, open_folder


@dataclass(frozen=True, slots=True)
class Stage:
    """Threads may share it: `logit` keeps nothing between two calls.

    Args:
        folder: what the model folder says.
        session: an `onnxruntime.InferenceSession` of one thread; more threads come from the caller's workers.
    """

    folder: ModelFolder
    session: Any = field(repr=False)

    @property
    def side(self) -> int:
        """Pixels of the longer side that this look wants."""
        return self.folder.preprocessing.side

    def logit(self, pixels: NDArray[np.uint8]) -> float:
        """(h, w, 3) RGB -> the network's logit of "worth a call", before any calibration."""
        fitted = self.folder.preprocessing.apply(pixels)
        (logit,) = self.session.run([self.folder.output_name], {self.folder.input_name: fitted})
        return float(logit[0])


def open_stage(path: Path) -> Stage:
    """Open a model folder.

    Raises:
        ConfigError: the folder's digest, input, output or labels do not fit.
    """
    folder = open_folder(path)
    return Stage(folder=folder, session=_session(folder))


def _session(folder: ModelFolder) -> Any:
    try:
        session = one_thread(folder.onnx)
    except failures() as exc:
        raise ConfigError(f"{folder.path}: model.onnx cannot be opened ({type(exc).__name__}); train it again") from exc
    inputs = {i.name: (i.type, len(i.shape), i.shape[-1]) for i in session.get_inputs()}
    if inputs != {folder.input_name: ("tensor(uint8)", 4, 3)}:
        raise ConfigError(
            f"{folder.path}: config.json names the input {folder.input_name!r} (uint8, 4 dimensions, the last 3), "
            f"model.onnx has {inputs}"
        )
    outputs = {o.name: (o.type, len(o.shape)) for o in session.get_outputs()}
    if outputs.get(folder.output_name) != ("tensor(float)", 1):
        raise ConfigError(
            f"{folder.path}: config.json names the output {folder.output_name!r} (float, 1 dimension), "
            f"model.onnx has {outputs}"
        )
    return session
