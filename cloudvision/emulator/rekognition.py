"""Amazon Rekognition: DetectText over AWS's JSON 1.1 protocol.

Every operation of the service is a POST to "/", named in the header `X-Amz-Target`; others than DetectText do not exist
here. Limits are those of "Guidelines and quotas in Amazon Rekognition", errors those of "Error handling". Tiers do not
exist in this service, and its quota depends on the account: use `Emulator.limit` for one.

Places are of the picture as it is shown (EXIF orientation applied); what the service does with such files is not
documented.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from cloudvision import images
from cloudvision._json import JSON
from cloudvision.emulator import sigv4
from cloudvision.emulator.accounts import Account
from cloudvision.emulator.service import Call, Operation, Refusal, Reply, Surroundings, Trouble
from cloudvision.emulator.text_detections import text_detections
from cloudvision.emulator.text_filters import BadFilterError, TextFilters, read_filters
from cloudvision.errors import ConfigError, DamagedImageError, ImageError, RejectedError
from cloudvision.images import Image

UNIT = "rekognition DetectText images"
MAX_BYTES = 5 * 2**20
MAX_OBJECT_BYTES = 15 * 2**20
MIN_SIDE = 80
MAX_SIDE_PX = 10_000

_TARGET = "RekognitionService.DetectText"
_PARAMETERS = "Request has invalid parameters"
_FORMAT = "Request has invalid image format"
_S3 = "Unable to get object metadata from S3. Check object key, region and/or access permissions."
_MESSAGES = {
    "ProvisionedThroughputExceededException": "Provisioned rate exceeded for operation DetectText",
    "ThrottlingException": "Rate exceeded",
    "InternalServerError": "Internal server error",
}
_TROUBLES = {
    Trouble.UNKNOWN_KEY: (400, "UnrecognizedClientException", sigv4.UNKNOWN),
    Trouble.EXPIRED_KEY: (400, "ExpiredTokenException", "The security token included in the request is expired"),
    Trouble.WRONG_REGION: (400, "InvalidSignatureException", sigv4.wrong_region("us-gov-east-1")),
    Trouble.THROTTLED: (400, "ProvisionedThroughputExceededException", ""),
    Trouble.TOO_LARGE: (400, "ImageTooLargeException", "Image size is too large"),
}


class Rekognition:
    """See `Service`."""

    name = "rekognition"
    retry_after = "none"

    def __init__(self, surroundings: Surroundings) -> None:
        self._around = surroundings
        # Larger bodies than the picture's limit get through, so that they can be refused for what they are.
        self.operations = (Operation("DetectText", "POST", "/", self._answer, max_body=16 * 2**20),)

    def account(self, call: Call, /) -> Account:
        """By the signature."""
        try:
            return sigv4.account_of(call, self._around.accounts, service="rekognition", now=self._around.now())
        except sigv4.SignatureError as error:
            raise self._refusal(error.code, error.message) from error

    def trouble(self, trouble: Trouble, call: Call, /, *, status: int, code: str | None) -> Reply:  # noqa: ARG002
        """As the service words it."""
        usual_status, usual, message = _TROUBLES.get(trouble, (status, "InternalServerError", ""))
        name = code or usual
        return self._error(name, _MESSAGES.get(name, message or name), status=usual_status)

    def environment(self, url: str, account: Account) -> Mapping[str, str]:
        """AWS's own names; boto3 itself reads the second one for the region, AWS's other SDKs the first."""
        return {
            "AWS_REGION": self._around.accounts.region,
            "AWS_DEFAULT_REGION": self._around.accounts.region,
            "AWS_ACCESS_KEY_ID": account.access_key_id,
            "AWS_SECRET_ACCESS_KEY": account.secret_access_key,
            "AWS_ENDPOINT_URL_REKOGNITION": url,
        }

    def _answer(self, call: Call, account: Account) -> Reply:  # noqa: ARG002 - all accounts get the same
        if call.headers.get("x-amz-target") != _TARGET:
            raise self._refusal("UnknownOperationException", "")
        asked = self._parsed(call.body)
        try:
            filters = read_filters(asked.get("Filters"))
        except BadFilterError as error:
            raise self._refusal("InvalidParameterException", _PARAMETERS) from error
        data = self._picture(asked.get("Image"))
        placed = self._around.placed.find(self.name, data)
        if placed is not None:
            units = {UNIT: 1} if placed.status == 200 else {}
            return self._reply(placed.body, status=placed.status, headers=placed.headers, units=units)
        detections = self._read(data, filters)
        return self._reply({"TextDetections": detections, "TextModelVersion": "3.0"}, units={UNIT: 1})

    def _parsed(self, body: bytes) -> Mapping[str, Any]:
        try:
            asked = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise self._refusal("SerializationException", "") from error
        if not isinstance(asked, dict):
            raise self._refusal("SerializationException", "")
        return asked

    def _picture(self, image: object) -> bytes:
        """The bytes that were sent, or that were placed as an S3 object."""
        if not isinstance(image, dict) or ("Bytes" in image) == ("S3Object" in image):
            raise self._refusal("InvalidParameterException", _PARAMETERS)
        if "S3Object" in image:
            return self._object(image["S3Object"])
        try:
            data = base64.b64decode(image["Bytes"], validate=True)
        except (binascii.Error, TypeError, ValueError) as error:
            raise self._refusal("SerializationException", "") from error
        if len(data) > MAX_BYTES:
            raise Refusal(self._error(*_TROUBLES[Trouble.TOO_LARGE][1:]))
        return data

    def _object(self, named: object) -> bytes:
        place = named if isinstance(named, dict) else {}
        data = self._around.placed.object(str(place.get("Bucket")), str(place.get("Name")))
        if data is None:
            raise self._refusal("InvalidS3ObjectException", _S3)
        if len(data) > MAX_OBJECT_BYTES:
            raise Refusal(self._error(*_TROUBLES[Trouble.TOO_LARGE][1:]))
        return data

    def _read(self, data: bytes, filters: TextFilters) -> list[JSON]:
        image = self._loaded(data)
        try:
            return text_detections(self._around.photographs.lines(image), filters)
        except DamagedImageError as error:
            raise self._refusal("InvalidImageFormatException", _FORMAT) from error
        except (RejectedError, ConfigError) as error:
            raise Refusal(self._error("InternalServerError", str(error), status=500)) from error

    def _loaded(self, data: bytes) -> Image:
        try:
            image = images.load(data)
        except ImageError as error:
            raise self._refusal("InvalidImageFormatException", _FORMAT) from error
        if image.format not in ("JPEG", "PNG", "MPO"):
            raise self._refusal("InvalidImageFormatException", _FORMAT)
        if min(image.width, image.height) < MIN_SIDE:
            raise self._refusal("InvalidParameterException", _PARAMETERS)
        if max(image.width, image.height) > MAX_SIDE_PX:
            size = f"{image.width} x {image.height}"
            message = f"Input image dimensions {size} exceed maximum dimension size of {MAX_SIDE_PX} pixels"
            raise self._refusal("ImageTooLargeException", message)
        return image

    def _refusal(self, code: str, message: str) -> Refusal:
        return Refusal(self._error(code, message))

    def _error(self, code: str, message: str, *, status: int = 400) -> Reply:
        body: dict[str, JSON] = {"__type": code, "Code": code, "Logref": self._around.new_id(), "Message": message}
        return self._reply(body, status=status, headers={"x-amzn-ErrorType": code})

    def _reply(
        self,
        body: JSON | bytes,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        units: Mapping[str, int] | None = None,
    ) -> Reply:
        named = {"x-amzn-RequestId": self._around.new_id(), **(headers or {})}
        return Reply(body, status, named, units or {}, "application/x-amz-json-1.1")
