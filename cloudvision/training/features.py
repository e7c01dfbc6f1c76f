"""The detector's features of every picture of a corpus, computed once and kept on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cloudvision.gate.preprocess import Preprocessing
from cloudvision.images import load
from cloudvision.training.data import Sample
from cloudvision.training.detector import CHANNELS, STRIDE, Trunk


@dataclass(frozen=True, slots=True)
class Features:
    """`flat` holds float16, one picture after the other; about 0.7 MB a picture at a side of 576."""

    flat: NDArray[np.float16]
    places: NDArray[np.int64]  # (n, 5): offset, rows, columns, and the picture's own height and width in the input

    def __getitem__(self, index: int) -> NDArray[np.float32]:
        """(CHANNELS, rows, columns)."""
        offset, rows, columns = (int(v) for v in self.places[index, :3])
        cells = CHANNELS * rows * columns
        return np.asarray(self.flat[offset : offset + cells], dtype=np.float32).reshape(CHANNELS, rows, columns)

    def inside(self, index: int) -> tuple[int, int]:
        """(rows, columns) that hold the picture; the rest is grey filling."""
        height, width = (int(v) for v in self.places[index, 3:])
        return -(-height // STRIDE), -(-width // STRIDE)


def cache_features(
    samples: tuple[Sample, ...], trunk: Trunk, *, preprocessing: Preprocessing, folder: Path
) -> Features:
    """Look at every picture once; what lies in `folder` for these very pictures is taken as it is."""
    names = "\n".join(str(sample.path) for sample in samples)
    key = hashlib.sha256(f"{preprocessing.side}\n{names}".encode()).hexdigest()[:16]
    data, index = folder / f"features-{key}.bin", folder / f"features-{key}.npy"
    if not index.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        places, offset = [], 0
        with data.open("wb") as file:
            for count, (features, (height, width)) in enumerate(_looks(samples, trunk, preprocessing)):
                file.write(features.astype(np.float16).tobytes())
                places.append((offset, *features.shape[1:], height, width))
                offset += features.size
                if count % 500 == 0:
                    print(f"features: {count} of {len(samples)} pictures", flush=True)
        np.save(index, np.array(places, dtype=np.int64))
    return Features(np.memmap(data, dtype=np.float16, mode="r"), np.load(index, allow_pickle=False))


def _looks(
    samples: tuple[Sample, ...], trunk: Trunk, preprocessing: Preprocessing
) -> Iterator[tuple[NDArray[np.float32], tuple[int, int]]]:
    def look(sample: Sample) -> tuple[NDArray[np.float32], tuple[int, int]]:
        image = load(sample.path)
        width, height = preprocessing.size(width=image.width, height=image.height)
        pixels = preprocessing.apply(image.pixels(max_side=preprocessing.side))
        return trunk.features(pixels), (height, width)

    with ThreadPoolExecutor(2) as pool:
        for start in range(0, len(samples), 64):
            yield from pool.map(look, samples[start : start + 64])
