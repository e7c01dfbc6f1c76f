"""ONNX Runtime reports to nobody."""

from __future__ import annotations

import os

import pytest

from cloudvision._onnxruntime import quiet


def test_telemetry_is_off_before_the_first_use(monkeypatch: pytest.MonkeyPatch) -> None:
    # The suite's own guard has switched it off for good in this process, so that taking the variable away is safe.
    monkeypatch.delenv("ORT_DISABLE_TELEMETRY")
    quiet()
    assert "1" == os.environ["ORT_DISABLE_TELEMETRY"]


def test_a_user_who_wants_it_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORT_DISABLE_TELEMETRY", "0")
    asked: list[str] = []
    monkeypatch.setattr("onnxruntime.disable_telemetry_events", lambda: asked.append("off"))
    quiet()
    assert ("0", []) == (os.environ["ORT_DISABLE_TELEMETRY"], asked)
