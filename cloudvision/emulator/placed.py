"""What somebody has placed: answers for chosen pictures, so that a test gets the one it wants, and S3 objects."""

from __future__ import annotations

import hashlib
import json
import threading
from pathlib import Path

from cloudvision._json import JSON
from cloudvision.emulator.reply import Reply
from cloudvision.errors import ConfigError

_OF_THE_WIRE = frozenset(
    {"connection", "content-encoding", "content-length", "content-type", "date", "transfer-encoding"}
)
"""Headers of a saved answer that belong to the connection it came over."""


class Placed:
    """Answers by service and SHA-256 of the bytes that the service receives; objects by name. Safe to share."""

    def __init__(self) -> None:
        self._replies: dict[tuple[str, str], Reply] = {}
        self._objects: dict[tuple[str, str], bytes] = {}
        self._lock = threading.Lock()

    def put(self, service: str, digest: str, reply: Reply) -> None:
        """From now on, `service` answers the picture of that digest (hex) with `reply`."""
        with self._lock:
            self._replies[service, digest.lower()] = reply

    def find(self, service: str, data: bytes) -> Reply | None:
        """The answer placed for these bytes, if there is one."""
        if not self._replies:
            return None
        with self._lock:
            return self._replies.get((service, hashlib.sha256(data).hexdigest()))

    def put_object(self, bucket: str, key: str, data: bytes) -> None:
        """From now on there is such an S3 object."""
        with self._lock:
            self._objects[bucket, key] = data

    def object(self, bucket: str, key: str) -> bytes | None:
        """The bytes of an S3 object, if there is one."""
        with self._lock:
            return self._objects.get((bucket, key))

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._replies.clear()
            self._objects.clear()

    def load(self, folder: Path) -> int:
        """Place the files of a folder: `<service>/<sha256>.json`; see `reply_of`.

        Returns:
            How many there were.

        Raises:
            ConfigError: there is no such folder, or a file holds no JSON.
        """
        if not folder.is_dir():
            raise ConfigError(f"there is no folder {folder} with answers")
        files = sorted(folder.glob("*/*.json"))
        for file in files:
            try:
                value: JSON = json.loads(file.read_text(encoding="utf-8"))
            except (ValueError, RecursionError) as error:
                raise ConfigError(f"{file} holds no JSON: {error}") from error
            self.put(file.parent.name, file.stem, reply_of(value))
        return len(files)


def reply_of(value: JSON) -> Reply:
    """A body, or an envelope `{"status", "headers" or "response_headers", "body"}` (an object or text), as a reply.

    Raises:
        ConfigError: an envelope whose status or headers are none.
    """
    if not isinstance(value, dict) or "status" not in value or "body" not in value:
        return Reply(value)
    status, headers = value["status"], value.get("headers") or value.get("response_headers") or {}
    if not isinstance(status, int) or not 200 <= status <= 599 or not isinstance(headers, dict):
        raise ConfigError("an answer to place has a status from 200 to 599 and headers as an object")
    given = {str(name): str(text) for name, text in headers.items()}
    kept = {name: text for name, text in given.items() if name.lower() not in _OF_THE_WIRE}
    body = value["body"]
    return Reply(body.encode() if isinstance(body, str) else body, status=status, headers=kept)
