"""From what a user names to the list of sources: files, folders, globs, URLs, S3 objects, lists, tables.

Everything is read lazily, so a list may have ten million lines.
"""

from __future__ import annotations

import codecs
import csv
import glob
import io
import json
import os
import re
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from cloudvision import _sniff
from cloudvision.case import Source, Unusable
from cloudvision.errors import ConfigError
from cloudvision.images import Remote
from cloudvision.providers._aws_s3 import S3

_PICTURE_KEYS = (".jpg", ".jpeg", ".png")
"""A key's ending is all that a listing tells of an object. Rekognition reads these formats only."""

_DOCUMENT_KEYS = (*_PICTURE_KEYS, ".pdf", ".tif", ".tiff")

# Of any scheme: one that cannot be loaded fails by name, and without the password that it may hold.
_URL = re.compile(r"[a-z][a-z0-9+.-]*://|data:", re.IGNORECASE)


@dataclass(slots=True)
class Passed:
    """What folders and S3 prefixes hold besides pictures (and documents): counted, not failed."""

    files: int = 0


@dataclass(frozen=True, slots=True)
class _Prefix:
    """A line of a list that stands for the objects under an S3 prefix."""

    name: str


class ListsObjects(Protocol):
    """What is needed of S3: the objects under a prefix."""

    def objects(self, bucket: str, prefix: str, /) -> Iterator[Remote]: ...


def expand(
    names: Iterable[str],
    *,
    passed: Passed | None = None,
    stdin: IO[str] | None = None,
    s3: ListsObjects | None = None,
    documents: bool = False,
) -> Iterator[Source]:
    """The sources behind each name, in order.

    ===================  ===============================================================================
    `photo.jpg`          that file
    `folder/`            all pictures below it, by content and in order of their paths
    `'shots/**/*.png'`   the files that match (quote it, or the shell expands it)
    `https://...`        that URL
    `s3://bucket/key`    that object
    `s3://bucket/dir/`   all objects below it whose key ends in .jpg, .jpeg or .png (nobody looks into them for that)
    `@list.txt`          one file, URL, object or S3 prefix a line; empty lines, and those that begin with #, are left out
    `@rows.csv:column`   that column of a CSV file with a header
    `@rows.jsonl:field`  that field of every JSON object, one a line
    `-`                  like `@list.txt`, from standard input
    ===================  ===============================================================================

    Args:
        names: as on the command line.
        passed: counts files in folders that are no pictures.
        stdin: what "-" reads; the process's standard input by default.
        s3: lists prefixes; by default set up from the environment when it is needed.
        documents: PDFs in folders, and objects whose key ends in .pdf, .tif or .tiff, are taken too.

    Raises:
        ConfigError: a list, column or folder that is not there, a glob without a match, a bucket that cannot be listed.
    """
    counted, endings = passed if passed is not None else Passed(), _DOCUMENT_KEYS if documents else _PICTURE_KEYS

    def under(prefix: str) -> Iterator[Source]:
        return _objects(prefix, counted, s3, endings)

    for name in names:
        if name == "-":
            yield from _opened(_lines(stdin if stdin is not None else sys.stdin), under)
        elif name.startswith("@"):
            yield from _opened(_listed(name[1:]), under)
        elif is_prefix(name):
            yield from under(name)
        else:
            yield from _named(name, counted, documents)


def _opened(entries: Iterator[Source | _Prefix], under: Callable[[str], Iterator[Source]]) -> Iterator[Source]:
    """The entries of a list, with the objects where a prefix stands; one that cannot be listed fails by itself."""
    for entry in entries:
        if not isinstance(entry, _Prefix):
            yield entry
            continue
        try:
            yield from under(entry.name)
        except ConfigError as error:
            yield Unusable(entry.name, str(error))


def is_prefix(name: str) -> bool:
    """True for an S3 bucket, or a prefix in it: "s3://bucket", "s3://bucket/dir/"."""
    return name.startswith("s3://") and ("/" not in name[5:] or name.endswith("/"))


def _objects(name: str, passed: Passed, s3: ListsObjects | None, endings: tuple[str, ...]) -> Iterator[Source]:
    bucket, _, prefix = name.removeprefix("s3://").partition("/")
    if not bucket:
        raise ConfigError(f"{name}: name a bucket as s3://bucket/prefix/")
    for found in (s3 or S3.from_env()).objects(bucket, prefix):
        if (found.key or "").lower().endswith(endings):
            yield found
        else:
            passed.files += 1


