"""Where the pictures lie that an annotation file names."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from cloudvision import _sniff
from cloudvision.annotations._gathering import UnusableError, shown
from cloudvision.annotations.annotated import is_url

ENDINGS = frozenset(
    (
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
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
    )
)


class Finder:
    """Finds pictures by name in a few folders, and remembers what it has looked at.

    Args:
        folders: where to look, best first.
    """

    def __init__(self, folders: Iterable[Path]) -> None:
        self._folders = tuple(dict.fromkeys(folder for folder in folders if _is(folder, Path.is_dir)))

    def find(self, *names: object) -> str:
        """Path of the first of these that is there, or the URL.

        Raises:
            UnusableError: none is.
        """
        given = [str(name).strip() for name in names if isinstance(name, str | Path) and str(name).strip()]
        for name in given:
            if is_url(name):
                return name
            # A NUL makes `stat` raise ValueError; no file has one in its name.
            for folder in self._folders if "\0" not in name else ():
                path = folder / name.replace("\\", os.sep)
                if _is(path, Path.is_file):
                    return str(path)
        raise UnusableError(f"there is no picture {shown(given[0])[:200]}" if given else "names no picture")


def around(file: Path, *more: str) -> Iterator[Path]:
    """Folders in which the pictures of an annotation file usually lie."""
    folder = file.parent
    for base in (folder, folder.parent):
        yield base
        yield from (base / name for name in ("images", "JPEGImages", "imgs", *more))
    yield Path()


def files_below(folder: Path) -> Iterator[Path]:
    """All files, by name; nothing hidden, nothing that a system put there."""
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not _is_hidden(name))
        yield from (Path(root, name) for name in sorted(files) if not _is_hidden(name))


def is_picture(path: Path) -> bool:
    """Judged by the first bytes; a file that cannot be read counts as one where its name says so."""
    try:
        with path.open("rb") as stream:
            return _sniff.picture_format(stream.read(_sniff.HEAD)) is not None
    except OSError:
        return path.suffix.lower() in ENDINGS


def _is(path: Path, kind: Callable[[Path], bool]) -> bool:
    try:
        return kind(path)
    except OSError:  # a name that is too long
        return False


def _is_hidden(name: str) -> bool:
    return name.startswith((".", "__MACOSX"))
