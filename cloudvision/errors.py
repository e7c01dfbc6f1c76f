"""Every error that cloudvision raises on purpose.

::

    CloudVisionError
      ConfigError             fatal      a key, an extra, a provider or a model folder is missing or wrong
      BudgetExceededError     fatal      the next call could cost more than the budget still holds
      StoppedError            fatal      somebody asked to stop (Ctrl-C); nothing was sent for this source
      LedgerError             fatal      the ledger file is not ours, is newer than this version, or cannot be written
      UncertainError                     an earlier call was cut off, may have been billed, and is not to be repeated
      ImageError                         the source cannot be turned into a picture
        FetchError                       the download failed; `transient` tells whether trying again can help
        BlockedAddressError              the URL leads to an address that may not be reached
        TooLargeError                    more bytes or more pixels than allowed (decompression bombs included)
        TooSmallError                    fewer pixels than the service takes; nothing was sent
        NotAnImageError                  the bytes are something else: HTML, text, nothing at all
        DamagedImageError                a picture that breaks off or does not decode
      ProviderError(provider, status, code, request_id)
        AuthError             fatal      401, 403, a token expired after one refresh, a wrong kind of resource
        RejectedError                    the service refuses this picture; asking again cannot help
          SettingsRejectedError fatal    it refuses what is asked of it (a language, a feature), whatever the picture
        ThrottledError        retryable  too many requests; `retry_after` says how long the service wants us to wait
        UnavailableError      retryable  5xx, a time-out, no connection
          OutageError         fatal      it stayed away for longer than a run waits
          UnfinishedError                an analysis that it has accepted is not finished; its answer can be had later
          ResultLostError                it no longer has an analysis that it had accepted
        TrainingFailedError              the service could not train a model; the message says why
        UnexpectedAnswerError            an answer of status 200 that is not the shape we know

`fatal` ends a batch: the next source would fail for the same reason. `retryable` may be tried again by itself.
Messages say what to do about it; they never hold a key, a token or the query of a signed URL.
"""

from __future__ import annotations

from typing import ClassVar


class CloudVisionError(Exception):
    """Root of the tree. Anything else that leaves the library is a bug."""

    retryable: ClassVar[bool] = False
    fatal: ClassVar[bool] = False


class ConfigError(CloudVisionError):
    """The set-up is wrong: the message names the variable, the extra or the folder, and the remedy."""

    fatal = True


class BudgetExceededError(CloudVisionError):
    """The worst cost of the next call does not fit into what is left of a budget; nothing was sent."""

    fatal = True


class StoppedError(CloudVisionError):
    """The run was told to stop while this source was waiting for its turn; it costs nothing and is done next time."""

    fatal = True


class LedgerError(CloudVisionError):
    """The ledger cannot be used; the message names the file and the remedy."""

    fatal = True


class UncertainError(CloudVisionError):
    """An earlier attempt was cut off and may have been billed, and the run was told not to call again."""


class ImageError(CloudVisionError):
    """A source could not be turned into a picture. `source` names it (without the secrets of its query)."""

    def __init__(self, source: str, reason: str) -> None:
        super().__init__(f"{source}: {reason}")
        self.source = source
        self.reason = reason


class FetchError(ImageError):
    """A download that did not succeed.

    `transient` is True where another try can help (time-out, connection lost, 429, 5xx) and False for a plain refusal
    (404, 403, too many redirects, unknown scheme). `status` is the HTTP status, None when no answer came.
    `retry_after` is the server's own wish in seconds, None when it said nothing.
    """

    def __init__(
        self,
        source: str,
        reason: str,
        *,
        transient: bool,
        status: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(source, reason)
        self.transient = transient
        self.status = status
        self.retry_after = retry_after


class BlockedAddressError(ImageError):
    """The host is, or resolves to, an address that is not public."""


class TooLargeError(ImageError):
    """More bytes or pixels than the limit that the message names."""


class TooSmallError(ImageError):
    """Fewer pixels than the service takes. Found before the call, so it costs nothing."""


class NotAnImageError(ImageError):
    """The bytes are not a picture of a known format; the message says what they look like."""


class DamagedImageError(ImageError):
    """The bytes begin like a picture, and then break off or do not decode."""


class ProviderError(CloudVisionError):
    """A service did not give an answer that can be used.

    Args:
        message: what happened and what to do about it.
        provider: name of the provider, as in the registry.
        status: HTTP status; None when no answer came at all.
        code: the service's own error code ("InvalidImageFormatException", "InvalidRequest"), None when it gave none.
        request_id: the service's id of this request, for its support.
        billed: True when the attempt surely costs money, False when it surely does not, None when nobody can tell
            (a time-out after the picture had been sent).
    """

    def __init__(
        self,
        message: str,
        *,
        provider: str,
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        billed: bool | None = False,
    ) -> None:
        super().__init__(message)
        self.provider = provider
        self.status = status
        self.code = code
        self.request_id = request_id
        self.billed = billed


class AuthError(ProviderError):
    """Key, token or permission refused; the same for every other picture."""

    fatal = True


class RejectedError(ProviderError):
    """The service refuses this picture (400, 413, 415, too large, wrong format): a settled outcome."""


class SettingsRejectedError(RejectedError):
    """The service refuses the settings of the call, and would for every other picture."""

    fatal = True


class ThrottledError(ProviderError):
    """Too many requests. `retry_after` is in seconds, None when the service did not say."""

    retryable = True

    def __init__(
        self,
        message: str,
        *,
        provider: str,
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, provider=provider, status=status, code=code, request_id=request_id, billed=False)
        self.retry_after = retry_after


class UnavailableError(ProviderError):
    """The service is not there, broke, or was too slow. `billed` is None where the picture may have arrived."""

    retryable = True

    def __init__(
        self,
        message: str,
        *,
        provider: str,
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        billed: bool | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, provider=provider, status=status, code=code, request_id=request_id, billed=billed)
        self.retry_after = retry_after


class OutageError(UnavailableError):
    """The service stayed away for longer than a run waits for it. Nothing was sent; the run can be taken up again."""

    retryable = False
    fatal = True


class UnfinishedError(UnavailableError):
    """The service has accepted an analysis and not finished it within our patience; it is asked for again, not sent."""


class ResultLostError(UnavailableError):
    """The service has no analysis under the name that it gave: too old, or of another resource. It may be billed."""


class TrainingFailedError(ProviderError):
    """The service took a training on, and could not train a model; the message holds its reason."""


class UnexpectedAnswerError(ProviderError):
    """Status 200, and yet not an answer of the known shape. It was paid for: the body is kept in the ledger."""
