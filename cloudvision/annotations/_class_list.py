"""The names of YOLO's classes: a text file, or `names` in a YAML file.

Of YAML, `names` is read in its three usual forms alone, so that no YAML reader is needed: a list in one or several lines
(`names: [apple, "red pear"]`), a list with dashes, and numbers with names.
"""

from __future__ import annotations

import re
from pathlib import Path

from cloudvision.annotations._text import text_of
from cloudvision.errors import ConfigError

CLASS_FILES = ("data.yaml", "data.yml", "dataset.yaml", "classes.txt", "obj.names")

_ITEM = re.compile(r"""\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^']|'')*)'|([^,\[\]{}"']+?))\s*(?:,|$)""")
_DASH = re.compile(r"\s*-\s+(\S.*)")
_NUMBERED = re.compile(r"\s+['\"]?(\d{1,6})['\"]?\s*:\s+(\S.*)")


def class_names(path: Path) -> tuple[str, ...]:
    """The names, by their numbers.

    Raises:
        ConfigError: the file cannot be read, has no names, or one of them twice.
    """
    lines = text_of(path).splitlines()
    names = _of_yaml(path, lines) if path.suffix.lower() in (".yaml", ".yml") else [line.strip() for line in lines]
    while names and not names[-1]:
        names.pop()
    if not names or "" in names:
        raise ConfigError(f"{path}: {'a class without a name' if names else 'no names of classes in it'}")
    if twice := {name for name in names if names.count(name) > 1} if len(names) < 10_000 else set():
        raise ConfigError(f"{path}: {sorted(twice)[0]!r} is there twice")
    return tuple(names)


def _of_yaml(path: Path, lines: list[str]) -> list[str]:
    start = next((number for number, line in enumerate(lines) if re.match(r"names\s*:", line)), None)
    if start is None:
        raise ConfigError(f"{path}: has no names")
    head = _bare(lines[start].partition(":")[2]).strip()
    block = []
    for line in lines[start + 1 :]:
        bare = _bare(line)
        if bare.strip() and not bare.startswith((" ", "\t", "-", "]", "}")):
            break
        block.append(bare)
    place = f"{path}, line {start + 1}"
    if head.startswith("["):
        whole = " ".join([head, *(line.strip() for line in block)])
        return _flow(whole[1 : whole.find("]")] if "]" in whole else "[", place)
    if head.startswith("{"):
        whole = " ".join([head, *(line.strip() for line in block)])
        return _numbered([f" {pair.strip()}" for pair in whole.strip("{} ").split(",")], place)
    filled = [line for line in block if line.strip()]
    if filled and (dashes := [_DASH.fullmatch(line) for line in filled])[0]:
        return [_unquoted(match[1]) for match in dashes if match]
    return _numbered(filled, place)


def _flow(text: str, place: str) -> list[str]:
    names, at, text = [], 0, text.strip().removesuffix(",")
    while at < len(text):
        match = _ITEM.match(text, at)
        if match is None or match.end() == at:
            raise ConfigError(f"{place}: names is not a list that can be read")
        names.append(next(part for part in match.groups() if part is not None).replace("''", "'").strip())
        at = match.end()
    return names


def _numbered(lines: list[str], place: str) -> list[str]:
    pairs = [_NUMBERED.fullmatch(line) for line in lines]
    found = {int(match[1]): _unquoted(match[2]) for match in pairs if match}
    if not found or len(found) != len(pairs) or sorted(found) != list(range(len(found))):
        raise ConfigError(f"{place}: names is neither a list nor numbered from 0 on")
    return [found[number] for number in range(len(found))]


def _bare(line: str) -> str:
    """Without its comment."""
    return re.sub(r"(^|\s)#.*$", "", line).rstrip() if '"' not in line and "'" not in line else line.rstrip()


def _unquoted(text: str) -> str:
    text = text.strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text
