"""No test may reach anything but this machine: every way out is blocked in front of the call, so no packet leaves."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Callable
from typing import Any

import pytest

LOCAL_NAMES = frozenset({"localhost", "localhost.", ""})
"""Host names that resolve without asking anybody."""

SECRETIVE = ("AWS_", "AZURE_", "VISION_", "CUSTOM_VISION_", "DOCUMENT_INTELLIGENCE_", "CLOUDVISION_", "REKOGNITION_")
PROXIES = frozenset({"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "FTP_PROXY"})
BUNDLES = frozenset({"SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"})


class BlockedByGuard(BaseException):
    """A test tried to leave the machine. Not an Exception, so that no `except` in the tested code can hide it."""


class Guard:
    """Remembers what was blocked, so that the test fails even where a thread swallowed the error."""

    def __init__(self) -> None:
        self.blocked: list[str] = []

    def stop(self, what: str) -> None:
        self.blocked.append(what)
        raise BlockedByGuard(f"{what}: tests may reach loopback addresses only")

    def check_address(self, call: str, address: object) -> None:
        """Pass loopback addresses and Unix sockets; stop everything else."""
        if isinstance(address, str | bytes):  # a Unix socket
            return
        host = address[0] if isinstance(address, tuple) and address else None
        if not is_local(host):
            self.stop(f"{call} to {address!r}")


def is_local(host: object) -> bool:
    """True for loopback literals and for names that resolve without a question."""
    if host is None:
        return True
    name = host.decode() if isinstance(host, bytes) else str(host)
    if name.lower() in LOCAL_NAMES:
        return True
    try:
        return ipaddress.ip_address(name.partition("%")[0]).is_loopback
    except ValueError:
        return False


def install(guard: Guard, patch: pytest.MonkeyPatch) -> None:
    """Put the guard in front of every function that can send a packet."""
    for name in ("connect", "connect_ex"):
        patch.setattr(socket.socket, name, _checked_connect(guard, getattr(socket.socket, name), name))
    patch.setattr(socket.socket, "sendto", _checked_sendto(guard, socket.socket.sendto))
    for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr", "getfqdn"):
        patch.setattr(socket, name, _checked_lookup(guard, getattr(socket, name), name))


def clean_environment(patch: pytest.MonkeyPatch, home: str) -> None:
    """No key, endpoint, proxy or configuration file of the person who runs the suite."""
    for name in list(os.environ):
        upper = name.upper()
        if upper.startswith(SECRETIVE) or upper in PROXIES | BUNDLES:
            patch.delenv(name)
    patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    # ONNX Runtime's own telemetry is native code, which nothing above could stop.
    patch.setenv("ORT_DISABLE_TELEMETRY", "1")
    patch.setenv("AWS_CONFIG_FILE", f"{home}/aws-config")
    patch.setenv("AWS_SHARED_CREDENTIALS_FILE", f"{home}/aws-credentials")
    for name in ("HOME", "USERPROFILE", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        patch.setenv(name, home)


def _checked_connect(guard: Guard, real: Callable[..., Any], call: str) -> Callable[..., Any]:
    def connect(self: socket.socket, address: Any) -> Any:
        guard.check_address(call, address)
        return real(self, address)

    return connect


def _checked_sendto(guard: Guard, real: Callable[..., Any]) -> Callable[..., Any]:
    def sendto(self: socket.socket, data: Any, *rest: Any) -> Any:
        guard.check_address("sendto", rest[-1])
        return real(self, data, *rest)

    return sendto


def _checked_lookup(guard: Guard, real: Callable[..., Any], call: str) -> Callable[..., Any]:
    def lookup(host: Any = "", *args: Any, **kwargs: Any) -> Any:
        # Any literal may be "resolved": that asks nobody. `connect` looks at the address again.
        if not (is_local(host) or _is_literal(host)):
            guard.stop(f"{call} of {host!r}")
        return real(host, *args, **kwargs)

    return lookup


def _is_literal(host: Any) -> bool:
    try:
        ipaddress.ip_address(host.decode() if isinstance(host, bytes) else host)
    except ValueError:
        return False
    return True
