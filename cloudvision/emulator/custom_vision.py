"""Azure Custom Vision: the training API 3.4-preview and the prediction API 3.1, as the SDK's last version calls them.

Models are made by a trainer that is plugged in (`custom_vision_trainer.py`); without one, training is answered with the
service's own error. Not here: importing and exporting whole projects, suggested tags and regions, region proposals, and the
performance on single pictures.
"""

from __future__ import annotations

from collections.abc import Mapping

from cloudvision.emulator import azure_wire
from cloudvision.emulator import custom_vision_wire as wire
from cloudvision.emulator.accounts import Account
from cloudvision.emulator.custom_vision_gallery import Gallery
from cloudvision.emulator.custom_vision_images import Images
from cloudvision.emulator.custom_vision_iterations import Iterations, prediction_resource
from cloudvision.emulator.custom_vision_lookup import Lookup
from cloudvision.emulator.custom_vision_prediction import Predictions
from cloudvision.emulator.custom_vision_projects import Projects
from cloudvision.emulator.custom_vision_state import LIMITS
from cloudvision.emulator.custom_vision_tags import Tags
from cloudvision.emulator.custom_vision_training import Training
from cloudvision.emulator.service import Call, Operation, Refusal, Reply, Surroundings, Trouble
from cloudvision.quotas import Quota

REGION = "East US"
MAX_BODY = 256 * 2**20
_RATE = "Rate limit is exceeded. Try again later."
_PER_SECOND = {
    "F0": {"train": 2.0, "predict": 2.0, "predict without storing": 2.0, "other": 10.0},
    "S0": {"train": 10.0, "predict": 10.0, "predict without storing": 20.0, "other": 10.0},
}
"""Requests a second by tier, as the documentation of 2025-01-22 says."""


class CustomVision:
    """See `Service`."""

    name = "custom-vision"
    retry_after = "seconds"

    def __init__(self, surroundings: Surroundings) -> None:
        self._around = surroundings
        self._tier = "F0" if surroundings.tier == "F0" else "S0"
        self._store = Lookup(limits=LIMITS[self._tier], now=surroundings.now, new_id=surroundings.new_id)
        store, fetch = self._store, surroundings.fetch
        predictions = Predictions(store, fetch=fetch, placed=surroundings.placed)
        training = Training(store, trainer=surroundings.trainer, pool=surroundings.pool)
        locked = [
            route
            for part in (Projects(store), Tags(store), Gallery(store), training, Iterations(store))
            for route in part.routes()
        ]
        free = [*Images(store, fetch=fetch, trouble=surroundings.image_status).routes(), *predictions.training_routes()]
        self.operations = (
            *(self._operation(wire.TRAINING, *route, locked=True) for route in locked),
            *(self._operation(wire.TRAINING, *route, locked=False) for route in free),
            *(self._operation(wire.PREDICTION, *route, locked=False) for route in predictions.routes()),
            self._operation("", "GetBlob", "GET", f"{wire.BLOBS}/{{blob}}", self._blob, locked=True),
        )

    def account(self, call: Call, /) -> Account:
        """By the key of the resource that is called; the address of a picture or an export is enough for that one."""
        if call.path.startswith(wire.BLOBS):
            return self._owner(call.path.rsplit("/", 1)[-1])
        header = "training-key" if call.path.startswith(wire.TRAINING) else "prediction-key"
        try:
            return azure_wire.key_account(call, self._around.accounts, header=header)
        except Refusal as refusal:
            raise Refusal(azure_wire.numbered(refusal.reply, self._around.new_id())) from refusal

    def trouble(self, trouble: Trouble, call: Call, /, *, status: int, code: str | None) -> Reply:  # noqa: ARG002
        """The gateway's own shape for keys and rates, the service's flat one for the rest."""
        match trouble:
            case Trouble.UNKNOWN_KEY | Trouble.WRONG_REGION:
                reply = azure_wire.gateway_error(401, azure_wire.BAD_KEY)
            case Trouble.EXPIRED_KEY:
                reply = azure_wire.gateway_error(401, azure_wire.EXPIRED)
            case Trouble.THROTTLED:
                reply = azure_wire.gateway_error(429, _RATE)
            case Trouble.TOO_LARGE:
                reply = wire.error(400, "BadRequestImageSizeBytes", "The request is too large.")
            case _:
                usual = "ErrorServerTimeOut" if status == 504 else "ErrorUnknown"
                reply = wire.error(status, code or usual, "The service has failed.")
        return self._headed(reply)

    def environment(self, url: str, account: Account) -> Mapping[str, str]:
        """Endpoints and keys of both resources, and the id to publish to."""
        return {
            "CUSTOM_VISION_TRAINING_ENDPOINT": url,
            "CUSTOM_VISION_TRAINING_KEY": account.key,
            "CUSTOM_VISION_PREDICTION_ENDPOINT": url,
            "CUSTOM_VISION_PREDICTION_KEY": account.key,
            "CUSTOM_VISION_PREDICTION_RESOURCE_ID": prediction_resource(account),
        }

    def _headed(self, reply: Reply) -> Reply:
        return azure_wire.numbered(reply, self._around.new_id(), region=REGION)

    def _operation(
        self, base: str, name: str, method: str, path: str, answer: wire.Answer, *, locked: bool
    ) -> Operation:
        """An operation with the headers of every answer; `locked`: nobody else changes a project meanwhile."""

        def work(call: Call, account: Account) -> Reply:
            try:
                if not locked:
                    return self._headed(answer(call, account))
                with self._store.lock:
                    return self._headed(answer(call, account))
            except Refusal as refusal:
                raise Refusal(self._headed(refusal.reply)) from refusal

        bucket = _bucket(name)
        # Pictures and exports are fetched from a storage account, which counts nothing.
        free = self._around.tier is None or name == "GetBlob"
        quota = Quota() if free else Quota(per_second=_PER_SECOND[self._tier][bucket])
        return Operation(name, method, base + path, work, max_body=MAX_BODY, quota=quota, bucket=bucket)

    def _owner(self, blob: str) -> Account:
        accounts = {account.name: account for account in self._around.accounts.all}
        with self._store.lock:
            for project in self._store.projects.values():
                exports = {export.blob for one in project.iterations.values() for export in one.exports}
                if blob in project.pictures or blob in exports:
                    return accounts[project.account]
        raise Refusal(self._headed(wire.error(404, "NotFound", "Resource not found")))

    def _blob(self, call: Call, account: Account) -> Reply:
        blob = call.places["blob"]
        if blob in self._store.blobs:
            return Reply(self._store.blobs[blob], content_type="application/zip")
        for project in self._store.owned_by(account.name):
            if blob in project.pictures:
                return Reply(project.pictures[blob].data, content_type="application/octet-stream")
        raise wire.not_found("Image")


def _bucket(name: str) -> str:
    if name == "TrainProject":
        return "train"
    if name.startswith(("Classify", "Detect")):
        return "predict without storing" if name.endswith("NoStore") else "predict"
    return "other"
