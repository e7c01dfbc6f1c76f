"""Guarded download of one URL."""

from __future__ import annotations

from cloudvision._printable import printable_source

__all__ = ["printable_source"]
