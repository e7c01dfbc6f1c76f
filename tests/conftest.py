"""What every test stands on: no way out of the machine, no credentials, an empty home."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import network_guard
import pytest

SHARED = Path(__file__).resolve().parents[1].parent / "shared"


@pytest.fixture(scope="session", autouse=True)
def _session_guard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[network_guard.Guard]:
    """The guard stands for the whole session: also while fixtures of a wider scope are set up."""
    guard = network_guard.Guard()
    with pytest.MonkeyPatch.context() as patch:
        network_guard.install(guard, patch)
        network_guard.clean_environment(patch, str(tmp_path_factory.mktemp("home")))
        yield guard


@pytest.fixture(autouse=True)
def network(_session_guard: network_guard.Guard) -> Iterator[network_guard.Guard]:
    """Fails a test that tried to leave, also where a thread or an `except` hid the error."""
    yield _session_guard
    blocked, _session_guard.blocked = _session_guard.blocked, []
    if blocked:
        pytest.fail(f"this test tried to leave the machine: {'; '.join(blocked)}", pytrace=False)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of test data beside the repository; the test is skipped where there is none."""
    if not SHARED.is_dir():
        pytest.skip(f"needs the test data in {SHARED}")
    return SHARED
