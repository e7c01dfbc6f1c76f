"""The emulator on order: single images of a Custom Vision batch that fail."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from cloudvision.emulator import Emulator, Faults
from cloudvision.errors import ConfigError
from tests.custom_vision_clients import entries, picture, training, uploaded

pytest.importorskip("azure.cognitiveservices.vision.customvision", reason="needs the extra azure")


def test_a_share_of_the_images_gets_a_status_and_is_not_kept(cloudvision_emulator: Emulator) -> None:
    client: Any = training(cloudvision_emulator)
    project = client.create_project("spoilt images")
    tag = client.create_tag(project.id, "apple")
    cloudvision_emulator.faults.replace({"seed": 1, "images": [{"rate": 0.5, "status": "ErrorStorage"}]})
    try:
        summary = uploaded(client, project.id, entries([picture((n, 0, 0)) for n in range(64)], tag.id))
    finally:
        cloudvision_emulator.faults.clear()
    counts = Counter(image.status for image in summary.images)
    assert {"OK", "ErrorStorage"} == set(counts)
    assert 15 < counts["ErrorStorage"] < 49
    assert counts["OK"] == client.get_image_count(project.id)
    assert not summary.is_batch_successful
    client.delete_project(project.id)


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"rate": 2, "status": "ErrorStorage"}, "a rate goes from 0 to 1"),
        ({"rate": 0.5, "status": "OK"}, "unknown status 'OK'; known: ErrorSource"),
        ({"rate": 0.5}, "unknown status ''"),
        ({"rate": 0.5, "status": "ErrorStorage", "service": "x"}, "unknown: service"),
    ],
)
def test_a_wrong_entry_changes_nothing(entry: dict[str, object], says: str) -> None:
    faults = Faults()
    with pytest.raises(ConfigError, match=says):
        faults.replace({"images": [entry]})
    assert faults.image_status() is None
