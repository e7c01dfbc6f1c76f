"""The sample of Custom Vision's training side runs as it stands, against the emulator."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloudvision.emulator import running
from cloudvision.quotas import QUOTAS, Quota
from tests.custom_vision_clients import ColourTrainer
from tests.customvision_rig import folder
from tests.emulation import MadeUpReader
from tests.test_samples import sample

pytest.importorskip("azure.cognitiveservices.vision.customvision", reason="needs the extra azure")


def test_a_folder_becomes_a_published_model_and_the_next_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(QUOTAS["azure-custom-vision-training"], "S0", Quota(per_second=1000))  # the emulator takes more
    folder(Path("in"), apple=5, pear=5)
    folder(Path("made"), first=20, pear=1)
    with running(reader=MadeUpReader(), trainer=ColourTrainer()) as emulator:
        for name, value in emulator.environment.items():
            monkeypatch.setenv(name, value)
        for _ in range(2):
            sample("custom_vision").main("fruit", "in", "made/pear")
        folder(Path("in"), first=5, apple=1)
        sample("custom_vision").main("fruit", "in", "made/pear")
    told = capsys.readouterr().out
    assert 2 == told.count("newest version: v1.0.0")
    assert 1 == told.count("newest version: v1.1.0")
    assert "upload: {'uploaded': 1, 'duplicate': 0, 'resumed': 10, 'failed': 0}" in told
    assert 3 == told.count("  pear      20.png")
