"""What a service has accepted and not answered yet: enough to ask for the answer later, also from another process."""

from __future__ import annotations

from dataclasses import dataclass

from cloudvision._json import JSON, decode, encode, tagged, untagged


@dataclass(frozen=True, slots=True)
class Pending:
    """An operation that the service works on, and bills. Holds no key and nothing of the picture.

    Args:
        operation: where the answer will be, as the service named it.
        submitted_at: seconds since the epoch, UTC.
        expires_at: until when the service keeps the answer, seconds since the epoch.
        request_id: the service's id of the request.
        width, height: pixels of the upright picture that was sent, None for documents and for what the service fetches.
        pages: pages that the answer should have, None where nobody could count.
        account: name of the account that accepted it, where several share the work.
    """

    operation: str
    submitted_at: float
    expires_at: float
    request_id: str | None = None
    width: int | None = None
    height: int | None = None
    pages: int | None = None
    account: str | None = None

    def to_json(self) -> dict[str, JSON]:
        """Plain JSON values with a `schema` number."""
        return tagged(encode(self))

    @staticmethod
    def from_json(values: JSON) -> Pending:
        """The object that `to_json` was called on.

        Raises:
            ValueError: the JSON is not a Pending, or of a newer major schema; the message names the place.
        """
        return decode(Pending, untagged(values))
