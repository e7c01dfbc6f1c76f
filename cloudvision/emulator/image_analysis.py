"""Azure AI Vision Image Analysis 4.0: one operation, the features asked for in its query.

Text is read by the local engine, crops are computed. Captions, tags, objects and people would need models that do not ship
here: a request for them gets the error of a region that does not offer the feature. Not taken, unlike the service: ICO
pictures, and bodies of type multipart/form-data.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from cloudvision import images
from cloudvision._json import JSON
from cloudvision.emulator import azure_wire, smart_crops
from cloudvision.emulator.accounts import Account
from cloudvision.emulator.image_analysis_query import Query, read_query
from cloudvision.emulator.service import Call, Operation, Refusal, Reply, Surroundings, Trouble
from cloudvision.errors import ConfigError, ImageError, RejectedError
from cloudvision.geometry import Polygon
from cloudvision.images import Image
from cloudvision.quotas import QUOTAS, Quota
from cloudvision.results import Line, Word

PATH = "/computervision/imageanalysis:analyze"
TEXT, VISUAL = "image-analysis text transactions", "image-analysis visual transactions"
MAX_BYTES = 20 * 2**20
LEAST_SIDE, MOST_SIDE = 50, 16_000
REGION = "East US"

_TEXT_FEATURES = frozenset({"read", "caption", "denseCaptions"})
_OFFERED = frozenset({"read", "smartCrops"})
_BILLED = {"CSP-Billing-Usage": "CognitiveServices.ComputerVision.Transaction=1"}
_SIZE = "The image size is not allowed to be zero or larger than 20971520 bytes."
_SIDES = f"The image dimension is not allowed to be smaller than {LEAST_SIDE} and larger than {MOST_SIDE}."
_FORMAT = "Image format is not valid."
_URL = "The provided image url is not accessible."
_RATE = (
    "Requests to the Image Analysis API have exceeded the rate limit of your current pricing tier. Please retry later."
)
_TROUBLES = {
    Trouble.UNKNOWN_KEY: (401, "401", azure_wire.BAD_KEY),
    Trouble.EXPIRED_KEY: (401, "401", azure_wire.EXPIRED),
    Trouble.WRONG_REGION: (400, "InvalidRequest", "The feature 'Caption' is not supported in this region."),
    Trouble.TOO_LARGE: (400, "InvalidRequest", _SIZE),
    Trouble.THROTTLED: (429, "429", _RATE),
}


class ImageAnalysis:
    """See `Service`."""

    name = "image-analysis"
    retry_after = "seconds"

    def __init__(self, surroundings: Surroundings) -> None:
        self._around = surroundings
        quota = Quota() if surroundings.tier is None else QUOTAS["azure-image-analysis"][_tier(surroundings.tier)]
        self.operations = (Operation("Analyze", "POST", PATH, self._analyze, max_body=MAX_BYTES, quota=quota),)

    def account(self, call: Call, /) -> Account:
        """By the key in the header, or the token."""
        try:
            return azure_wire.key_account(call, self._around.accounts)
        except Refusal as refusal:
            raise Refusal(azure_wire.numbered(refusal.reply, self._around.new_id())) from refusal

    def trouble(self, trouble: Trouble, call: Call, /, *, status: int, code: str | None) -> Reply:  # noqa: ARG002
        """As the service words it."""
        status, usual, message = _TROUBLES.get(trouble, (status, "InternalServerError", "Unexpected error."))
        return self._headed(azure_wire.error(status, code or usual, message))

    def environment(self, url: str, account: Account) -> Mapping[str, str]:
        """Endpoint and key."""
        return {"VISION_ENDPOINT": url, "VISION_KEY": account.key}

    def _headed(self, reply: Reply) -> Reply:
        return azure_wire.numbered(reply, self._around.new_id(), region=REGION)

    def _analyze(self, call: Call, account: Account) -> Reply:  # noqa: ARG002 - all accounts get the same
        try:
            return self._headed(self._answer(call))
        except Refusal as refusal:
            raise Refusal(self._headed(refusal.reply)) from refusal

    def _answer(self, call: Call) -> Reply:
        query = read_query(call.query, url=f"{call.base_url}{call.path}")
        if lacking := [name for name in query.features if name not in _OFFERED]:
            name = lacking[0][0].upper() + lacking[0][1:]
            raise _refused(f"The feature '{name}' is not supported in this region.")
        data = self._picture(call, query)
        placed = self._around.placed.find(self.name, data)
        if placed is not None:
            billed = placed.status == 200
            headers = {**(_BILLED if billed else {}), **placed.headers}
            return replace(placed, headers=headers, units=_units(query) if billed else {})
        image = _loaded(data)
        return Reply(self._results(image, query), headers=_BILLED, units=_units(query))

    def _picture(self, call: Call, query: Query) -> bytes:
        kind = call.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == "application/octet-stream":
            data = call.body
        elif kind == "application/json":
            data = self._fetched(call.body, query)
        else:
            raise _refused(f"The provided image content type {kind} is not supported.")
        if not 0 < len(data) <= MAX_BYTES:
            raise _refused(_SIZE)
        return data

    def _fetched(self, body: bytes, query: Query) -> bytes:
        try:
            asked = json.loads(body)
        except (ValueError, RecursionError):
            asked = None
        url = asked.get("url") if isinstance(asked, dict) else None
        if not isinstance(url, str) or not url.lower().startswith(("http://", "https://")):
            raise _refused("Image URL is badly formatted.")
        try:
            return self._around.fetch(url)
        except ImageError as error:
            reply = _refused(_URL).reply
            unit = TEXT if _TEXT_FEATURES & set(query.features) else VISUAL
            # Seen in a recording: this refusal counts as a transaction.
            raise Refusal(replace(reply, headers={**reply.headers, **_BILLED}, units={unit: 1})) from error

    def _results(self, image: Image, query: Query) -> JSON:
        try:
            results: dict[str, JSON] = {
                "modelVersion": "2023-10-01",
                "metadata": {"width": image.width, "height": image.height},
            }
            if "read" in query.features:
                results["readResult"] = _read_result(self._around.photographs.lines(image), image)
            if "smartCrops" in query.features:
                results["smartCropsResult"] = {"values": _crops(image, query.ratios)}
        except ImageError as error:
            raise _bad_format() from error
        except (RejectedError, ConfigError) as error:
            raise Refusal(azure_wire.error(500, "InternalServerError", str(error))) from error
        return results


def _tier(name: str) -> str:
    return "F0" if name == "F0" else "S1"


def _units(query: Query) -> dict[str, int]:
    text = len(_TEXT_FEATURES & set(query.features))
    counts = {TEXT: text, VISUAL: len(query.features) - text}
    return {unit: count for unit, count in counts.items() if count}


def _refused(message: str) -> Refusal:
    return Refusal(azure_wire.error(400, "InvalidRequest", message))


def _bad_format() -> Refusal:
    inner = {"code": "InvalidImageFormat", "message": _FORMAT}
    return Refusal(azure_wire.error(400, "InvalidRequest", _FORMAT, inner=inner))


def _loaded(data: bytes) -> Image:
    try:
        image = images.load(data, max_pixels=MOST_SIDE**2)
    except ImageError as error:
        raise _bad_format() from error
    if image.format in ("HEIF", "AVIF"):
        raise _bad_format()
    if min(image.width, image.height) <= LEAST_SIDE or max(image.width, image.height) >= MOST_SIDE:
        raise _refused(_SIDES)
    return image


def _crops(image: Image, ratios: tuple[float, ...]) -> JSON:
    found = smart_crops.saliency(image.pixels(max_side=smart_crops.MAX_SIDE))
    own = smart_crops.natural_ratio(found, width=image.width, height=image.height)
    return [_crop(found, ratio, image) for ratio in ratios or (own,)]


def _crop(found: smart_crops.Map, ratio: float, image: Image) -> JSON:
    box = smart_crops.crop(found, ratio, width=image.width, height=image.height)
    return {"aspectRatio": ratio, "boundingBox": {"x": box.x, "y": box.y, "w": box.w, "h": box.h}}


def _read_result(lines: tuple[Line, ...], image: Image) -> JSON:
    """One block with all lines; no block where there is no text."""
    entries: list[JSON] = [
        {
            "text": line.text,
            "boundingPolygon": _corners(line.polygon, image),
            "words": [_word(word, image) for word in line.words],
        }
        for line in lines
    ]
    return {"blocks": [{"lines": entries}] if entries else []}


def _word(word: Word, image: Image) -> JSON:
    confidence = round(word.confidence or 0.0, 3)
    return {"text": word.text, "boundingPolygon": _corners(word.polygon, image), "confidence": confidence}


def _corners(outline: Polygon, image: Image) -> JSON:
    """Whole pixels."""
    return [{"x": round(x * image.width), "y": round(y * image.height)} for x, y in outline.points]
