"""Azure AI Vision Image Analysis 4.0: one operation, the features asked for in its query."""

from __future__ import annotations

from collections.abc import Mapping

from cloudvision.emulator import azure_wire
from cloudvision.emulator.accounts import Account
from cloudvision.emulator.service import Call, Operation, Refusal, Reply, Surroundings, Trouble

_TROUBLES = {
    Trouble.UNKNOWN_KEY: (401, "401", azure_wire.BAD_KEY),
    Trouble.EXPIRED_KEY: (401, "401", azure_wire.EXPIRED),
    Trouble.WRONG_REGION: (400, "InvalidRequest", "The feature 'Caption' is not supported in this region."),
    Trouble.TOO_LARGE: (
        400,
        "InvalidRequest",
        "The image size is not allowed to be zero or larger than 20971520 bytes.",
    ),
    Trouble.THROTTLED: (429, "429", "Requests to the Image Analysis API have exceeded the rate limit."),
}


class ImageAnalysis:
    """See `Service`."""

    name = "image-analysis"
    retry_after = "seconds"

    def __init__(self, surroundings: Surroundings) -> None:
        self._around = surroundings
        self.operations = (Operation("Analyze", "POST", "/computervision/imageanalysis:analyze", self._analyze),)

    def account(self, call: Call, /) -> Account:
        """By the key in the header, or the token."""
        return azure_wire.key_account(call, self._around.accounts)

    def trouble(self, trouble: Trouble, call: Call, /, *, status: int, code: str | None) -> Reply:  # noqa: ARG002
        """As the service words it."""
        status, usual, message = _TROUBLES.get(trouble, (status, "InternalServerError", "Unexpected error."))
        return self._headed(azure_wire.error(status, code or usual, message))

    def environment(self, url: str, account: Account) -> Mapping[str, str]:
        """Endpoint and key."""
        return {"VISION_ENDPOINT": url, "VISION_KEY": account.key}

    def _headed(self, reply: Reply) -> Reply:
        return azure_wire.answered(reply, new_id=self._around.new_id, region="East US")

    def _analyze(self, call: Call, account: Account) -> Reply:  # noqa: ARG002
        raise Refusal(self._headed(azure_wire.error(500, "InternalServerError", "Not there yet.")))
