"""The labelled pictures: a manifest, the lines an OCR engine read, and a cache of decoded pixels.

A corpus is a folder with `manifest.csv` (columns file, set) and `lines.jsonl` (one object a file:
`{"file", "lines": [{"text", "confidence", "polygon": [[x, y], ...]}]}`, polygons as fractions of width and height).
"""

from __future__ import annotations

import csv
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import cloudvision.images
from cloudvision.errors import ConfigError
from cloudvision.gate.criterion import Criterion
from cloudvision.geometry import Polygon
from cloudvision.results import Line


@dataclass(frozen=True, slots=True)
class Sample:
    """One picture: where it is, the source it comes from, and what was read in it.

    `worth` is its truth where only that is known, and no lines; None where the lines tell.
    """

    path: Path
    group: str
    lines: tuple[Line, ...]
    worth: bool | None = None

    def is_worth(self, criterion: Criterion) -> bool:
        """Whether it is worth a call."""
        return criterion.meets(self.lines) if self.worth is None else self.worth


def read_corpus(folder: Path) -> tuple[Sample, ...]:
    """Raises ConfigError where the manifest or a picture's lines are missing."""
    for name in ("manifest.csv", "lines.jsonl"):
        if not (folder / name).is_file():
            raise ConfigError(f"{folder}: has no {name}; a corpus is a folder with manifest.csv and lines.jsonl")
    with (folder / "lines.jsonl").open(encoding="utf-8") as file:
        lines = {row["file"]: tuple(_line(entry) for entry in row["lines"]) for row in map(json.loads, file)}
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    missing = [row["file"] for row in rows if row["file"] not in lines]
    if missing:
        raise ConfigError(f"{folder}: lines.jsonl has no row for {len(missing)} files, the first is {missing[0]}")
    return tuple(Sample(folder / row["file"], row["set"], lines[row["file"]]) for row in rows)


def _line(entry: dict[str, object]) -> Line:
    polygon = Polygon(tuple((float(x), float(y)) for x, y in entry["polygon"]))  # type: ignore[attr-defined]
    return Line(text=str(entry["text"]), confidence=float(entry["confidence"]), polygon=polygon)  # type: ignore[arg-type]


def data_digest(folder: Path) -> str:
    """SHA-256 over the manifest and the lines: which data a model was trained on."""
    digest = hashlib.sha256()
    for name in ("manifest.csv", "lines.jsonl"):
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()


def folds(samples: tuple[Sample, ...], *, count: int, seed: int) -> NDArray[np.int64]:
    """The fold, 0 to count - 1, of each picture; all pictures of a source share one.

    Large sources are dealt first, each to the fold that holds least so far, so that the folds come out alike in size.
    """
    sizes: dict[str, int] = {}
    for sample in samples:
        sizes[sample.group] = sizes.get(sample.group, 0) + 1
    tie = dict(zip(sorted(sizes), np.random.default_rng(seed).permutation(len(sizes)), strict=True))
    held, fold_of = [0] * count, {}
    for group in sorted(sizes, key=lambda g: (-sizes[g], tie[g])):
        least = held.index(min(held))
        fold_of[group] = least
        held[least] += sizes[group]
    return np.array([fold_of[sample.group] for sample in samples])


@dataclass(frozen=True, slots=True)
class Pixels:
    """Decoded pictures in one file on disk, so that an epoch decodes nothing."""

    flat: NDArray[np.uint8]
    places: NDArray[np.int64]  # (n, 3): offset in bytes, height, width

    def __getitem__(self, index: int) -> NDArray[np.uint8]:
        """(h, w, 3) RGB."""
        offset, height, width = (int(v) for v in self.places[index])
        return self.flat[offset : offset + height * width * 3].reshape(height, width, 3)


def cache_pixels(samples: tuple[Sample, ...], *, side: int, folder: Path) -> Pixels:
    """Decode every picture once, the longer side at most `side` pixels, as the gate itself will see it."""
    names = "\n".join(str(sample.path) for sample in samples)
    stem = folder / f"pixels-{side}-{hashlib.sha256(names.encode()).hexdigest()[:16]}"
    data, places = stem.with_suffix(".bin"), stem.with_suffix(".npy")
    if not places.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        rows, offset = [], 0
        with data.open("wb") as file:
            for sample in samples:
                pixels = cloudvision.images.load(sample.path.read_bytes(), name=str(sample.path)).pixels(max_side=side)
                file.write(np.ascontiguousarray(pixels).tobytes())
                rows.append((offset, *pixels.shape[:2]))
                offset += pixels.size
        np.save(places, np.array(rows, dtype=np.int64))
    return Pixels(flat=np.memmap(data, dtype=np.uint8, mode="r"), places=np.load(places, allow_pickle=False))


def as_image(pixels: NDArray[np.uint8]) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(pixels))
