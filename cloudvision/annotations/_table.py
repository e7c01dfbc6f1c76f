"""CSV with one line a mark; the lines of a picture may stand anywhere.

Columns, in any order and of any case; others are ignored:

- `source` (or `path`, `url`, `image`, `filename`, `file_name`): path, relative to the table's folder or to the working
  directory, or an http(s) URL;
- `label` (or `name`, `tag`, `class`): empty for a picture that shows none of the labels;
- boxes as fractions of the picture: `left`, `top`, `width`, `height`; or as pixels: `xmin`, `ymin`, `xmax`, `ymax` together
  with the picture's own `width` and `height`; all empty for a label of the whole picture;
- `group`: pictures that belong together.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from cloudvision.annotations._gathering import (
    Gathering,
    UnusableError,
    box_of,
    box_of_pixels,
    name_in,
    number_in,
)
from cloudvision.annotations._pictures import Finder, around
from cloudvision.annotations._text import text_of
from cloudvision.annotations.annotated import Annotations, Mark
from cloudvision.errors import ConfigError
from cloudvision.geometry import Box

SOURCES = ("source", "path", "url", "image", "filename", "file_name")
LABELS = ("label", "name", "tag", "class")
FRACTIONS = ("left", "top", "width", "height")
PIXELS = ("xmin", "ymin", "xmax", "ymax")


def read_table(path: Path) -> Annotations:
    """See above.

    Raises:
        ConfigError: the file cannot be read, or has no column for the pictures, or some columns of a box and not all.
    """
    text = text_of(path)
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter="\t" if path.suffix.lower() == ".tsv" else ",")
    finder, found = Finder(around(path)), Gathering()
    try:
        columns = _columns(path, rows.fieldnames or ())
        for row in rows:
            # A longer row has its rest under None, a shorter one None as values.
            values = {key.strip().lower(): str(value or "").strip() for key, value in row.items() if key is not None}
            if any(values.values()):
                _row(values, columns, f"{path}, line {rows.line_num}", finder, found)
    except csv.Error as exc:
        raise ConfigError(f"{path}, line {rows.line_num}: {exc}") from exc
    return found.done(path)


def _columns(path: Path, names: object) -> tuple[str, str, tuple[str, ...]]:
    """Which columns hold the picture, the label and the box."""
    assert isinstance(names, list | tuple)
    given = [name.strip().lower() for name in names if name is not None]
    source = next((name for name in SOURCES if name in given), None)
    label = next((name for name in LABELS if name in given), None)
    if source is None or label is None:
        wanted = f"none of {', '.join(SOURCES)}" if source is None else f"none of {', '.join(LABELS)}"
        raise ConfigError(f"{path}, line 1: of the columns {', '.join(given)[:300] or '(none)'}, {wanted}")
    if any(name in given for name in PIXELS):
        box: tuple[str, ...] = (*PIXELS, "width", "height")
    elif "left" in given or "top" in given:
        box = FRACTIONS
    else:
        box = ()
    if missing := [name for name in box if name not in given]:
        raise ConfigError(f"{path}, line 1: a box needs the columns {', '.join(box)}; missing: {', '.join(missing)}")
    return source, label, box


def _row(
    values: Mapping[str, str], columns: tuple[str, str, tuple[str, ...]], place: str, finder: Finder, found: Gathering
) -> None:
    source_column, label, box = columns
    source = None
    try:
        source = finder.find(values[source_column])
        marks = [Mark(name_in(values[label]), _box(values, box))] if values[label] else []
        found.add(source, *marks, group=values.get("group", ""))
    except UnusableError as exc:
        found.problem(place, exc, source=source)


def _box(values: Mapping[str, str], columns: tuple[str, ...]) -> Box | None:
    if not any(values[name] for name in columns[:4]):
        return None
    numbers = [number_in(values[name], name) for name in columns]
    if columns == FRACTIONS:
        return box_of(*numbers)
    return box_of_pixels((numbers[0], numbers[1], numbers[2], numbers[3]), (numbers[4], numbers[5]))
