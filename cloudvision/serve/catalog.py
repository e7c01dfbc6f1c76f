"""The models that are served, by name and version."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cloudvision.errors import ConfigError
from cloudvision.serve.lane import Lane
from cloudvision.serve.refusal import UNKNOWN_MODEL, Refusal
from cloudvision.serve.served import Runs


@dataclass(frozen=True, slots=True)
class Entry:
    """One version of one model, and the line that its pictures stand in."""

    name: str
    version: str
    runs: Runs
    lane: Lane


class Catalog:
    """Finds models.

    Raises:
        ConfigError: there is none, or two of one name and version.
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._versions: dict[str, dict[str, Entry]] = {}
        for entry in entries:
            versions = self._versions.setdefault(entry.name, {})
            if entry.version in versions:
                raise ConfigError(
                    f"two models are called {entry.name}, version {entry.version}: tell them apart with name=folder"
                )
            versions[entry.version] = entry
        if not self._versions:
            raise ConfigError("there is no model to serve")

    def __iter__(self) -> Iterator[Entry]:
        for name in self._versions:
            yield from self.versions(name)

    def versions(self, name: str) -> tuple[Entry, ...]:
        """All versions, the latest first.

        Raises:
            Refusal: there is no such model.
        """
        if name not in self._versions:
            raise _unknown(name, None)
        return tuple(sorted(self._versions[name].values(), key=lambda entry: _order(entry.version), reverse=True))

    def find(self, name: str | None = None, version: str | None = None) -> Entry:
        """The model of that name, by default the first; of that version, by default the latest.

        Raises:
            Refusal: there is no such model.
        """
        found = self.versions(next(iter(self._versions)) if name is None else name)
        for entry in found:
            if version in (None, entry.version):
                return entry
        raise _unknown(found[0].name, version)


def _unknown(name: str, version: str | None) -> Refusal:
    shown = name if version is None else f"{name}, version {version}"
    return Refusal(404, f"there is no model {shown[:200]!r}", code=UNKNOWN_MODEL, model=(name, version))


def _order(version: str) -> list[tuple[int, int, str]]:
    """ "v1.10.0" comes after "v1.9.0", and numbers before words."""
    parts = re.findall(r"\d+|\D+", version)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]
