"""What makes two command lines the same job."""

from __future__ import annotations

import hashlib
import json

from cloudvision.gate import Gate
from cloudvision.provider import Provider


def identity(
    names: tuple[str, ...], *, provider: Provider, gate: Gate | None, audit: float = 0.0, limit: int | None = None
) -> str:
    """The same text for the same job: an unfinished run goes on where it was, and an estimate finds its runs."""
    looked = None if gate is None else (gate.model, gate.threshold)
    parts = (names, provider.name, provider.fingerprint, looked, audit, limit)
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
