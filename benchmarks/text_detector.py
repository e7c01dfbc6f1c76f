"""The rival of the gate: PP-OCRv6's text detector (small, from RapidOCR's wheel) over the whole picture.

Two scores come out of its map: the plain maximum, and a learned read-out, boosted and random trees on statistics of the map's
connected pieces (how many, how large, how long, how sure, for two cuts). Needs opencv (comes with the extra `local`) and
scikit-learn.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier

from cloudvision._onnxruntime import one_thread
from cloudvision.training.detector import DEVIATION, MEAN, detector_file

CUTS, TOP, SMALLEST = (
    (0.3, 0.6),
    4,
    16,
)  # cuts of the map, pieces described one by one, pixels of the smallest that counts


@dataclass(frozen=True)
class Detector:
    """One thread, one size: the longer side becomes `side` pixels, both sides a multiple of 32."""

    side: int
    session: Any

    @classmethod
    def open(cls, side: int) -> Detector:
        return cls(side, one_thread(detector_file().read_bytes()))

    def prepare(self, image: Image.Image) -> NDArray[np.float32]:
        """(1, 3, h, w), BGR, normalised as the detector was trained."""
        scale = self.side / max(image.size)
        width, height = (max(32, round(length * scale / 32) * 32) for length in image.size)
        pixels = np.asarray(image.resize((width, height), Image.Resampling.BILINEAR), dtype=np.float32)[:, :, ::-1]
        normal = (pixels / 255 - np.array(MEAN, dtype=np.float32)) / np.array(DEVIATION, dtype=np.float32)
        return np.ascontiguousarray(normal.transpose(2, 0, 1)[None])

    def text_map(self, prepared: NDArray[np.float32]) -> NDArray[np.float32]:
        """(h, w) of 0 to 1."""
        (answer,) = self.session.run(None, {self.session.get_inputs()[0].name: prepared})
        return np.asarray(answer[0, 0])


def statistics(text_map: NDArray[np.float32]) -> NDArray[np.float32]:
    """What the read-out knows of a map; the first number is its maximum."""
    height, width = text_map.shape
    numbers = [float(text_map.max())]
    for cut in CUTS:
        pieces = _pieces(text_map, cut)
        long = [piece for piece in pieces if piece[3] > 2]
        numbers += [
            len(pieces),
            len(long),
            sum(piece[0] for piece in pieces) / (width * height),
            sum(piece[0] for piece in long) / (width * height),
            max((piece[3] for piece in pieces), default=0.0),
        ]
        best = sorted(pieces, key=lambda piece: piece[4] * np.log(piece[0]), reverse=True)[:TOP]
        for piece in [*best, *[(0.0,) * 7] * (TOP - len(best))]:
            numbers += list(piece)
    ranked = np.sort(text_map, axis=None)
    numbers += [float(ranked[-few:].mean()) for few in (50, 200, 1000)]
    return np.array([*numbers, float(text_map.mean()), width / height], dtype=np.float32)


def _pieces(text_map: NDArray[np.float32], cut: float) -> list[tuple[float, ...]]:
    """(area, width, height, aspect ratio, mean, peak, share of its box) of each connected piece above the cut."""
    count, labels, boxes, _ = cv2.connectedComponentsWithStats((text_map > cut).astype(np.uint8), connectivity=8)
    out = []
    for piece in range(1, count):
        x, y, width, height, area = (int(v) for v in boxes[piece])
        if area >= SMALLEST:
            inside = text_map[y : y + height, x : x + width][labels[y : y + height, x : x + width] == piece]
            shape = (float(area), float(width), float(height), width / height)
            out.append((*shape, float(inside.mean()), float(inside.max()), area / (width * height)))
    return out


def cached_statistics(paths: list[Path], *, side: int, work: Path) -> NDArray[np.float32]:
    """(n, numbers) of all pictures; written to `work` every 250 pictures, so that a run can go on."""
    file = work / f"detector-{side}.npy"
    done = list(np.load(file, allow_pickle=False)) if file.is_file() else []
    detector = Detector.open(side)
    for index in range(len(done), len(paths)):
        with Image.open(paths[index]) as image:
            done.append(statistics(detector.text_map(detector.prepare(image.convert("RGB")))))
        if index % 250 == 249 or index == len(paths) - 1:
            np.save(file, np.array(done))
            print(f"detector at {side}: {index + 1} of {len(paths)} pictures", flush=True)
    return np.array(done)


@dataclass(frozen=True)
class ReadOut:
    """Boosted trees and extremely random trees, averaged."""

    boosted: HistGradientBoostingClassifier
    random: ExtraTreesClassifier

    @classmethod
    def train(cls, numbers: NDArray[np.float32], truth: NDArray[np.bool_], weights: NDArray[np.float64]) -> ReadOut:
        boosted = HistGradientBoostingClassifier(
            max_iter=250, learning_rate=0.04, max_leaf_nodes=12, l2_regularization=1.0, random_state=0
        )
        random = ExtraTreesClassifier(400, min_samples_leaf=3, random_state=0)
        return cls(
            boosted.fit(numbers, truth, sample_weight=weights), random.fit(numbers, truth, sample_weight=weights)
        )

    def score(self, numbers: NDArray[np.float32]) -> NDArray[np.float64]:
        both = self.boosted.predict_proba(numbers)[:, 1] + self.random.predict_proba(numbers)[:, 1]
        return np.asarray(both / 2, dtype=np.float64)
