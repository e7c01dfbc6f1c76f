"""What DetectText is asked: the request built from options and picture, checked here because boto3 checks little."""

from __future__ import annotations

import json
import re

from cloudvision.errors import ConfigError
from cloudvision.images import Image, Limits, Remote
from cloudvision.providers._options import Options
from cloudvision.providers._shrink import ENOUGH, shrunk

LIMITS = Limits(formats=frozenset({"JPEG", "PNG"}), max_bytes=5_242_880, min_side=80)
"""Bytes sent with the request: model of the API (`ImageBlob`), "Guidelines and quotas in Amazon Rekognition"."""

MAX_REGIONS = 10
"""Regions of interest in one request, after the model of the API; boto3 sends more all the same."""

_ETAG = re.compile(r'"[^"]*"|[0-9a-f]{32}(-[0-9]+)?')
"""What S3 gives as an ETag: in quotation marks, or the bare MD5 with a count of parts. Version ids never look so."""

SETTINGS = frozenset({"min_confidence", "min_word_width", "min_word_height", "regions_of_interest", "shrink"})


def filters(options: Options, *, provider: str) -> dict[str, object]:
    """The `Filters` of a request, {} when nothing was asked. Unasked, the service leaves out words below 0.8.

    Raises:
        ConfigError: a value is out of its range, there are too many regions, or an option is not DetectText's.
    """
    options.refuse_unknown(provider, SETTINGS)
    word = {
        "MinConfidence": _share("min_confidence", options.min_confidence, scale=100.0),
        "MinBoundingBoxWidth": _share("min_word_width", options.min_word_width),
        "MinBoundingBoxHeight": _share("min_word_height", options.min_word_height),
    }
    asked: dict[str, object] = {}
    if given := {name: value for name, value in word.items() if value is not None}:
        asked["WordFilter"] = given
    if options.regions_of_interest:
        asked["RegionsOfInterest"] = _regions(options.regions_of_interest)
    return asked


def fingerprint(asked: dict[str, object], *, preparation: int) -> str:
    """One line that changes whenever the answer could: API, operation, our preparation, filters."""
    settings = json.dumps(asked, sort_keys=True, separators=(",", ":"))
    return f"2016-06-27 DetectText preparation={preparation} filters={settings}"


def s3_object(remote: Remote) -> dict[str, dict[str, str]]:
    """The `Image` of a request for a picture that the service fetches from S3 itself.

    Raises:
        ConfigError: it is no S3 object; DetectText takes bytes and S3 objects only.
    """
    if remote.bucket is None or remote.key is None:
        raise ConfigError(
            f"{remote.source}: Rekognition does not fetch URLs itself; "
            "download the picture first (cloudvision.load does), or name it as s3://bucket/key"
        )
    place = {"Bucket": remote.bucket, "Name": remote.key}
    # An ETag tells versions apart for the ledger; asked for as a version, S3 would not find it.
    if remote.version is not None and not _ETAG.fullmatch(remote.version):
        place["Version"] = remote.version
    return {"S3Object": place}


def image_bytes(image: Image, *, shrink: bool = False) -> tuple[dict[str, bytes], int, int]:
    """The `Image` of a request with its upright width and height in pixels.

    Raises:
        ImageError: the picture is smaller than 80 pixels, damaged, or cannot be made to fit; nothing was sent.
    """
    prepared = shrunk(image, LIMITS, side=ENOUGH["aws-rekognition"]) if shrink else image.prepare(LIMITS)
    return {"Bytes": prepared.data}, prepared.width, prepared.height


def _share(name: str, value: float | None, *, scale: float = 1.0) -> float | None:
    if value is not None and not 0.0 <= value <= 1.0:
        raise ConfigError(f"{name} goes from 0 to 1, got {value}")
    return None if value is None else value * scale


def _regions(regions: tuple[tuple[float, float, float, float], ...]) -> list[dict[str, dict[str, float]]]:
    if len(regions) > MAX_REGIONS:
        raise ConfigError(f"Rekognition takes at most {MAX_REGIONS} regions_of_interest, got {len(regions)}")
    for region in regions:
        left, top, width, height = region
        # Said this way round, NaN is refused as well; 0.7 + 0.3 may be a little above 1.
        if not (min(left, top) >= 0 and min(width, height) > 0 and max(left + width, top + height) <= 1 + 1e-9):
            raise ConfigError(f"a region of interest is (left, top, width, height) within 0 to 1, got {region}")
    return [{"BoundingBox": dict(zip(("Left", "Top", "Width", "Height"), r, strict=True))} for r in regions]
