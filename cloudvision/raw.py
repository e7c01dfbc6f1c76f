"""An answer before anyone has interpreted it."""

from __future__ import annotations

from dataclasses import dataclass

from cloudvision._json import JSON, decode, encode, tagged, untagged


@dataclass(frozen=True, slots=True)
class Raw:
    """An answer exactly as a service sent it: what was paid for, kept before anyone interprets it.

    Args:
        body: the text received, also when it is broken JSON.
        status: the HTTP status (200 for engines on this machine).
        headers: (lower-case name, value) pairs worth keeping: request id, billing, model version. Never a credential.
        latency_s: seconds from sending to the whole answer.
        received_at: seconds since the epoch, UTC.
        width, height: pixels of the upright picture that was sent, None for a picture the service fetched itself.
        account: name of the account that answered, where several share the work.
        units: billed units that the answer itself or its headers tell of, None where they say nothing.
        pages: pages that were asked for and are in the file, None for pictures and where nobody could count.
    """

    body: str
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    latency_s: float = 0.0
    received_at: float = 0.0
    width: int | None = None
    height: int | None = None
    units: int | None = None
    account: str | None = None
    pages: int | None = None

    def header(self, name: str) -> str | None:
        """The value of a kept header by its name in any case, None when it was not kept."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key == wanted), None)

    def to_json(self) -> dict[str, JSON]:
        """Plain JSON values with a `schema` number."""
        return tagged(encode(self))

    @staticmethod
    def from_json(values: JSON) -> Raw:
        """The object that `to_json` was called on.

        Raises:
            ValueError: the JSON is not a Raw, or of a newer major schema; the message names the place.
        """
        return decode(Raw, untagged(values))

    def __repr__(self) -> str:
        return f"Raw(status={self.status}, {len(self.body)} characters, latency_s={self.latency_s:.3f})"
