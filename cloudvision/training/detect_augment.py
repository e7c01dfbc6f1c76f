"""Changes pictures and their boxes together: what makes a few dozen pictures enough to learn from.

Scale, shift, mirror, quarter turns, small rotations; four pictures in one (mosaic); objects cut out of other pictures and
pasted; colour, grey, blur, noise, rectangles left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image

from cloudvision.models import fit
from cloudvision.training.detect_colour import blotted, coloured
from cloudvision.training.detect_scenes import Scene, choice

_KEPT = 0.3  # share of a box that must be left after cutting, or it is forgotten
_GREY = (114, 114, 114)


@dataclass(frozen=True, slots=True)
class Changes:
    """How strongly pictures are changed.

    Args:
        mosaic, paste, turn, blot: share of the pictures that become four in one, get objects of other ones, are turned by up
            to 10 degrees, lose a rectangle.
        any_way_up: things lie about in any direction (seen from above): quarter turns, and mirrored top to bottom.
        colour: 0 leaves colours as they are, 1 is strong.
        zoom: how far a picture is shrunk and enlarged at most, as factors.
    """

    mosaic: float = 0.4
    paste: float = 0.3
    turn: float = 0.3
    blot: float = 0.2
    any_way_up: bool = False
    colour: float = 1.0
    zoom: tuple[float, float] = (0.5, 1.6)


@dataclass(frozen=True, slots=True)
class View:
    """What the network sees: `pixels` (h, w, 3), `boxes` (n, 4) corners in pixels, `labels` (n,)."""

    pixels: NDArray[np.uint8]
    boxes: NDArray[np.float32]
    labels: NDArray[np.int64]


def plain(scene: Scene, *, size: tuple[int, int]) -> View:
    """Stretched to `size` (width, height), as a model folder's input is, and nothing else."""
    pixels, _ = fit(scene.pixels, width=size[0], height=size[1], resize="stretch")
    return View(pixels, scene.boxes * np.array(size * 2, dtype=np.float32), scene.labels)


def view(scenes: Sequence[Scene], index: int, rng: Generator, *, size: tuple[int, int], changes: Changes) -> View:
    """A changed scenes[index]; mosaic and pasting take what they need from the others."""
    if rng.random() < changes.mosaic:
        made = _mosaic(scenes, index, rng, size=size, changes=changes)
    else:
        made = _window(_turned(scenes[index], rng, changes), rng, size=size, changes=changes)
    if rng.random() < changes.paste:
        made = _pasted(made, choice(rng, scenes, with_boxes=True), rng)
    pixels = coloured(made.pixels, rng, changes.colour) if changes.colour else made.pixels
    if rng.random() < changes.blot:
        pixels = blotted(pixels, rng)
    wide = (made.boxes[:, 2:] - made.boxes[:, :2]).min(1, initial=np.inf) >= 3
    return View(pixels, made.boxes[wide], made.labels[wide])


def _turned(scene: Scene, rng: Generator, changes: Changes) -> Scene:
    pixels, b = scene.pixels, scene.boxes
    if rng.random() < 0.5:
        pixels, b = pixels[:, ::-1], np.stack([1 - b[:, 2], b[:, 1], 1 - b[:, 0], b[:, 3]], axis=1)
    if changes.any_way_up and rng.random() < 0.5:
        pixels, b = pixels[::-1], np.stack([b[:, 0], 1 - b[:, 3], b[:, 2], 1 - b[:, 1]], axis=1)
    if changes.any_way_up and rng.random() < 0.5:
        pixels, b = pixels.transpose(1, 0, 2), b[:, [1, 0, 3, 2]]
    if rng.random() < changes.turn:
        pixels, b = _rotated(pixels, b, angle=float(rng.uniform(-10, 10)))
    return Scene(np.ascontiguousarray(pixels), b, scene.labels, scene.digest, scene.looks)


