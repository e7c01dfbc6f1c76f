"""A graph opened with ONNX Runtime, and what it says of its inputs and outputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cloudvision._onnxruntime import failures, session
from cloudvision.errors import ConfigError


class MisfitError(ValueError):
    """A graph does not fit what is said of it. Becomes a ConfigError before it leaves `models`."""


@dataclass(frozen=True, slots=True)
class Port:
    """An input or an output: `type` is ONNX Runtime's name, such as "tensor(float)"; free axes are text or None."""

    name: str
    type: str
    shape: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Graph:
    """Threads may share it.

    Args:
        input: the only one.
        metadata: (key, value) texts that the exporter left in the file.
    """

    input: Port
    outputs: tuple[Port, ...]
    metadata: tuple[tuple[str, str], ...]
    session: Any = field(repr=False)

    @property
    def one_by_one(self) -> bool:
        """True where it takes one picture at a time."""
        return bool(self.input.shape) and self.input.shape[0] == 1

    def run(self, batch: NDArray[Any], names: Sequence[str]) -> list[Any]:
        """The outputs of these names.

        Raises:
            MisfitError: ONNX Runtime refuses these values.
        """
        kind = np.float16 if self.input.type == "tensor(float16)" else np.float32
        try:
            return list(self.session.run(list(names), {self.input.name: batch.astype(kind, copy=False)}))
        except failures() as exc:
            raise MisfitError(" ".join(str(exc).split())[:300]) from exc


def open_graph(onnx: bytes, *, where: str, threads: int) -> Graph:
    """Open a graph of one picture input; `where` names it in errors.

    Raises:
        ConfigError: it is no graph, or takes no pictures of three channels one plane after the other.
    """
    try:
        opened = session(onnx, threads=threads)
    except failures() as exc:
        raise ConfigError(f"{where} cannot be opened: {' '.join(str(exc).split())[:300]}") from exc
    inputs, outputs = _ports(opened.get_inputs()), _ports(opened.get_outputs())
    kinds = ("tensor(float)", "tensor(float16)")
    # Axes that the exporter left open are text or None.
    fits = len(inputs) == 1 and inputs[0].type in kinds and len(inputs[0].shape) == 4
    if not fits or (isinstance(inputs[0].shape[1], int) and inputs[0].shape[1] != 3):
        shown = ", ".join(f"{each.name} {each.type} {list(each.shape)}" for each in inputs)
        raise ConfigError(f"{where} should take pictures, float (n, 3, height, width), and takes {shown or 'nothing'}")
    batch = inputs[0].shape[0]
    if isinstance(batch, int) and batch > 1:
        raise ConfigError(f"{where} takes {batch} pictures at a time, no more and no less; export it for any number")
    metadata = opened.get_modelmeta().custom_metadata_map
    return Graph(inputs[0], outputs, tuple(sorted(metadata.items())), opened)


def _ports(given: Any) -> tuple[Port, ...]:
    return tuple(Port(each.name, each.type, tuple(each.shape or ())) for each in given)
