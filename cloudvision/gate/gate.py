"""The gate: a small local network that looks at a picture before anybody is paid for looking at it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cloudvision._onnxruntime import quiet
from cloudvision.errors import ConfigError
from cloudvision.gate.folder import SHIPPED, ModelFolder, open_folder
from cloudvision.gate.verdict import Verdict
from cloudvision.images import Image


@dataclass(frozen=True, slots=True)
class Gate:
    """One opened model folder. Threads may share it: `judge` keeps nothing between two calls.

    Args:
        folder: what the model folder says.
        threshold: probability, 0 to 1, from which a picture is worth a call.
        session: an `onnxruntime.InferenceSession` of one thread; more threads come from the caller's workers.
    """

    folder: ModelFolder
    threshold: float
    session: Any

    @classmethod
    def load(cls, name_or_path: str | os.PathLike[str] = "fast", /, *, threshold: float | None = None) -> Gate:
        """Open a gate that the package ships ("fast"), or any model folder.

        Args:
            name_or_path: the name, or the path of a folder with model.onnx and config.json.
            threshold: 0 to 1, instead of the folder's own.

        Raises:
            ConfigError: no such gate, or the folder's digest, input, output or labels do not fit.
        """
        folder = open_folder(_find(name_or_path))
        chosen = folder.threshold if threshold is None else threshold
        if not 0 <= chosen <= 1:
            raise ConfigError(f"the gate's threshold is a probability: {chosen} is not between 0 and 1")
        return cls(folder=folder, threshold=chosen, session=_session(folder))

    @property
    def model(self) -> str:
        """Name and version of the model, "fast 1"."""
        return f"{self.folder.name} {self.folder.version}"

    def judge(self, image: Image) -> Verdict:
        """Whether a picture is worth a call.

        Raises:
            DamagedImageError: the picture does not decode.
        """
        score = self.score(image)
        return Verdict(
            worth=score >= self.threshold,
            score=score,
            threshold=self.threshold,
            stage=self.folder.stage,
            model=self.model,
        )

    def score(self, image: Image) -> float:
        """Probability, 0 to 1, that the picture meets the criterion."""
        preprocessing = self.folder.preprocessing
        pixels = preprocessing.apply(image.pixels(max_side=preprocessing.side))
        (logit,) = self.session.run([self.folder.output_name], {self.folder.input_name: pixels})
        return self.folder.calibration.probability(float(logit[0]))


def _find(name_or_path: str | os.PathLike[str]) -> Path:
    shipped = SHIPPED.get(str(name_or_path))
    path = Path(name_or_path) if shipped is None else Path(__file__).parent / shipped
    if not path.is_dir():
        known = ", ".join(SHIPPED)
        raise ConfigError(f"no gate {os.fspath(name_or_path)!r}: give one of {known}, or the path of a model folder")
    return path


def _session(folder: ModelFolder) -> Any:
    onnxruntime = quiet()
    state = onnxruntime.capi.onnxruntime_pybind11_state
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    broken = (state.InvalidProtobuf, state.InvalidGraph, state.InvalidArgument, state.Fail, state.NotImplemented)
    try:
        session = onnxruntime.InferenceSession(folder.onnx, options, providers=["CPUExecutionProvider"])
    except broken as exc:
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