def _rotated(
    pixels: NDArray[np.uint8], boxes: NDArray[np.float32], *, angle: float
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """By `angle` degrees about the middle. A thing seldom fills its box's corners: the new box is one around an ellipse."""
    height, width = pixels.shape[:2]
    image = Image.fromarray(np.ascontiguousarray(pixels)).rotate(angle, Image.Resampling.BILINEAR, fillcolor=_GREY)
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    scale = np.array([width, height], dtype=np.float32)
    middle, half = ((boxes[:, :2] + boxes[:, 2:]) / 2 - 0.5) * scale, (boxes[:, 2:] - boxes[:, :2]) / 2 * scale
    x, y = cos * middle[:, 0] + sin * middle[:, 1], cos * middle[:, 1] - sin * middle[:, 0]
    w, h = np.hypot(cos * half[:, 0], sin * half[:, 1]), np.hypot(sin * half[:, 0], cos * half[:, 1])
    turned = np.stack([x - w, y - h, x + w, y + h], axis=1) / np.tile(scale, 2) + 0.5
    return np.asarray(image), turned.astype(np.float32)


def _window(scene: Scene, rng: Generator, *, size: tuple[int, int], changes: Changes) -> View:
    """A part of the picture, or the picture with a margin, stretched a little to `size`."""
    scale = np.exp(rng.uniform(*np.log(changes.zoom))) * np.exp(rng.uniform(-0.15, 0.15, 2) * np.array([1, -1]))
    wide = 1 / scale  # of the window, in pictures
    start = rng.uniform(np.minimum(0, 1 - wide), np.maximum(0, 1 - wide))
    low, high = np.maximum(start, 0), np.minimum(start + wide, 1)
    pixels = np.array(size)
    put, end = (np.round((edge - start) / wide * pixels).astype(int) for edge in (low, high))
    width, height = (int(v) for v in np.maximum(end - put, 1))
    source = np.array([scene.pixels.shape[1], scene.pixels.shape[0]])
    box = tuple(float(v) for v in (*(low * source), *(high * source)))
    margin = tuple(int(v) for v in rng.integers(0, 256, 3)) if changes.colour and rng.random() < 0.5 else _GREY
    canvas = Image.new("RGB", size, margin)
    part = Image.fromarray(scene.pixels).resize((width, height), Image.Resampling.BILINEAR, box=box)  # type: ignore[arg-type]
    canvas.paste(part, (int(put[0]), int(put[1])))
    corners = (scene.boxes - np.tile(start, 2)) / np.tile(wide, 2) * np.tile(pixels, 2)
    return _cut(np.asarray(canvas), corners, scene.labels)


def _mosaic(scenes: Sequence[Scene], index: int, rng: Generator, *, size: tuple[int, int], changes: Changes) -> View:
    closer = replace(changes, zoom=(min(0.8, changes.zoom[1]), changes.zoom[1]))
    cross = [round(side * rng.uniform(0.3, 0.7)) for side in size]
    pixels = np.empty((size[1], size[0], 3), dtype=np.uint8)
    boxes, labels = [], []
    for at in range(4):
        low = [cross[axis] if at >> axis & 1 else 0 for axis in (0, 1)]
        high = [size[axis] if at >> axis & 1 else cross[axis] for axis in (0, 1)]
        scene = scenes[index] if at == 0 else choice(rng, scenes)
        inner = (high[0] - low[0], high[1] - low[1])
        tile = _window(_turned(scene, rng, changes), rng, size=inner, changes=closer)
        pixels[low[1] : high[1], low[0] : high[0]] = tile.pixels
        boxes.append(tile.boxes + np.array(low * 2, dtype=np.float32))
        labels.append(tile.labels)
    return View(pixels, np.concatenate(boxes), np.concatenate(labels))


def _pasted(view: View, donor: Scene, rng: Generator) -> View:
    """An object of `donor`, with a little of its surroundings fading out, where it hides no other much."""
    which = int(rng.integers(len(donor.boxes)))
    height, width = view.pixels.shape[:2]
    whole = np.array([donor.pixels.shape[1], donor.pixels.shape[0]] * 2)
    edges = donor.boxes[which] * whole
    object_size = edges[2:] - edges[:2]
    margin = 0.08 * object_size
    left, top = np.maximum(edges[:2] - margin, 0).astype(int)
    right, bottom = np.minimum(edges[2:] + margin, whole[:2]).astype(int)
    if min(right - left, bottom - top) < 12:
        return view
    scale = rng.uniform(0.2, 0.6) * min(width, height) / max(object_size)
    across, down = (max(4, int(v * scale)) for v in (right - left, bottom - top))
    x, y = int(rng.integers(0, max(1, width - across))), int(rng.integers(0, max(1, height - down)))
    across, down = min(across, width - x), min(down, height - y)
    new = (edges - np.array([left, top] * 2)) / np.array([right - left, bottom - top] * 2)
    new = new * np.array([across, down] * 2) + np.array([x, y] * 2)
    if _hidden(view.boxes, new).max(initial=0) > 0.3:
        return view
    patch = Image.fromarray(donor.pixels[top:bottom, left:right]).resize((across, down), Image.Resampling.BILINEAR)
    pasted = np.asarray(patch)
    if rng.random() < 0.5:
        pasted, new[[0, 2]] = pasted[:, ::-1], 2 * x + across - new[[2, 0]]
    fade = np.minimum.outer(_ramp(down), _ramp(across))[..., None]
    pixels = view.pixels.copy()
    below = pixels[y : y + down, x : x + across]
    pixels[y : y + down, x : x + across] = (below * (1 - fade) + pasted * fade).astype(np.uint8)
    boxes = np.concatenate([view.boxes, new[None].astype(np.float32)])
    return View(pixels, boxes, np.append(view.labels, donor.labels[which]))


def _hidden(boxes: NDArray[np.float32], by: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) the share of each box that `by` lies on."""
    shared = np.clip(np.minimum(boxes[:, 2:], by[2:]) - np.maximum(boxes[:, :2], by[:2]), 0, None).prod(1)
    return np.asarray(shared / np.maximum((boxes[:, 2:] - boxes[:, :2]).prod(1), 1e-6), dtype=np.float64)


def _ramp(length: int) -> NDArray[np.float64]:
    edge = np.minimum(np.arange(length), np.arange(length)[::-1]) + 1
    return np.asarray(np.clip(edge / (1 + 0.08 * length), 0, 1), dtype=np.float64)


def _cut(pixels: NDArray[np.uint8], boxes: NDArray[np.floating], labels: NDArray[np.int64]) -> View:
    """Boxes without what lies outside; those of which too little is left are forgotten."""
    edge = np.array([pixels.shape[1], pixels.shape[0]] * 2)
    inside = np.clip(boxes, 0, edge)
    kept = (inside[:, 2:] - inside[:, :2]).prod(1) >= _KEPT * (boxes[:, 2:] - boxes[:, :2]).prod(1)
    return View(pixels, inside[kept].astype(np.float32), labels[kept])
