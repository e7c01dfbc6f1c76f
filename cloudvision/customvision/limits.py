"""What Custom Vision takes, by tier; its documentation of limits and quotas of 2025-01-22."""

from __future__ import annotations

from dataclasses import dataclass

from cloudvision.images import Limits

BATCH = 64
"""Most images of one request."""

BATCH_BYTES = 24_000_000
"""Most characters of images, as base64, of one request. 64 images of some size are refused, and nobody says at which."""

PICTURE = Limits(formats=frozenset({"JPEG", "PNG", "BMP", "GIF"}), max_bytes=6_000_000, max_side=10_240)
"""A picture to train on; smaller than 256 pixels are enlarged by the service."""

MOST_RATIO = 25
"""Of the longer side to the shorter one."""

LEAST_IMAGES = {"multiclass": 5, "multilabel": 5, "detection": 15}
"""Images that each tag needs before a training, by kind of project."""

MOST_TAGS_OF_IMAGE, MOST_REGIONS = 100, 300


@dataclass(frozen=True, slots=True)
class TierLimits:
    """Most images and most tags of a project."""

    images: int
    tags: int


TIERS = {"F0": TierLimits(5_000, 50), "S0": TierLimits(100_000, 500)}
