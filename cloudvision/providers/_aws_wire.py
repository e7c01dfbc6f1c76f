"""Listening to boto3: the answer as it came over the wire, and no attempts but ours.

boto3 hands out a parsed answer only, and for status 200 with HTML, an empty or a broken body that is `{}`, without an
error. Its events show the bytes before anything is parsed. One client serves many threads, and boto3 emits its events
on the calling thread, so each thread records into a slot of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class WireAnswer:
    """One HTTP answer: status, headers with lower-case names, body as received."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class Boto3Client(Protocol):
    """What is used of boto3's client for Rekognition; boto3 makes its classes at run time and has no types."""

    @property
    def meta(self) -> Any: ...

    def detect_text(self, **parameters: object) -> object: ...


class Wire:
    """Records answers of one operation, such as "rekognition.DetectText", on any client it is attached to."""

    def __init__(self, operation: str) -> None:
        self._operation = operation
        self._thread = threading.local()

    def attach(self, client: Boto3Client, /) -> None:
        """Listen to `client`. Calls made outside of `recording` pass untouched, also on this client."""
        client.meta.events.register_first(f"before-parse.{self._operation}", self._keep)
        client.meta.events.register_first(f"needs-retry.{self._operation}", self._refuse_retry)

    @contextmanager
    def recording(self) -> Iterator[list[WireAnswer]]:
        """Within this context the answers of this thread's calls are appended to the list it gives."""
        heard: list[WireAnswer] = []
        self._thread.heard = heard
        try:
            yield heard
        finally:
            del self._thread.heard

    def _keep(self, *, response_dict: dict[str, Any], **_: object) -> None:
        heard: list[WireAnswer] | None = getattr(self._thread, "heard", None)
        if heard is None:
            return
        headers = {str(name).lower(): str(value) for name, value in response_dict["headers"].items()}
        heard.append(WireAnswer(response_dict["status_code"], headers, response_dict["body"]))
        # The SDK's parser dies with AttributeError or TypeError on JSON of another shape; we read the bytes ourselves.
        response_dict["body"] = b"{}"

    def _refuse_retry(self, **_: object) -> bool | None:
        # A client that was handed in may have its retries on; each attempt has to be paid for on its own.
        return False if hasattr(self._thread, "heard") else None
