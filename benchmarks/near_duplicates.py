"""How often near-duplicates are none, and what looking for them costs.

    python benchmarks/near_duplicates.py CORPUS [--index 1000000]

CORPUS holds manifest.csv and lines.jsonl (see cloudvision/training/data.py). For each distance: the share of pictures whose
nearest other picture lies within it, and of these, how many belong to another collection, or have another text. The text is
what an OCR engine read, letters and digits only: it is "another" where more than a tenth of it would have to be changed, or
where one picture has text and the other has none. Files with equal bytes are counted once: they share an answer anyway.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cloudvision import images
from cloudvision.near import MAX_DISTANCE, NearIndex
from cloudvision.training.data import Sample, read_corpus

DISTANCES = (0, 2, 4, 6, 8)
SURE = 0.9  # confidence below which a line is often a texture that the engine took for a letter


def text_of(sample: Sample, *, sure: float) -> str:
    text = "".join(line.text for line in sample.lines if (line.confidence or 0.0) >= sure)
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def edits(a: str, b: str, *, most: int) -> int:
    """Levenshtein distance; `most + 1` stands for anything above `most`."""
    if abs(len(a) - len(b)) > most:
        return most + 1
    row = list(range(len(b) + 1))
    for i, letter in enumerate(a, 1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(b, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (letter != other))
        if min(row) > most:
            return most + 1
    return row[-1]


def another_text(a: str, b: str) -> bool:
    if not a or not b:
        return a != b
    most = max(len(a), len(b)) // 10
    return edits(a, b, most=most) > most


def looked_at(samples: Sequence[Sample], near: NearIndex) -> tuple[list[Sample], NDArray[np.uint64], int, float]:
    """The pictures with a hash, once each; their hashes; how many have none; milliseconds a picture."""
    kept, hashes, seen, plain, took = [], [], set(), 0, 0.0
    for sample in samples:
        data = sample.path.read_bytes()
        if (digest := hashlib.sha256(data).digest()) in seen:
            continue
        seen.add(digest)
        image = images.load(data, name=sample.path.name)
        start = time.perf_counter()
        found = near.hash_of(image)
        took += time.perf_counter() - start
        if found is None:
            plain += 1
        else:
            kept.append(sample)
            hashes.append(found)
    return kept, np.array(hashes, np.uint64), plain, took / len(seen) * 1000


def nearest(hashes: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The place of the nearest other picture, and how far it is."""
    places, distances = [], []
    for place, one in enumerate(hashes):
        apart = np.bitwise_count(hashes ^ one)
        apart[place] = 255
        places.append(int(apart.argmin()))
        distances.append(int(apart.min()))
    return np.array(places), np.array(distances)


def print_rates(samples: Sequence[Sample], hashes: NDArray[np.uint64]) -> None:
    places, distances = nearest(hashes)
    pairs = [(sample, samples[place]) for sample, place in zip(samples, places, strict=True)]
    elsewhere = np.array([a.group != b.group for a, b in pairs])
    close = distances <= max(DISTANCES)
    other = {
        sure: np.array(
            [
                near and another_text(text_of(a, sure=sure), text_of(b, sure=sure))
                for near, (a, b) in zip(close, pairs, strict=True)
            ]
        )
        for sure in (0.0, SURE)
    }
    print("| distance | has a near-duplicate | of another collection | other text | other text, sure lines only |")
    print("|---|---|---|---|---|")
    for distance in DISTANCES:
        hit = distances <= distance
        cells = [f"{np.sum(hit)} ({np.mean(hit):.2%})"]
        for false in (elsewhere, other[0.0], other[SURE]):
            wrong = np.sum(hit & false)
            cells.append(f"{wrong} ({wrong / len(hit):.2%}; {wrong / max(1, np.sum(hit)):.0%} of hits)")
        print(f"| {distance} | {' | '.join(cells)} |")


def print_speed(number: int) -> None:
    rng = random.Random(0)
    near = NearIndex(MAX_DISTANCE // 4)
    for place in range(number):
        near.add(rng.getrandbits(64), key=f"p/f/{place}", source="x")
    start = time.perf_counter()
    for _ in range(100):
        near.find(rng.getrandbits(64), like="p/f/x")
    print(f"\none look-up among {number:,} hashes: {(time.perf_counter() - start) * 10:.2f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--index", type=int, default=1_000_000, help="hashes in the index whose look-up is timed")
    arguments = parser.parse_args()
    samples = read_corpus(arguments.corpus)
    kept, hashes, plain, ms = looked_at(samples, NearIndex(0))
    again = len(samples) - len(kept) - plain
    print(f"{len(kept)} pictures ({again} with equal bytes and {plain} plain ones left out); {ms:.1f} ms a hash\n")
    print_rates(kept, hashes)
    print_speed(arguments.index)


if __name__ == "__main__":
    main()
