"""The version of the distribution."""

from __future__ import annotations

from importlib import metadata


def version() -> str:
    """Such as "0.1.0"; "unknown" where the files were copied and not installed."""
    try:
        return metadata.version("cloudvision-gate")
    except metadata.PackageNotFoundError:
        return "unknown"
