"""An answer of a service, and an answer on its way out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from cloudvision._json import JSON


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP answer.

    Args:
        body: JSON, or bytes that are sent as they are.
        status: of HTTP.
        headers: besides Content-Type and Content-Length.
        units: what the request is billed: name of the unit -> how many; see `bill.py`.
        content_type: sent where there is a body.
    """

    body: JSON | bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, int] = field(default_factory=dict)
    content_type: str = "application/json; charset=utf-8"

    def data(self) -> bytes:
        """The body as bytes."""
        if isinstance(self.body, bytes):
            return self.body
        return json.dumps(self.body, ensure_ascii=False, separators=(",", ":")).encode()


class Refusal(Exception):  # noqa: N818 - no error of the library's, and none that leaves the emulator
    """Ends the work on a request with an answer."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"status {reply.status}")
        self.reply = reply
