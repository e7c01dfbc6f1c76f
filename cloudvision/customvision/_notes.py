"""Which pictures an upload has brought into a project: a file of JSON lines that is only ever appended to.

The file saves work and decides nothing. A kill between the service's answer and the line costs one more sending, which the
service answers with "duplicate"; and of a picture that is noted here and no longer in the project the note is not believed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

from cloudvision.errors import ConfigError

_SCHEMA = 1


class Notes:
    """The notes of one project.

    Args:
        path: the file; made at the first note. None: nothing is kept.
        project: the project's id.

    Raises:
        ConfigError: the file is of another project, is no such file, or cannot be read.
    """

    def __init__(self, path: Path | None, project: str) -> None:
        self._path = path
        self._project = project
        self._torn = False
        self.known: dict[str, str] = self._read()
        """Key of a picture with its marks -> id of the image in the project."""

    def add(self, done: Iterable[tuple[str, str]]) -> None:
        """Note (key, image id) pairs; they are on the disk when this returns.

        Raises:
            ConfigError: the file cannot be written.
        """
        lines = [json.dumps({"key": key, "image": image}) for key, image in done]
        if self._path is None or not lines:
            return
        if not self._path.exists():
            lines.insert(
                0, json.dumps({"cloudvision": "customvision upload", "schema": _SCHEMA, "project": self._project})
            )
        try:
            with self._path.open("a", encoding="utf-8") as stream:
                stream.write(("\n" if self._torn else "") + "\n".join(lines) + "\n")
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as exc:
            raise ConfigError(f"cannot write {self._path}: {exc.strerror}") from exc
        self._torn = False

    def _read(self) -> dict[str, str]:
        if self._path is None or not self._path.exists():
            return {}
        try:
            text = self._path.read_text(encoding="utf-8", errors="replace")
        except OSError as exc:
            raise ConfigError(f"cannot read {self._path}: {exc.strerror}") from exc
        lines = [_object(line) for line in text.split("\n")]
        head = lines[0] or {}
        if (head.get("schema"), head.get("cloudvision")) != (_SCHEMA, "customvision upload"):
            raise ConfigError(f"{self._path} does not hold the notes of an upload; name another file")
        if head.get("project") != self._project:
            raise ConfigError(f"{self._path} holds the notes of another project; name another file")
        self._torn = not text.endswith("\n")
        # A torn last line is no object, or has not both of them.
        pairs = ((line.get("key"), line.get("image")) for line in lines[1:] if line is not None)
        return {key: image for key, image in pairs if isinstance(key, str) and isinstance(image, str)}


def _object(line: str) -> dict[str, object] | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
