"""JSON lines, and JSON from picture to marks.

A line of a JSONL file is an object:

- `source` (or `path`, `url`, `image`): path, relative to the file's folder or to the working directory, or an http(s) URL;
- `label` (text) or `labels` (list of texts): of the whole picture;
- `marks` (or `boxes`, `regions`): objects with `name` (or `label`, `tag`, `tagName`) and a box as fractions of the picture,
  `left`, `top`, `width`, `height`, either beside the name or under `box`; a mark without a box is of the whole picture;
- `group`: pictures that belong together.

In a JSON file of the form `{"fork/1.jpg": [{"tag": "fork", "left": ...}], ...}` the keys are the pictures, and the values
what `marks` holds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cloudvision.annotations._gathering import Gathering, UnusableError, box_of, name_in, number_in, shown
from cloudvision.annotations._pictures import Finder, around
from cloudvision.annotations._text import json_of, text_of
from cloudvision.annotations.annotated import Annotations, Mark
from cloudvision.errors import ConfigError
from cloudvision.geometry import Box

_SOURCES = ("source", "path", "url", "image")
_NAMES = ("name", "label", "tag", "tagName")
_MARKS = ("marks", "boxes", "regions")
_SIDES = ("left", "top", "width", "height")


def read_lines(path: Path) -> Annotations:
    """One object a line.

    Raises:
        ConfigError: the file cannot be read, or nothing in it can be used.
    """
    finder, found = Finder(around(path)), Gathering()
    for number, line in enumerate(text_of(path).split("\n"), 1):
        if line.strip():
            _line(line, f"{path}, line {number}", finder, found)
    return found.done(path)


def read_object(path: Path) -> Annotations:
    """One object with pictures as keys.

    Raises:
        ConfigError: the file cannot be read, or is of another form.
    """
    value = json_of(path)
    if not isinstance(value, dict):
        raise ConfigError(f"{path}: expected an object with pictures as keys, got {type(value).__name__}")
    finder, found = Finder(around(path)), Gathering()
    for name, marks in value.items():
        _picture({"source": name, "marks": marks}, f"{path}, {shown(name)[:200]!r}", finder, found)
    return found.done(path)


def _line(line: str, place: str, finder: Finder, found: Gathering) -> None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as exc:
        found.problem(place, f"not JSON ({exc})")
        return
    if isinstance(value, dict):
        _picture(value, place, finder, found)
    else:
        found.problem(place, f"expected an object, got {value!r:.60}")


def _picture(value: Mapping[str, Any], place: str, finder: Finder, found: Gathering) -> None:
    source = None
    try:
        source = finder.find(_first(value, _SOURCES))
        group = value.get("group") or ""
        found.add(source, *_marks(value), group=group if isinstance(group, str) else str(group)[:200])
    except UnusableError as exc:
        found.problem(place, exc, source=source)


def _marks(value: Mapping[str, Any]) -> Iterator[Mark]:
    if value.get("label") not in (None, ""):
        yield Mark(name_in(value["label"]))
    for name in _listed(value.get("labels"), "labels"):
        yield Mark(name_in(name))
    for mark in _listed(_first(value, _MARKS), "marks"):
        if isinstance(mark, str):
            yield Mark(name_in(mark))
        elif isinstance(mark, dict):
            yield Mark(name_in(_first(mark, _NAMES)), _box(mark))
        else:
            raise UnusableError(f"expected a mark, got {mark!r:.60}")


def _box(mark: Mapping[str, Any]) -> Box | None:
    sides = mark.get("box", mark)
    if sides is None or not (isinstance(sides, dict) and any(name in sides for name in _SIDES)):
        if mark.get("box") is not None:
            raise UnusableError(f"expected a box with {', '.join(_SIDES)}, got {sides!r:.60}")
        return None
    return box_of(*(number_in(sides.get(name), name) for name in _SIDES))


def _listed(value: Any, what: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise UnusableError(f"{what} is not a list: {value!r:.60}")
    return value


def _first(value: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((value[name] for name in names if name in value), None)
