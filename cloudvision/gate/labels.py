"""Labelled pictures on disk: a label file (CSV or Parquet), or a folder with `true` and `false` in it.

A label file has a column `path` (or `source`) and a column `worth`. It may have `group` (the source of the picture: a
collection, a host, a customer), `weight` (how many pictures of the stream it stands for) and what `cloudvision gate label`
writes besides. A column that nobody knows is an error: it may be a misspelt one that was meant to count.
"""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from urllib.parse import urlsplit

from cloudvision.errors import ConfigError
from cloudvision.gate.text_statistics import TextStatistics

_FIGURES = tuple(field.name for field in fields(TextStatistics))
TOLD = ("sha256", "chosen_by", "provider", "score", "width", "height")
STATISTICS = tuple(f"{which}_{name}" for which in ("all", "sure") for name in _FIGURES)
COLUMNS = ("source", "worth", "group", "weight", *TOLD, *STATISTICS)
"""What `cloudvision gate label` writes, in order."""

_YES, _NO = ("true", "1", "yes"), ("false", "0", "no")
_ENDINGS = (
    ".jpg",
    ".jpeg",
    ".png",
    ".webp",
    ".gif",
    ".bmp",
    ".tif",
    ".tiff",
    ".heic",
    ".heif",
    ".avif",
    ".mpo",
    ".jfif",
)


@dataclass(frozen=True, slots=True)
class Label:
    """One picture and its truth.

    Args:
        path: where it lies on this machine.
        worth: it is worth a call.
        group: its source; pictures of one group are never parted by a split.
        weight: how many pictures of the stream it stands for; None where nobody knows, since a gate chose it and nothing
            stands for what that gate skipped.
    """

    path: Path
    worth: bool
    group: str
    weight: float | None = 1.0


def read_labels(place: Path, *, group: str | None = None) -> tuple[Label, ...]:
    """Read a label file or a folder, and check that it can be used before anything long begins.

    Args:
        place: a .csv or .parquet file, whose paths are relative to the file's folder or to the working directory; or a folder
            with `true` and `false`.
        group: column that names the source of each picture; default: the column `group` where there is one, else the
            folder that the picture lies in. In a folder the groups are always the folders below `true` and `false`, and only
            "folder" may be given.

    Raises:
        ConfigError: no such place, unknown columns, a value that is none, missing pictures, no picture, one class only.
    """
    if place.is_dir():
        if group not in (None, "folder"):
            raise ConfigError(f"{place}: is a folder and has no column {group!r}; its groups are called 'folder'")
        labels = _of_folder(place)
    else:
        labels = _of_rows(place, _rows(place), group=group)
    missing = [label.path for label in labels if not label.path.is_file()]
    if missing:
        raise ConfigError(f"{place}: {len(missing)} of {len(labels)} pictures are not there, the first is {missing[0]}")
    classes = {label.worth for label in labels}
    if len(classes) < 2:
        only = "no picture at all" if not classes else f"pictures of one class only (worth a call: {classes.pop()})"
        raise ConfigError(f"{place}: has {only}; both are needed")
    return labels


def group_of(source: str) -> str:
    """The group of a source without one: the host of a URL, the bucket and folder of an S3 object, the folder of a file."""
    url = urlsplit(source) if "://" in source else None
    if url is None:
        return os.path.dirname(source)  # noqa: PTH120  a pathlib.Path would turn "a//b" into "a/b" and "" into "."
    if url.scheme == "s3":
        return f"{url.netloc}{os.path.dirname(url.path)}"  # noqa: PTH120
    return url.hostname or source


def data_digest(rows: Iterable[tuple[str, bool]]) -> str:
    """SHA-256 over (SHA-256 of a picture, worth), in any order: which data a threshold or a model stands on."""
    lines = sorted(f"{sha256} {int(worth)}\n" for sha256, worth in rows)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _of_folder(place: Path) -> tuple[Label, ...]:
    found = []
    for worth, name in ((True, "true"), (False, "false")):
        side = place / name
        if not side.is_dir():
            raise ConfigError(f"{place}: has no folder {name}/; it takes true/ and false/, or give a label file")
        for path in sorted(path for path in side.rglob("*") if path.suffix.lower() in _ENDINGS):
            below = path.relative_to(side).parent
            found.append(Label(path, worth, str(below) if below.parts else str(path.relative_to(place))))
    return tuple(found)


def _rows(place: Path) -> list[dict[str, object]]:
    match place.suffix.lower():
        case ".csv":
            try:
                with place.open(encoding="utf-8-sig", newline="") as file:
                    return [dict(row) for row in csv.DictReader(file)]
            except (OSError, UnicodeDecodeError) as exc:
                raise ConfigError(f"cannot read the labels {place}: {exc}") from exc
        case ".parquet":
            return _parquet(place)
    raise ConfigError(f"{place}: give a folder with true/ and false/, or a label file that ends in .csv or .parquet")


def _parquet(place: Path) -> list[dict[str, object]]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ModuleNotFoundError as exc:
        raise ConfigError("Parquet needs pyarrow: pip install 'cloudvision-gate[parquet]'") from exc
    try:
        return list(pyarrow.parquet.read_table(place).to_pylist())
    except (OSError, pyarrow.ArrowException) as exc:
        raise ConfigError(f"cannot read the labels {place}: {exc}") from exc


def _of_rows(place: Path, rows: Sequence[Mapping[str, object]], *, group: str | None) -> tuple[Label, ...]:
    columns = set(rows[0]) if rows else set()
    named = "path" if "path" in columns else "source"
    for column in (named, "worth", *([] if group is None else [group])):
        if rows and column not in columns:
            raise ConfigError(f"{place}: has no column {column!r}; it has {', '.join(sorted(map(str, columns)))}")
    unknown = columns - {"path", *COLUMNS, group}
    if unknown:
        listed = ", ".join(sorted(map(str, unknown)))
        raise ConfigError(
            f"{place}: unknown columns {listed}; known are path, {', '.join(COLUMNS)}; name a group by --group"
        )
    by = group or ("group" if "group" in columns else None)
    return tuple(_label(place, number, row, named=named, by=by) for number, row in enumerate(rows, 2))


def _label(place: Path, number: int, row: Mapping[str, object], *, named: str, by: str | None) -> Label:
    source = str(row[named] or "")
    if not source or "://" in source:
        what = f"{source} is no file of this machine; download it first" if source else f"no {named}"
        raise ConfigError(f"{place}, row {number}: {what}")
    said = str(row["worth"]).strip().lower()
    if said not in _YES + _NO:
        raise ConfigError(f"{place}, row {number}: worth is {row['worth']!r}, neither true nor false")
    beside = place.parent / source
    path = beside if beside.is_file() or not Path(source).is_file() else Path(source)
    group = str(row[by]) if by is not None and row[by] not in (None, "") else group_of(source)
    return Label(path, said in _YES, group, _weight(place, number, row))


def _weight(place: Path, number: int, row: Mapping[str, object]) -> float | None:
    if "weight" not in row:
        return 1.0
    said = row["weight"]
    if said is None or said == "":
        return None
    try:
        weight = float(str(said))
    except ValueError:
        weight = -1.0
    if not 0 < weight < float("inf"):
        raise ConfigError(f"{place}, row {number}: weight is {said!r}, not a number above 0")
    return weight
