"""What the user names to be served, and the models behind it.

===========================  ==============================================================================
``folder``, ``export.zip``   a model under its own name and version
``name=folder``              under another name
``name:version=folder``      and another version
``folder`` of ``1/ 2/ ...``  one model, a version a subfolder, as TensorFlow Serving keeps them
``gate``, ``gate:fast``      the gate that the package ships, or one look of it; a folder of one's own gate too
===========================  ==============================================================================
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cloudvision.errors import ConfigError
from cloudvision.gate import Gate
from cloudvision.gate.folder import LABELS, SHIPPED
from cloudvision.models import Model
from cloudvision.serve.served import GateModel, LocalModel, Runs

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_FORMS = "give a folder, name=folder, name:version=folder, gate or gate:fast"
_SHIPPED = {"gate": "cascade", **{f"gate:{name}": name for name in SHIPPED}}


@dataclass(frozen=True, slots=True)
class Opened:
    """One version of one model, open.

    Args:
        widen: gives the same with so many cores for an inference; None of a gate.
    """

    name: str
    version: str
    runs: Runs
    widen: Callable[[int], Runs] | None = None


def open_models(asked: str, *, quantised: bool = False) -> Iterator[Opened]:
    """Open what `asked` names; of a folder of versions all of them.

    Raises:
        ConfigError: there is no such model, it cannot be opened, or it needs another name to stand in an address.
    """
    name, version, where = _taken_apart(asked)
    if where in _SHIPPED:
        yield _gate(_SHIPPED[where], name=name or "gate", version=version)
        return
    path = Path(where)
    if not path.exists():
        raise ConfigError(f"no model {where!r}: {_FORMS}")
    numbers = _versions(path)
    if not numbers:
        yield _open(path, name=name, version=version, quantised=quantised)
    elif version:
        raise ConfigError(
            f"{path} holds the versions {', '.join(numbers)}: name one of them, {name}:{version}={path / version}"
        )
    for number in numbers:
        yield _open(path / number, name=name or path.resolve().name, version=number, quantised=quantised)


def _taken_apart(asked: str) -> tuple[str, str, str]:
    """Name, version and place; the first two empty where they are not given."""
    name, equals, where = asked.partition("=")
    if not equals or Path(asked).exists():
        return "", "", asked
    name, colon, version = name.partition(":")
    if not _NAME.fullmatch(name) or (colon and not _NAME.fullmatch(version)) or not where:
        raise ConfigError(
            f"{asked!r} is not understood: {_FORMS}; name and version are letters, digits, dots, lines and hyphens"
        )
    return name, version, where


def _versions(path: Path) -> list[str]:
    if not path.is_dir() or (path / "config.json").exists() or any(path.glob("*.onnx")):
        return []
    return sorted(
        (each.name for each in path.iterdir() if each.name.isascii() and each.name.isdecimal() and each.is_dir()),
        key=int,
    )


def _open(path: Path, *, name: str, version: str, quantised: bool) -> Opened:
    if _is_gate(path):
        return _gate(str(path), name=name, version=version)
    model = Model.open(path, quantised=quantised)

    def widen(threads: int) -> Runs:
        return LocalModel(model, Model.open(path, threads=threads, quantised=quantised))

    return Opened(name or _own_name(model.name, path), version or _own_version(model.version), LocalModel(model), widen)


def _gate(which: str, *, name: str, version: str) -> Opened:
    gate = Gate.load(which)
    return Opened(name or _own_name(gate.name, Path(which)), version or _own_version(gate.version), GateModel(gate))


def _is_gate(path: Path) -> bool:
    try:
        config = json.loads((path / "config.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return False  # whoever opens it says what is wrong
    return isinstance(config, dict) and config.get("labels") == list(LABELS) and "criterion" in config


def _own_name(name: str, path: Path) -> str:
    for each in (name, path.resolve().stem):
        if _NAME.fullmatch(each):
            return each
    raise ConfigError(f"the model in {path} is called {name!r}, which cannot stand in an address: give name={path}")


def _own_version(version: str | None) -> str:
    return version if version and _NAME.fullmatch(version) else "1"
