"""Why a request is not answered as asked. Each protocol writes it in its own shape."""

from __future__ import annotations

from cloudvision.errors import BlockedAddressError, FetchError, ImageError, TooLargeError

UNKNOWN_MODEL = "NotFoundIteration"
BAD_PICTURE = "BadRequestImageFormat"
BAD_ADDRESS = "BadRequestImageUrl"
BAD_REQUEST = "BadRequest"
TOO_LARGE = "BadRequestImageSizeBytes"
BUSY = "ErrorPredictionServiceUnavailable"
FAILED = "ErrorUnknown"


class Refusal(Exception):  # noqa: N818 - no error of the library's, and none that leaves the server
    """Ends the work on a request with a status.

    Args:
        reason: in words, for the client; names nothing that the client does not know.
        code: as Custom Vision calls it.
        retry_after: seconds after which another try may succeed, None where it cannot.
        model: of an unknown model, its name and version as asked.
    """

    def __init__(
        self,
        status: int,
        reason: str,
        *,
        code: str = BAD_REQUEST,
        retry_after: int | None = None,
        model: tuple[str, str | None] | None = None,
    ) -> None:
        super().__init__(f"{status}: {reason}")
        self.status = status
        self.reason = reason
        self.code = code
        self.retry_after = retry_after
        self.model = model


class GoneError(Exception):
    """The client has hung up: nobody waits for an answer."""


def of_picture(error: ImageError) -> Refusal:
    """The refusal of a picture that cannot be had or read."""
    match error:
        case BlockedAddressError():
            # Where a name leads inside this network is nobody's business.
            return Refusal(400, "the address of the image leads to a host that may not be reached", code=BAD_ADDRESS)
        case FetchError(status=None):
            return Refusal(400, "the image cannot be fetched from its address", code=BAD_ADDRESS)
        case FetchError(status=status):
            return Refusal(400, f"the image cannot be fetched: its server answers {status}", code=BAD_ADDRESS)
        case TooLargeError():
            return Refusal(413, str(error), code=TOO_LARGE)
        case _:
            return Refusal(400, str(error), code=BAD_PICTURE)
