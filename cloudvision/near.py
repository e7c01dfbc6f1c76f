"""Near-duplicates: pictures that look like one that was answered already, found by a 64-bit perceptual hash.

Two such pictures may still say different things: a form filled in twice looks the same at the 32 x 32 pixels that the
hash sees. That is why nothing here is used unless it is asked for; `benchmarks/near_duplicates.py` measures how often.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from cloudvision.errors import ConfigError, ImageError
from cloudvision.images import Image

MAX_DISTANCE = 16
"""Largest distance that may be asked for, in bits of 64. Unrelated pictures are 32 apart on average."""

_FLAT = 4.0  # below this standard deviation of luminance (0..255) the hash is made of rounding and noise
_LOOK_S = 0.25  # how often those who wait look whether they are to stop
_SIDE = 128  # pixels that are decoded on the longer side; the hash uses 32 x 32 of them


@dataclass(frozen=True, slots=True)
class Near:
    """An answered picture.

    Args:
        key: where its answer is in the ledger.
        source: its name.
        distance: bits of 64 in which the hashes differ.
    """

    key: str
    source: str
    distance: int


class Hashes(Protocol):
    """What the index needs of a ledger."""

    def keep_hash(self, key: str, picture_hash: int, *, source: str) -> None: ...
    def hashes(self, prefix: str) -> Iterator[tuple[str, int, str]]: ...


class NearIndex:
    """The answered pictures by how they look; one serves many threads.

    Answers are looked for under the same provider and fingerprint only. What a ledger knows of them is read when they
    are first asked for; what other processes add later is not seen. Of pictures that look alike and are under way at
    the same moment one is asked about, and the others wait for it (see `alone`); those of other processes do not.

    Args:
        distance: most bits, 0 to 16, in which the hashes of two pictures may differ.
        store: keeps the hashes beside the answers; None to forget them with the index.

    Raises:
        ValueError: `distance` is out of range.
        ConfigError: the extra `near` is not installed.
    """

    def __init__(self, distance: int, *, store: Hashes | None = None) -> None:
        if not 0 <= distance <= MAX_DISTANCE:
            raise ValueError(f"a distance of hashes is 0 to {MAX_DISTANCE} bits, got {distance}")
        try:
            import imagehash
            from numpy import bitwise_count  # noqa: F401 - numpy 2, which the extra asks for
        except ImportError as error:
            raise ConfigError(
                f"near-duplicates need ImageHash: pip install 'cloudvision-gate[near]' ({error})"
            ) from error
        self._phash: Any = imagehash.phash
        self._distance = distance
        self._store = store
        self._shelves: dict[str, _Shelf] = {}
        self._lock = threading.Lock()
        self._ended = threading.Condition()
        self._under_way: list[tuple[str, int]] = []

    def hash_of(self, image: Image) -> int | None:
        """64 bits, alike for pictures that look alike.

        Returns:
            None for a picture that is (almost) of one colour or does not decode: nothing can be said about it.
        """
        try:
            grey = PIL.Image.fromarray(image.pixels(max_side=_SIDE)).convert("L")
        except ImageError:
            return None  # the service shall say what it thinks of it
        if np.asarray(grey).std() < _FLAT:
            return None
        return int(str(self._phash(grey)), 16)

    def find(self, picture_hash: int, *, like: str) -> Near | None:
        """The nearest answered picture within the distance; `like` is the key that an answer of one's own would have."""
        with self._lock:
            return self._shelf(like).nearest(picture_hash, within=self._distance)

    @contextmanager
    def alone(self, picture_hash: int, *, like: str, check: Callable[[], None]) -> Iterator[bool]:
        """Wait until no picture that looks like this one is under way; within the block, this one is.

        Whoever waits is not under way, so that two never wait for each other. Yields True: what was known of the answers
        before may be out of date.

        Args:
            like: the key that an answer of one's own would have.
            check: called while waiting; raises to give up.
        """
        mine = (_shelf_of(like), picture_hash)
        with self._ended:
            while any(shelf == mine[0] and self.alike(other, picture_hash) for shelf, other in self._under_way):
                self._ended.wait(_LOOK_S)
                check()
            self._under_way.append(mine)
        try:
            yield True
        finally:
            with self._ended:
                self._under_way.remove(mine)
                self._ended.notify_all()

    def alike(self, one: int, other: int) -> bool:
        """Whether two hashes differ in no more bits than asked for."""
        return (one ^ other).bit_count() <= self._distance

    def add(self, picture_hash: int, *, key: str, source: str) -> None:
        """The picture has an answer under `key`; also written down in the store."""
        with self._lock:
            new = self._shelf(key).put(key, picture_hash, source)
        if new and self._store is not None:
            self._store.keep_hash(key, picture_hash, source=source)

    def knows(self, key: str) -> bool:
        """True where the picture of this answer is in the index."""
        with self._lock:
            return key in self._shelf(key).places

    def forget(self, key: str) -> None:
        """The answer under `key` is gone, or no longer wanted, for this index: its hash in the store stays."""
        with self._lock:
            self._shelf(key).drop(key)

    def _shelf(self, key: str) -> _Shelf:
        prefix = _shelf_of(key)
        shelf = self._shelves.get(prefix)
        if shelf is None:
            shelf = self._shelves[prefix] = _Shelf()
            for known, picture_hash, source in () if self._store is None else self._store.hashes(prefix):
                shelf.put(known, picture_hash, source)
        return shelf


def _shelf_of(key: str) -> str:
    """Answers of one provider and fingerprint stand together."""
    return key.rpartition("/")[0] + "/"


class _Shelf:
    """Hashes in one array, which a scan of XOR and popcount goes through: half a millisecond for a million."""

    def __init__(self) -> None:
        self.hashes: NDArray[np.uint64] = np.zeros(1024, np.uint64)
        self.named: list[tuple[str, str]] = []
        self.places: dict[str, int] = {}

    def put(self, key: str, picture_hash: int, source: str) -> bool:
        if key in self.places:
            return False
        place = len(self.named)
        if place == len(self.hashes):
            self.hashes = np.concatenate([self.hashes, np.zeros_like(self.hashes)])
        self.hashes[place] = picture_hash
        self.named.append((key, source))
        self.places[key] = place
        return True

    def drop(self, key: str) -> None:
        place = self.places.pop(key, None)
        if place is None:
            return
        last = self.named.pop()
        if place < len(self.named):  # the last one takes the place that is free
            self.named[place], self.hashes[place] = last, self.hashes[len(self.named)]
            self.places[last[0]] = place

    def nearest(self, picture_hash: int, *, within: int) -> Near | None:
        if not self.named:
            return None
        apart = np.bitwise_count(self.hashes[: len(self.named)] ^ np.uint64(picture_hash))
        place = int(apart.argmin())
        distance = int(apart[place])
        return Near(*self.named[place], distance) if distance <= within else None
