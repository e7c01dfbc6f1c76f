"""What the tests of the emulator share: made-up text recognition, clients of the vendors' SDKs, pictures with text."""

from __future__ import annotations

import functools
import hashlib
import io
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from cloudvision.emulator import Emulator
from cloudvision.geometry import Box, Polygon
from cloudvision.results import Line, Word

if TYPE_CHECKING:
    from azure.ai.vision.imageanalysis import ImageAnalysisClient


class MadeUpReader:
    """`lines` where they are set; else one line that only these pixels get."""

    def __init__(self) -> None:
        self.lines: tuple[Line, ...] | None = None

    def read(self, pixels: NDArray[np.uint8], /) -> tuple[Line, ...]:
        if self.lines is not None:
            return self.lines
        digest = hashlib.sha256(pixels.tobytes()).hexdigest()
        return (line((digest[:8], 0.1, 0.4, 0.3, 0.1), (digest[8:16], 0.5, 0.4, 0.3, 0.1)),)


def line(*words: tuple[str, float, float, float, float], confidence: float = 0.99) -> Line:
    """A line of words given as text, left, top, width and height."""
    made = tuple(Word(text, confidence, Polygon.of_box(Box(*place))) for text, *place in words)
    last = made[-1].polygon.box
    first = made[0].polygon.box
    whole = Box(first.left, first.top, last.right - first.left, first.height)
    return Line(" ".join(word.text for word in made), confidence, Polygon.of_box(whole), made)


@functools.cache  # making one takes longer than most tests
def rekognition(emulator: Emulator, **changes: str) -> Any:
    """A plain boto3 client without retries; `changes` replace region or keys."""
    import boto3
    from botocore.config import Config

    env = emulator.environment
    settings = {
        "region_name": env["AWS_REGION"],
        "aws_access_key_id": env["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": env["AWS_SECRET_ACCESS_KEY"],
        **changes,
    }
    once = Config(retries={"total_max_attempts": 1}, connect_timeout=30, read_timeout=30)
    return boto3.client("rekognition", endpoint_url=env["AWS_ENDPOINT_URL_REKOGNITION"], config=once, **settings)


@functools.cache
def image_analysis(emulator: Emulator, *, key: str | None = None) -> ImageAnalysisClient:
    """A plain client of the vendor's SDK without retries."""
    from azure.ai.vision.imageanalysis import ImageAnalysisClient
    from azure.core.credentials import AzureKeyCredential

    env = emulator.environment
    return ImageAnalysisClient(env["VISION_ENDPOINT"], AzureKeyCredential(key or env["VISION_KEY"]), retry_total=0)


def encoded(picture: Image.Image, format: str = "PNG") -> bytes:
    """The picture as a file."""
    stream = io.BytesIO()
    picture.save(stream, format)
    return stream.getvalue()


def plain(width: int = 120, height: int = 100, *, format: str = "PNG") -> bytes:
    """A picture of one colour."""
    return encoded(Image.new("RGB", (width, height), "olive"), format)


def written(*texts: tuple[str, int, int], size: tuple[int, int] = (480, 320)) -> tuple[bytes, list[Box]]:
    """A white picture with these texts at (x, y), and where each one is."""
    canvas = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(canvas)
    font = ImageFont.load_default(size=44)
    boxes = []
    for text, x, y in texts:
        draw.text((x, y), text, fill="black", font=font)
        left, top, right, bottom = draw.textbbox((x, y), text, font=font)
        boxes.append(Box(left / size[0], top / size[1], (right - left) / size[0], (bottom - top) / size[1]))
    return encoded(canvas), boxes


def overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    width = min(one.right, other.right) - max(one.left, other.left)
    height = min(one.bottom, other.bottom) - max(one.top, other.top)
    common = max(0.0, width) * max(0.0, height)
    return common / (one.area + other.area - common)
