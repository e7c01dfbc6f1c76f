"""ONNX Runtime, without its telemetry.

From version 1.29 on, the official wheels for Linux and macOS write a device id into the user's cache folder and report
model names and machine facts to their vendor, unless ORT_DISABLE_TELEMETRY=1 is set before the first use (Windows
builds trace through the system). Nothing about people's pictures leaves the machine unasked here: every use of ONNX
Runtime in this library goes through `quiet`. Whoever wants the telemetry sets ORT_DISABLE_TELEMETRY=0 first.
"""

from __future__ import annotations

import os
from typing import Any


def quiet() -> Any:
    """The `onnxruntime` module; imported with telemetry off unless the environment says otherwise."""
    wanted = os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    if wanted != "0":
        # The variable only counts before the first use: an application that had imported the module is asked in time too.
        onnxruntime.disable_telemetry_events()
    return onnxruntime


def one_thread(model: bytes) -> Any:
    """An `InferenceSession` that computes in its caller's thread; more threads come from the caller's workers."""
    return session(model, threads=1)


def session(model: bytes, *, threads: int) -> Any:
    """An `InferenceSession` of which each run takes that many threads, its caller's among them."""
    onnxruntime = quiet()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def failures() -> tuple[type[Exception], ...]:
    """What ONNX Runtime raises for a graph that it cannot open, or cannot run on these values."""
    state = quiet().capi.onnxruntime_pybind11_state
    return (
        state.InvalidProtobuf,
        state.InvalidGraph,
        state.InvalidArgument,
        state.Fail,
        state.NotImplemented,
        state.RuntimeException,
    )
