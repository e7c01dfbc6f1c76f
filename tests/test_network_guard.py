"""The suite's own guard. The real functions are replaced by recorders, so not even a failing test sends a packet."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import network_guard
import pytest
from network_guard import BlockedByGuard, Guard

OUTSIDE = ["192.0.2.1", "10.0.0.1", "169.254.169.254", "8.8.8.8", "2001:db8::1", "example.com", "0.0.0.0"]


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A guard over recorders: what gets through is written down and goes nowhere."""
    calls: list[str] = []

    def recorder(name: str) -> Callable[..., None]:
        return lambda *args, **kwargs: calls.append(name)

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, recorder(name))
    for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr", "getfqdn"):
        monkeypatch.setattr(socket, name, recorder(name))
    network_guard.install(Guard(), monkeypatch)
    return calls


@pytest.mark.parametrize("host", OUTSIDE)
def test_nothing_but_loopback_is_connected_to(host: str, recorded: list[str]) -> None:
    with socket.socket() as one, socket.socket(type=socket.SOCK_DGRAM) as other:
        for call in (one.connect, one.connect_ex):
            with pytest.raises(BlockedByGuard, match="loopback"):
                call((host, 80))
        with pytest.raises(BlockedByGuard):
            other.sendto(b"x", (host, 53))
        with pytest.raises(BlockedByGuard):
            other.sendto(b"x", 0, (host, 53))
    assert recorded == []


@pytest.mark.parametrize("lookup", ["getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr", "getfqdn"])
def test_no_name_is_looked_up(lookup: str, recorded: list[str]) -> None:
    args: tuple[Any, ...] = ("example.com", 80) if lookup == "getaddrinfo" else ("example.com",)
    with pytest.raises(BlockedByGuard, match=r"example\.com"):
        getattr(socket, lookup)(*args)
    assert recorded == []


@pytest.mark.parametrize(
    "address", [("127.0.0.1", 80), ("127.9.9.9", 80), ("::1", 80, 0, 0), ("localhost", 80), "/run/x"]
)
def test_loopback_and_unix_sockets_pass(address: Any, recorded: list[str]) -> None:
    with socket.socket() as one:
        one.connect(address)
    assert recorded == ["connect"]


def test_blocked_calls_are_remembered_for_the_verdict_on_the_test() -> None:
    guard = Guard()
    with pytest.raises(BlockedByGuard):
        guard.check_address("connect", ("192.0.2.1", 80))
    assert guard.blocked == ["connect to ('192.0.2.1', 80)"]


def test_the_guard_stands_in_this_session(network: Guard) -> None:
    assert socket.socket.connect.__module__ == "network_guard"
    assert socket.getaddrinfo.__module__ == "network_guard"
    with pytest.raises(BlockedByGuard):
        socket.getaddrinfo("example.com", 80)
    assert network.blocked == ["getaddrinfo of 'example.com'"]
    network.blocked.clear()


def test_no_ambient_credentials_and_an_empty_home() -> None:
    assert os.environ["AWS_EC2_METADATA_DISABLED"] == "true"
    assert "AWS_ACCESS_KEY_ID" not in os.environ
    assert "VISION_KEY" not in os.environ
    assert not {"HTTPS_PROXY", "https_proxy", "ALL_PROXY"} & set(os.environ)
    assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"
    assert list(Path.home().iterdir()) == []


def test_credentials_of_the_caller_are_removed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_PROFILE", "AZURE_CLIENT_SECRET", "VISION_KEY", "https_proxy", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, "x")
    network_guard.clean_environment(monkeypatch, str(tmp_path))
    assert not {"AWS_PROFILE", "AZURE_CLIENT_SECRET", "VISION_KEY", "https_proxy", "SSL_CERT_FILE"} & set(os.environ)
    assert os.environ["HOME"] == str(tmp_path)
