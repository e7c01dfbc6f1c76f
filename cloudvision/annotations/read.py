"""Which form a place is of, and reading it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal, get_args

from cloudvision.annotations._coco import is_coco, read_coco
from cloudvision.annotations._folders import read_folders
from cloudvision.annotations._objects import read_lines, read_object
from cloudvision.annotations._table import read_table
from cloudvision.annotations._text import json_of
from cloudvision.annotations._voc import check_voc, looks_like_voc, read_voc
from cloudvision.annotations._yolo import class_file, read_yolo
from cloudvision.annotations.annotated import Annotations
from cloudvision.errors import ConfigError

Format = Literal["auto", "folders", "csv", "json", "jsonl", "coco", "voc", "yolo"]
FORMATS: tuple[str, ...] = get_args(Format)

_READERS: dict[str, Callable[[Path], Annotations]] = {
    "folders": read_folders,
    "csv": read_table,
    "json": read_object,
    "jsonl": read_lines,
    "coco": read_coco,
    "voc": read_voc,
    "yolo": read_yolo,
}
_ENDINGS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".xml": "voc",
    ".yaml": "yolo",
    ".yml": "yolo",
    ".txt": "yolo",
    ".names": "yolo",
}
_COCO = "_annotations.coco.json"


def read_annotations(path: Path, *, format: Format = "auto") -> Annotations:
    """Pictures and their marks.

    Args:
        path: a folder, or an annotation file; see the module of each form for what it may look like.
        format: "auto" goes by the ending of a file and, for `.json`, by what is in it; a folder with a class list is YOLO's,
            one with XML files (or with some in its `annotations`) VOC's, and any other a folder a class.

    Raises:
        ConfigError: no such place, no known form, or nothing in it that can be used. What is wrong with single pictures is in
            `problems`.
    """
    if format not in FORMATS:
        raise ConfigError(f"unknown format {format!r}; known: {', '.join(FORMATS)}")
    if not path.exists():
        raise ConfigError(f"there is no {path}")
    if format == "auto":
        format = _format_of(path)
    if format in ("csv", "json", "jsonl", "coco") and path.is_dir():
        if not (format == "coco" and (path / _COCO).is_file()):
            raise ConfigError(f"{path}: is a folder; {format} is a file")
        path /= _COCO
    if format == "voc":
        check_voc(path)
    return _READERS[format](path)


def _format_of(path: Path) -> Format:
    if path.is_dir():
        if (path / _COCO).is_file():
            return "coco"
        if class_file(path) is not None:
            return "yolo"
        return "voc" if looks_like_voc(path) else "folders"
    if path.suffix.lower() == ".json":
        return "coco" if is_coco(json_of(path)) else "json"
    found = _ENDINGS.get(path.suffix.lower())
    if found is None:
        raise ConfigError(f"{path}: cannot tell its form by its name; say the format: {', '.join(FORMATS[1:])}")
    return found  # type: ignore[return-value]
