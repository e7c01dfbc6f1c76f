"""Tensors of the Open Inference Protocol: as JSON, and as bytes behind the JSON (the binary tensor data extension)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from cloudvision._json import JSON
from cloudvision.serve.refusal import Refusal
from cloudvision.serve.wire import written

_TYPES = {"FP32": "<f4", "INT64": "<i8", "BOOL": "?"}


@dataclass(frozen=True, slots=True)
class Tensor:
    """An output.

    Args:
        values: flat, row major; text where the kind is BYTES.
    """

    name: str
    kind: Literal["FP32", "INT64", "BOOL", "BYTES"]
    shape: tuple[int, ...]
    values: Sequence[Any]

    def to_bytes(self) -> bytes:
        """Little endian; of BYTES each value behind its length, a 32-bit number."""
        if self.kind == "BYTES":
            texts = [str(value).encode() for value in self.values]
            return b"".join(struct.pack("<I", len(text)) + text for text in texts)
        return np.asarray(self.values, dtype=_TYPES[self.kind]).tobytes()


def take_apart(raw: memoryview) -> list[bytes]:
    """The values of a BYTES tensor.

    Raises:
        Refusal: a length that leads beyond the end.
    """
    found, at = [], 0
    while at < len(raw):
        if at + 4 > len(raw):
            raise Refusal(400, "a BYTES tensor ends within the length of a value")
        (length,) = struct.unpack_from("<I", raw, at)
        at += 4 + length
        if at > len(raw):
            raise Refusal(400, f"a BYTES tensor ends within a value of {length:,} bytes")
        found.append(bytes(raw[at - length : at]))
    return found


def put_together(
    head: dict[str, JSON], outputs: Sequence[Tensor], *, binary: Sequence[bool]
) -> tuple[bytes, int | None]:
    """The body of an answer, and how much of it is JSON; None where all of it is."""
    described: list[JSON] = []
    tail: list[bytes] = []
    for tensor, as_bytes in zip(outputs, binary, strict=True):
        shown: dict[str, JSON] = {"name": tensor.name, "datatype": tensor.kind, "shape": list(tensor.shape)}
        if as_bytes:
            tail.append(tensor.to_bytes())
            shown["parameters"] = {"binary_data_size": len(tail[-1])}
        else:
            shown["data"] = list(tensor.values)
        described.append(shown)
    text = written({**head, "outputs": described})
    return b"".join([text, *tail]), len(text) if tail else None
