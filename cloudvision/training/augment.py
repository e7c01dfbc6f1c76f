"""Changes a picture and its lines together, so that the truth follows from the lines that are left.

Colour, contrast, blur, noise and JPEG; scale, crop, shift and small rotations; lines written on, copied onto and
wiped off pictures. The last three break the short cut that a source's style alone gives its answer away.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from cloudvision.geometry import Polygon
from cloudvision.results import Line

Picture = tuple[Image.Image, tuple[Line, ...]]
_ALPHABETS = (
    "abcdefghijklmnopqrstuvwxyz",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,-&",
    "0123456789",
    "абвгдежзийклмнопрстуфхцчшщыэюяАБВГДЕЖЗИК",
    "αβγδεζηθικλμνξοπρστυφχψωΑΒΓΔΕΖΗΘ",
)


def fonts() -> tuple[Path, ...]:
    """TrueType fonts of this machine (none is fine: then nothing is written on pictures)."""
    return tuple(sorted(Path("/usr/share/fonts").rglob("*.ttf")))


def write(picture: Picture, rng: Generator, *, font_files: Sequence[Path]) -> Picture:
    """Set one to four lines of random letters somewhere, in a colour that differs from what is below."""
    image, lines = picture
    image = image.copy()
    added = []
    for _ in range(rng.integers(1, 5)):
        text = " ".join(_word(rng) for _ in range(rng.integers(1, 6)))
        size = int(np.exp(rng.uniform(np.log(11), np.log(56))))
        font = ImageFont.truetype(str(font_files[int(rng.integers(len(font_files)))]), size)
        left, top, right, bottom = (int(v) for v in font.getbbox(text))
        width, height = right - left, bottom - top
        if width + 2 >= image.width or height + 2 >= image.height:
            continue
        x, y = int(rng.integers(image.width - width)), int(rng.integers(image.height - height))
        below = np.asarray(image.crop((x, y, x + width, y + height))).reshape(-1, 3).mean(0)
        colour = np.clip(below + rng.choice((-1, 1)) * rng.uniform(70, 220), 0, 255) + rng.uniform(-40, 40, 3)
        fill = tuple(int(v) for v in np.clip(colour, 0, 255))
        if np.abs(np.array(fill) - below).mean() < 45:
            continue
        ImageDraw.Draw(image).text((x - left, y - top), text, font=font, fill=fill)
        added.append(Line(text, 1.0, _rectangle(image, box=(x, y, x + width, y + height))))
    return image, lines + tuple(added)


def paste(picture: Picture, donor: Picture, rng: Generator) -> Picture:
    """Copy a strip of another picture: one of its lines, or, where it has none, any strip (a decoy)."""
    image, lines = picture
    other, read = donor
    if read:
        line = read[rng.integers(len(read))]
        box = line.polygon.box
        edges = (box.left * other.width, box.top * other.height, box.right * other.width, box.bottom * other.height)
    else:
        line = None
        w, h = rng.uniform(0.2, 0.6) * other.width, rng.uniform(0.05, 0.2) * other.height
        x, y = rng.uniform(0, other.width - w), rng.uniform(0, other.height - h)
        edges = (x, y, x + w, y + h)
    left, top, right, bottom = edges
    strip = other.crop((max(0, int(left)), max(0, int(top)), int(right) + 1, int(bottom) + 1))
    scale = float(np.exp(rng.uniform(np.log(0.8), np.log(1.6))))
    scale = min(scale, 0.95 * image.width / strip.width, 0.95 * image.height / strip.height)
    size = max(1, int(strip.width * scale)), max(1, int(strip.height * scale))
    strip = strip.resize(size, Image.Resampling.BILINEAR)
    if strip.height < 7:
        return picture
    x, y = int(rng.integers(image.width - strip.width + 1)), int(rng.integers(image.height - strip.height + 1))
    image = image.copy()
    image.paste(strip, (x, y))
    if line is None:
        return image, lines
    placed = _rectangle(image, box=(x, y, x + strip.width, y + strip.height))
    return image, (*lines, replace(line, polygon=placed))


def wipe(picture: Picture, rng: Generator) -> Picture:
    """Cover every line with the colour around it: the same source, without text."""
    image, lines = picture
    image = image.copy()
    pen = ImageDraw.Draw(image)
    for line in lines:
        corners = np.array(line.polygon.points) * (image.width, image.height)
        corners = corners.mean(0) + (corners - corners.mean(0)) * (1.08, 1.2)
        x, y = np.clip(corners[0].astype(int) - 1, 0, (image.width - 1, image.height - 1))
        pen.polygon([(float(a), float(b)) for a, b in corners], fill=image.getpixel((int(x), int(y))))
    return image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0, 0.7)))), ()


def place(picture: Picture, rng: Generator, *, size: tuple[int, int], strength: float) -> Picture:
    """Scale, crop, shift, turn into `size` (width, height) pixels. `strength` 0 only fits the picture in.

    A line counts as long as nine tenths of its outline stay inside.
    """
    image, lines = picture
    width, height = size
    if min(image.size) >= 2 * max(size):
        image = image.reduce(2)
    fit = min(width / image.width, height / image.height)
    scale = fit * float(np.exp(strength * rng.triangular(-0.6, 0.0, 0.5)))
    aspect = float(np.exp(strength * rng.uniform(-0.12, 0.12)))
    angle = strength * float(rng.choice((rng.normal(0, 1.5), rng.uniform(-14, 14)), p=(0.8, 0.2)))
    sx, sy, turn = scale * aspect, scale / aspect, math.radians(angle)
    forward = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]]) @ np.diag((sx, sy))
    spare = np.array((width - image.width * sx, height - image.height * sy))
    where = rng.uniform(0, 1, 2) if strength else np.zeros(2)
    shift = spare * where + np.array((image.width * sx, image.height * sy)) / 2
    middle = np.array(image.size) / 2
    back = np.linalg.inv(forward)
    origin = middle - back @ shift
    coefficients = (back[0, 0], back[0, 1], origin[0], back[1, 0], back[1, 1], origin[1])
    fill = (127, 127, 127) if rng.random() < 0.7 else tuple(int(v) for v in rng.integers(0, 256, 3))
    moved = image.transform(size, Image.Transform.AFFINE, coefficients, Image.Resampling.BILINEAR, fillcolor=fill)
    return moved, _moved(lines, image=image, forward=forward, middle=middle, shift=shift, size=size)


def colour(image: Image.Image, rng: Generator) -> Image.Image:
    """Brightness, contrast, gamma, casts, inversion, swapped channels; then blur, noise or JPEG at times."""
    x = np.arange(256) / 255
    table = []
    gain, offset, gamma = np.exp(rng.normal(0, 0.2)), rng.normal(0, 0.08), np.exp(rng.normal(0, 0.2))
    invert = rng.random() < 0.12
    for _ in range(3):
        y = np.clip(gain * np.exp(rng.normal(0, 0.06)) * (x - 0.5) + 0.5 + offset, 0, 1) ** gamma
        table += [int(v) for v in np.round(255 * (1 - y if invert else y))]
    image = image.point(table)
    chance = rng.random()
    if chance < 0.12:
        image = image.convert("L").convert("RGB")
    elif chance < 0.22:
        image = Image.merge("RGB", [image.getchannel(int(c)) for c in rng.permutation(3)])
    chance = rng.random()
    if chance < 0.12:
        return image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.3, 1.2))))
    if chance < 0.30:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=int(rng.integers(25, 90)))
        return Image.open(buffer).convert("RGB")
    if chance < 0.40:
        noise = rng.integers(-18, 19, (image.height, image.width, 1), dtype=np.int16)
        return Image.fromarray(np.clip(np.asarray(image, dtype=np.int16) + noise, 0, 255).astype(np.uint8))
    return image


def _word(rng: Generator) -> str:
    alphabet = _ALPHABETS[rng.integers(len(_ALPHABETS))]
    return "".join(alphabet[i] for i in rng.integers(len(alphabet), size=rng.integers(1, 10)))


def _rectangle(image: Image.Image, *, box: tuple[int, int, int, int]) -> Polygon:
    left, top, right, bottom = box[0] / image.width, box[1] / image.height, box[2] / image.width, box[3] / image.height
    return Polygon(((left, top), (right, top), (right, bottom), (left, bottom)))


def _moved(
    lines: Sequence[Line],
    *,
    image: Image.Image,
    forward: np.ndarray,
    middle: np.ndarray,
    shift: np.ndarray,
    size: tuple[int, int],
) -> tuple[Line, ...]:
    kept = []
    for line in lines:
        corners = (np.array(line.polygon.points) * image.size - middle) @ forward.T + shift
        inside = np.clip(corners, 0, size)
        share = _area(inside) / max(_area(corners), 1e-6)
        if share < 0.1:
            continue
        # What is cut off takes its letters with it.
        text = line.text if share > 0.9 else line.text[: int(len(line.text) * share)]
        kept.append(replace(line, text=text, polygon=Polygon(tuple((float(x), float(y)) for x, y in inside / size))))
    return tuple(kept)


def _area(corners: np.ndarray) -> float:
    x, y = corners.T
    return abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2
