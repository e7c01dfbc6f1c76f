"""Batches of changed pictures of one shape each, made in a process of their own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.random import Generator
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from cloudvision.gate.criterion import Criterion
from cloudvision.training import augment, targets
from cloudvision.training.data import Pixels, Sample, as_image
from cloudvision.training.network import STRIDE

ASPECTS = ((1.0, 0.75), (1.0, 1.0), (0.75, 1.0))  # (width, height) over the longer side: landscape, square, portrait
GENTLE = 0.3  # how much less a picture is moved of which nobody knows where its text is
WIPED, WRITTEN, PASTED = 0.12, 0.15, 0.25  # share of the pictures with, without and without text that are changed so


@dataclass(frozen=True, slots=True)
class Batch:
    """n pictures of one shape with their truths."""

    pixels: Tensor  # (n, 3, h, w) uint8
    maps: Tensor  # (n, len(targets.MAPS), h / STRIDE, w / STRIDE) uint8
    characters: Tensor  # (n,) float
    worth: Tensor  # (n,) float, 0 or 1
    dense: bool = True  # maps and characters are known, and not merely 0


@dataclass(frozen=True)
class Pictures(Dataset[Batch]):
    """Index = (seed, side, aspect, members): a whole batch, made from that seed alone."""

    samples: Sequence[Sample]
    pixels: Pixels
    criterion: Criterion
    font_files: Sequence[Path]
    strength: float = 1.0

    def __getitem__(self, plan: tuple[int, int, int, tuple[int, ...]]) -> Batch:
        seed, side, aspect, members = plan
        rng = np.random.default_rng(seed)
        size = tuple(32 * max(1, round(side * share / 32)) for share in ASPECTS[aspect])
        made = [self._one(index, rng, size=(size[0], size[1])) for index in members]
        pixels, maps, characters, worth = zip(*made, strict=True)
        return Batch(
            pixels=torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2),
            maps=torch.from_numpy(np.stack(maps)),
            characters=torch.tensor(characters, dtype=torch.float32),
            worth=torch.tensor(worth, dtype=torch.float32),
            dense=all(self.samples[index].worth is None for index in members),
        )

    def _one(self, index: int, rng: Generator, *, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray, float, float]:
        picture = (as_image(self.pixels[index]), self.samples[index].lines)
        if self.samples[index].worth is not None:
            return self._labelled(picture, rng, worth=bool(self.samples[index].worth), size=size)
        if self.strength:
            picture = self._changed(picture, rng)
        image, lines = augment.place(picture, rng, size=size, strength=self.strength)
        if self.strength:
            image = augment.colour(image, rng)
        maps = targets.draw(lines, width=size[0] // STRIDE, height=size[1] // STRIDE)
        return np.asarray(image), maps, float(targets.characters(lines)), float(self.criterion.meets(lines))

    def _labelled(
        self, picture: augment.Picture, rng: Generator, *, worth: bool, size: tuple[int, int]
    ) -> tuple[np.ndarray, np.ndarray, float, float]:
        """A picture of which only yes or no is known: little is cut off, since nobody knows where the text is."""
        if self.strength and not worth:
            picture = self._changed(picture, rng, paste=False)
            worth = self.criterion.meets(picture[1])  # something may have been written on it
        image, _ = augment.place(picture, rng, size=size, strength=GENTLE * self.strength)
        if self.strength:
            image = augment.colour(image, rng)
        maps = np.zeros((len(targets.MAPS), size[1] // STRIDE, size[0] // STRIDE), dtype=np.uint8)
        return np.asarray(image), maps, 0.0, float(worth)

    def _changed(self, picture: augment.Picture, rng: Generator, *, paste: bool = True) -> augment.Picture:
        chance = rng.random()
        if picture[1]:
            return augment.wipe(picture, rng) if chance < WIPED and len(picture[1]) <= 8 else picture
        if rng.random() < 0.5:  # mirrored letters are no text; mirrored scenes are scenes
            picture = (picture[0].transpose(Image.Transpose.FLIP_LEFT_RIGHT), ())
        if chance < WRITTEN and self.font_files:
            return augment.write(picture, rng, font_files=self.font_files)
        if paste and chance < WRITTEN + PASTED:
            for _ in range(rng.integers(1, 4)):
                donor = int(rng.integers(len(self.samples)))
                picture = augment.paste(picture, (as_image(self.pixels[donor]), self.samples[donor].lines), rng)
        return picture


@dataclass(frozen=True)
class Plan(Sampler[tuple[int, int, int, tuple[int, ...]]]):
    """One epoch's batches: every picture once, those of like aspect together, in an order that the seed gives."""

    aspects: np.ndarray  # (n,) index into ASPECTS
    size: int
    side: int
    seed: int

    def __iter__(self) -> Iterator[tuple[int, int, int, tuple[int, ...]]]:
        rng = np.random.default_rng(self.seed)
        plans = []
        for aspect in range(len(ASPECTS)):
            members = rng.permutation(np.flatnonzero(self.aspects == aspect))
            for start in range(0, len(members) - self.size + 1, self.size):
                plans.append((aspect, tuple(int(i) for i in members[start : start + self.size])))
        for place in rng.permutation(len(plans)):
            aspect, chosen = plans[place]
            yield int(rng.integers(2**31)), self.side, aspect, chosen

    def __len__(self) -> int:
        return sum(int((self.aspects == aspect).sum()) // self.size for aspect in range(len(ASPECTS)))


def aspects_of(pixels: Pixels) -> np.ndarray:
    """(n,) index into ASPECTS: landscape from 1.15, portrait up to 1 / 1.15."""
    ratio = pixels.places[:, 2] / pixels.places[:, 1]
    return np.where(ratio > 1.15, 0, np.where(ratio < 1 / 1.15, 2, 1))


def batches(pictures: Pictures, plan: Plan, *, workers: int) -> DataLoader[Batch]:
    """The loader of one epoch; its processes only make pictures."""
    return DataLoader(pictures, batch_size=None, sampler=plan, num_workers=workers)
