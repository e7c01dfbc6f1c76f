"""The files of a model: a folder, or a .zip as services hand it out."""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from cloudvision.errors import ConfigError

MAX_BYTES = 2 * 2**30
"""A file of a model that is larger is not read: no graph is, and a made-up .zip can unpack to anything."""


@dataclass(frozen=True, slots=True)
class Files:
    """Names are those of files right in the folder, or anywhere in a .zip by their last part."""

    path: Path
    names: tuple[str, ...]

    def read(self, name: str) -> bytes:
        """The bytes of a file.

        Raises:
            ConfigError: it is not there, too large, or cannot be read.
        """
        if name not in self.names:
            raise ConfigError(f"{self.path}: has no {name}")
        try:
            return self._of_zip(name) if self.path.is_file() else (self.path / name).read_bytes()
        except (OSError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as exc:
            raise ConfigError(f"{self.path}: {name} cannot be read ({type(exc).__name__})") from exc

    def _of_zip(self, name: str) -> bytes:
        with zipfile.ZipFile(self.path) as archive:
            # An export carries sample code with files of the same names further down.
            found = min(_shown(archive), key=lambda each: (_last(each) != name, each.filename.count("/")))
            if found.file_size > MAX_BYTES:
                raise ConfigError(f"{self.path}: {name} is larger than {MAX_BYTES:,} bytes")
            return archive.read(found)


def files_of(path: Path) -> Files:
    """What is in a folder or a .zip.

    Raises:
        ConfigError: there is no such folder or file, or it is no .zip.
    """
    try:
        if path.is_dir():
            found = (each.name for each in path.iterdir() if each.is_file() and not each.name.startswith("."))
            return Files(path, tuple(sorted(found)))
        with zipfile.ZipFile(path) as archive:
            return Files(path, tuple(dict.fromkeys(map(_last, _shown(archive)))))
    except zipfile.BadZipFile as exc:
        raise ConfigError(f"{path}: is neither a folder nor a .zip; give the folder of the model") from exc
    except OSError as exc:
        raise ConfigError(f"{path}: cannot be opened ({exc.strerror}); give the folder of the model") from exc


def _shown(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    return [each for each in archive.infolist() if not each.is_dir() and not _last(each).startswith(".")]


def _last(entry: zipfile.ZipInfo) -> str:
    return entry.filename.rpartition("/")[2]
