"""pytest plugin of cloudvision: fixtures that serve the paid vision services on this machine, for your own tests.

::

    def test_my_code(cloudvision_emulator):
        cloudvision_emulator.misbehave("throttle")
        my_code("photo.jpg")  # boto3 and our providers find the emulator by the environment
        assert cloudvision_emulator.bill().total("rekognition DetectText images") == 1

It is installed beside the package, so that tests which use none of it do not import cloudvision. The emulator itself needs
`pip install 'cloudvision-gate[emulator]'`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from cloudvision.emulator import Emulator, Reader


@pytest.fixture(scope="session")
def cloudvision_emulator_reader() -> Reader | None:
    """Text recognition of the emulator; override it to make answers up. None: the local engine."""
    return None


@pytest.fixture(scope="session")
def cloudvision_emulator_session(cloudvision_emulator_reader: Reader | None) -> Iterator[Emulator]:
    """One emulator for all tests; `cloudvision_emulator` is what a test asks for."""
    from cloudvision.emulator import running

    with running(reader=cloudvision_emulator_reader) as emulator:
        yield emulator


@pytest.fixture
def cloudvision_emulator(cloudvision_emulator_session: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """A running emulator with an empty bill and no faults; the environment leads SDKs and providers to it."""
    cloudvision_emulator_session.reset()
    for name in ("AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in cloudvision_emulator_session.environment.items():
        monkeypatch.setenv(name, value)
    yield cloudvision_emulator_session
    cloudvision_emulator_session.reset()