def _named(name: str, passed: Passed, documents: bool) -> Iterator[Source]:
    if _URL.match(name):
        one = _one(name)
        assert not isinstance(one, _Prefix)
        yield one
    elif Path(name).is_dir():
        yield from _folder(Path(name), passed, documents)
    elif glob.has_magic(name) and not Path(name).exists():
        matches = iter(sorted(glob.glob(name, recursive=True)))  # noqa: PTH207  Path.glob takes no absolute pattern
        first = next(matches, None)
        if first is None:
            raise ConfigError(f"nothing matches {name}")
        yield Path(first)
        yield from (Path(match) for match in matches)
    else:
        yield Path(name)  # a missing file is a Failed outcome of its own, not the end of the run


def _one(line: str) -> Source | _Prefix:
    if is_prefix(line):
        return _Prefix(line)
    if line.startswith("s3://"):
        bucket, _, key = line.removeprefix("s3://").partition("/")
        return Remote(source=line, bucket=bucket, key=key) if bucket else Unusable(line, "names no bucket")
    return line if _URL.match(line) else Path(line)


def _folder(folder: Path, passed: Passed, documents: bool) -> Iterator[Source]:
    for root, folders, files in os.walk(folder):
        folders.sort()  # os.walk goes into them in this order
        for file in sorted(files):
            path = Path(root, file)
            if _is_wanted(path, documents):
                yield path
            else:
                passed.files += 1


def _is_wanted(path: Path, documents: bool) -> bool:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return False  # opening a named pipe would wait for somebody to write to it
        with path.open("rb") as stream:
            head = stream.read(_sniff.HEAD)
            return _sniff.picture_format(head) is not None or (documents and _sniff.is_pdf(head))
    except OSError:
        return True  # it cannot be read: let it fail by name rather than vanish


def list_file(name: str) -> Path | None:
    """The file behind "@list.txt" or "@rows.csv:column"; None for a name of another kind."""
    return Path(_split(name[1:])[0]).resolve() if name.startswith("@") else None


def _split(name: str) -> tuple[str, str]:
    path, _, column = name.rpartition(":")
    # "@C:\list.txt" has a colon and no column: what follows the last colon is a column only if the rest is a file.
    return (path, column) if path and Path(path).is_file() else (name, "")


def _listed(name: str) -> Iterator[Source | _Prefix]:
    path, column = _split(name)
    try:
        with Path(path).open("rb") as data:
            if data.peek(2).startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                raise ConfigError(f"cannot read the list {path}: it is not UTF-8 but UTF-16; save it as UTF-8")
            # A line that is not UTF-8 may still be the name of a file: it fails, or is found, by itself.
            stream = io.TextIOWrapper(data, encoding="utf-8-sig", errors="surrogateescape", newline="")
            if not column:
                yield from _lines(stream)
            elif path.lower().endswith((".jsonl", ".ndjson", ".json")):
                yield from _fields(stream, path, column)
            else:
                yield from _column(stream, path, column)
    except OSError as exc:
        raise ConfigError(f"cannot read the list {path}: {exc.strerror}") from exc
    except csv.Error as exc:
        raise ConfigError(f"cannot read the list {path}: {exc}") from exc


def _lines(stream: IO[str]) -> Iterator[Source | _Prefix]:
    for line in stream:
        text = line.strip()
        if text and not text.startswith("#"):
            yield _one(text)


def _column(stream: IO[str], path: str, column: str) -> Iterator[Source | _Prefix]:
    rows = csv.DictReader(stream)
    if column not in (rows.fieldnames or ()):
        raise ConfigError(f"{path} has no column {column!r}; its columns: {', '.join(rows.fieldnames or ()) or 'none'}")
    for number, row in enumerate(rows, 1):
        value = (row[column] or "").strip()
        yield _one(value) if value else Unusable(f"{path}, row {number}", f"nothing in column {column!r}")


def _fields(stream: IO[str], path: str, field: str) -> Iterator[Source | _Prefix]:
    good = False
    for number, line in enumerate(stream, 1):
        if not line.strip():
            continue
        entry = _field(line, f"{path}, line {number}", field)
        if isinstance(entry, Unusable) and not good:
            # Not one row so far has it: this is the wrong file or the wrong field, not a bad row.
            raise ConfigError(f"{entry.source}: {entry.reason}")
        good = True
        yield entry


def _field(line: str, where: str, field: str) -> Source | _Prefix:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as exc:
        return Unusable(where, f"not JSON ({exc})")
    if not isinstance(value, dict) or not isinstance(value.get(field), str):
        return Unusable(where, f"no text under {field!r}")
    return _one(value[field].strip())
