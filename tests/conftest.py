"""What every test stands on: no way out of the machine, no credentials, an empty home."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import network_guard
import pytest

from cloudvision.emulator import Emulator, running
from tests import command, ledgers, moto_server
from tests.emulation import MadeUpReader
from tests.pictures import png

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


@pytest.fixture(scope="session")
def redis_address(_session_guard: network_guard.Guard) -> Iterator[str]:
    """A Redis server on a Unix socket; the test is skipped where there is none to start."""
    with ledgers.redis_server() as address:
        yield address


@pytest.fixture(params=["sqlite", "redis"])
def open_ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ledgers.Opener]:
    """Opens one empty ledger, of either store, as often as wanted."""
    name = ledgers.new_name(request.param, folder=tmp_path, redis=lambda: request.getfixturevalue("redis_address"))
    with ExitStack() as stack:
        yield ledgers.Opener(name, stack)


@pytest.fixture(scope="session")
def cloudvision_emulator_reader() -> MadeUpReader:
    """The emulator of the plugin makes its text up; `reading_emulator` reads."""
    return MadeUpReader()


@pytest.fixture
def reader(cloudvision_emulator_reader: MadeUpReader) -> Iterator[MadeUpReader]:
    """What `cloudvision_emulator` reads with: set its `lines`."""
    yield cloudvision_emulator_reader
    cloudvision_emulator_reader.lines = None


@pytest.fixture(scope="session")
def reading_emulator(_session_guard: network_guard.Guard) -> Iterator[Emulator]:
    """An emulator with the local engine; one for the session, for loading it takes a second."""
    pytest.importorskip("rapidocr", reason="needs the extra local")
    with running() as emulator:
        yield emulator


@pytest.fixture(scope="session")
def moto_url(_session_guard: network_guard.Guard) -> Iterator[str]:
    """The address of moto's server, which stands for AWS."""
    with moto_server.serving() as url:
        yield url


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> command.Run:
    """Run the command line in an empty folder with three pictures in `in/`; gives its exit code."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    for n in range(3):
        (tmp_path / "in" / f"{n}.png").write_bytes(png(n))
    return command.runner(monkeypatch)
