"""Answers of what runs on this machine, an emulator or a container, are kept apart from those of the real service."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


def stand_in(endpoint: str | None) -> str:
    """What goes into a fingerprint: " endpoint=loopback" for an address of this very machine, "" for any other.

    A ledger that an emulator has answered into must not hand that to a run against the service, nor the other way round.
    Regions and accounts of the service itself answer alike, and share.
    """
    try:
        host = urlsplit(endpoint or "").hostname or ""
    except ValueError:  # no address at all: the call says so
        return ""
    if host == "localhost" or host.endswith(".localhost"):
        return " endpoint=loopback"
    try:
        return " endpoint=loopback" if ipaddress.ip_address(host).is_loopback else ""
    except ValueError:
        return ""
