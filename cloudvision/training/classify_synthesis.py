"""Training pictures that are made: cut-outs pasted on varied backgrounds, seen at an angle and in some light.

A cut-out is a picture of the thing alone: one with transparency is cut along it, any other counts as the whole thing (a
banknote that was scanned, a card, a label).
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL.Image
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import ImageFilter

from cloudvision import images
from cloudvision.errors import ConfigError, ImageError
from cloudvision.training.classify_data import Example, check_single
from cloudvision.training.given import loaded

SIDE = 256  # pixels of a made picture, each way
_DISTANCE = 2.2  # of the eye, in widths of the cut-out: nearer, and its far side shrinks more


@dataclass(frozen=True, slots=True)
class Views:
    """From where cut-outs are seen; each picture draws its own view.

    Args:
        tilt: degrees between the line of sight and the one straight onto it, from and to; its direction is any.
        spin: degrees that it is turned in its plane, either way, from and to.
        size: its longer side as a share of the picture, from and to.
        beyond: share of the cut-out that may lie outside of the picture, each way.
    """

    tilt: tuple[float, float] = (0.0, 40.0)
    spin: tuple[float, float] = (0.0, 30.0)
    size: tuple[float, float] = (0.5, 1.0)
    beyond: float = 0.1


def paste_all(
    examples: Sequence[Example],
    backgrounds: Sequence[NDArray[np.uint8]],
    *,
    background: str | None,
    count: int,
    views: Views | None = None,
    seed: int = 0,
) -> tuple[Example, ...]:
    """`count` made pictures of each class, and of backgrounds alone where `background` is one of the classes or new.

    Pictures on one background are one group, so that those that judge show backgrounds that were not learned from.

    Args:
        backgrounds: (h, w, 3) uint8 each, any size.

    Raises:
        ConfigError: fewer than five backgrounds, or a cut-out that does not decode or has several labels.
    """
    if len(backgrounds) < 5:
        raise ConfigError(f"{len(backgrounds)} backgrounds are too few: give five or more, the more varied the better")
    check_single([example for example in examples if example.labels != (background,)])
    cut_outs: dict[str, list[PIL.Image.Image]] = {}
    for example in examples:
        if example.labels != (background,):
            cut_outs.setdefault(example.labels[0], []).append(cut_out(example))
    rng = np.random.default_rng(seed)
    made = []
    for label in [*sorted(cut_outs), *([background] if background else [])]:
        for _ in range(count):
            number = int(rng.integers(len(backgrounds)))
            scene = crop(backgrounds[number], rng)
            if label in cut_outs:
                things = cut_outs[label]
                scene = paste(things[int(rng.integers(len(things)))], scene, rng, views=views or Views())
            made.append(Example(encoded(scene, rng), (label,), group=f"background {number}"))
    return tuple(made)


def cut_out(example: Example) -> PIL.Image.Image:
    """RGBA, the longer side at most twice that of a made picture.

    Raises:
        ConfigError: it does not decode.
    """
    try:
        image = loaded(example.picture)
        rgb = PIL.Image.fromarray(image.pixels(max_side=2 * SIDE))
    except ImageError as error:
        raise ConfigError(f"a cut-out cannot be used: {error}") from error
    whole = PIL.Image.new("L", rgb.size, 255)
    if image.format in ("PNG", "WEBP", "GIF") and image.orientation == 1:
        with PIL.Image.open(io.BytesIO(image.data), formats=[image.format]) as opened:
            if opened.has_transparency_data:
                whole = opened.convert("RGBA").getchannel("A").resize(rgb.size)
    rgb.putalpha(whole)
    return rgb


def pictures_of(folder: Path) -> tuple[NDArray[np.uint8], ...]:
    """All pictures below a folder, the longer side at most 1,024 pixels; what does not decode is left out.

    Raises:
        ConfigError: there is no such folder.
    """
    if not folder.is_dir():
        raise ConfigError(f"{folder}: is no folder; give one with pictures to paste on")
    found = []
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        try:
            found.append(images.load(path).pixels(max_side=4 * SIDE))
        except ImageError:
            continue
    return tuple(found)


def crop(background: NDArray[np.uint8], rng: Generator) -> PIL.Image.Image:
    """A random part, SIDE by SIDE pixels, mirrored at times."""
    image = PIL.Image.fromarray(background)
    part = min(image.size) * float(rng.uniform(0.5, 1.0))
    left, top = float(rng.uniform(0, image.width - part)), float(rng.uniform(0, image.height - part))
    small = image.resize((SIDE, SIDE), PIL.Image.Resampling.BILINEAR, box=(left, top, left + part, top + part))
    return small.transpose(PIL.Image.Transpose.FLIP_LEFT_RIGHT) if rng.random() < 0.5 else small


def paste(thing: PIL.Image.Image, scene: PIL.Image.Image, rng: Generator, *, views: Views) -> PIL.Image.Image:
    """The thing (RGBA) in the scene (RGB), in perspective, with a shadow and in one light."""
    side = scene.width * float(rng.uniform(*views.size))
    # At about its final size first: the transform takes single pixels, and a large thing would flicker.
    thing = thing.copy()
    thing.thumbnail((round(1.5 * side), round(1.5 * side)), PIL.Image.Resampling.BICUBIC)
    longest = max(thing.size)
    flat = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * np.array(thing.size) / longest / 2
    corners = _seen(flat, rng, views) * side
    low, high = corners.min(0), corners.max(0)
    spare = views.beyond * (high - low)
    least, most = -low - spare, np.array(scene.size) - high + spare
    corners += np.where(least < most, rng.uniform(np.minimum(least, most), np.maximum(least, most)), (least + most) / 2)
    coefficients = homography(corners, np.array([(0, 0), (1, 0), (1, 1), (0, 1)]) * np.array(thing.size))
    moved = thing.transform(scene.size, PIL.Image.Transform.PERSPECTIVE, coefficients, PIL.Image.Resampling.BICUBIC)
    outline = moved.getchannel("A")
    out = scene.copy()
    shadow = outline.filter(ImageFilter.GaussianBlur(float(rng.uniform(2, 7)))).point(lambda value: value * 0.45)
    offset = int(rng.integers(-5, 6)), int(rng.integers(0, 7))
    out.paste((0, 0, 0), offset, shadow)
    out.paste(moved.convert("RGB"), (0, 0), outline)
    return _lit(out, rng)


def homography(
    seen: NDArray[np.float64], flat: NDArray[np.float64]
) -> tuple[float, float, float, float, float, float, float, float]:
    """The eight numbers with which Pillow finds, for a pixel of the picture, its place on the flat thing (4 corners each)."""
    rows, wanted = [], []
    for (x, y), (u, v) in zip(seen, flat, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        wanted += [u, v]
    a, b, c, d, e, f, g, h = (float(value) for value in np.linalg.solve(np.array(rows), np.array(wanted)))
    return a, b, c, d, e, f, g, h


def _seen(flat: NDArray[np.float64], rng: Generator, views: Views) -> NDArray[np.float64]:
    """Corners of a flat thing, its longer side 1, as a camera sees them that looks at its middle from an angle."""
    spin = math.radians(rng.uniform(*views.spin) * rng.choice((-1, 1)))
    tilt, around = math.radians(rng.uniform(*views.tilt)), rng.uniform(0, 2 * math.pi)
    points = flat @ _turn(spin + around)
    depth = _DISTANCE + points[:, 0] * math.sin(tilt)
    points = np.stack([points[:, 0] * math.cos(tilt), points[:, 1]], axis=1) * (_DISTANCE / depth)[:, np.newaxis]
    return points @ _turn(-around)


def _turn(angle: float) -> NDArray[np.float64]:
    return np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])


def _lit(image: PIL.Image.Image, rng: Generator) -> PIL.Image.Image:
    """Light from one side, a cast, a little blur."""
    x, y = np.meshgrid(np.linspace(-1, 1, image.width), np.linspace(-1, 1, image.height))
    around, strength = rng.uniform(0, 2 * math.pi), rng.uniform(0, 0.3)
    light = 1 + strength * (x * math.cos(around) + y * math.sin(around)) + rng.normal(0, 0.12)
    lit = np.asarray(image, dtype=np.float32) * light[:, :, np.newaxis] * np.exp(rng.normal(0, 0.05, 3))
    out = PIL.Image.fromarray(np.clip(lit, 0, 255).astype(np.uint8))
    return out.filter(ImageFilter.GaussianBlur(float(rng.uniform(0, 1.2)))) if rng.random() < 0.5 else out


def encoded(image: PIL.Image.Image, rng: Generator) -> bytes:
    """As a camera would hand it over."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=int(rng.integers(70, 95)))
    return buffer.getvalue()
