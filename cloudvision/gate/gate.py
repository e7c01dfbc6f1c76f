"""The gate: a small local network that looks at a picture before anybody is paid for looking at it."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cloudvision.errors import ConfigError, ImageError
from cloudvision.gate import cascade
from cloudvision.gate.cascade import Combination, HandOver
from cloudvision.gate.criterion import Criterion
from cloudvision.gate.folder import SHIPPED, read_config
from cloudvision.gate.stage import Stage, open_stage
from cloudvision.gate.verdict import Verdict
from cloudvision.images import Image

DEFAULT = "cascade"


@dataclass(frozen=True, slots=True)
class Second:
    """The harder look that only an unsure first one asks for."""

    stage: Stage
    hand_over: HandOver
    combination: Combination


@dataclass(frozen=True, slots=True)
class Gate:
    """One look, or a cascade of two. Threads may share it: `judge` keeps nothing between two calls.

    Args:
        name: what the model is called, "cascade".
        version: the model's own, "1".
        first: the look that every picture gets.
        second: None where the first look always decides.
        threshold: probability, 0 to 1, from which a picture is worth a call.
        criterion: what the model was trained to call worth it.
    """

    name: str
    version: str
    first: Stage
    second: Second | None
    threshold: float
    criterion: Criterion

    @classmethod
    def load(cls, name_or_path: str | os.PathLike[str] = DEFAULT, /, *, threshold: float | None = None) -> Gate:
        """Open a gate that the package ships, or any model folder.

        Args:
            name_or_path: "cascade" (a fast look, and a second one where it is unsure), "fast" or "exact" (one of them
                alone), or the path of a folder with config.json.
            threshold: 0 to 1, instead of the folder's own.

        Raises:
            ConfigError: no such gate, or a folder's digest, input, output or labels do not fit.
        """
        path = find(name_or_path)
        config = read_config(path)
        gate = _cascade(path, config) if cascade.is_cascade(config) else _single(path)
        if threshold is None:
            return gate
        if not 0 <= threshold <= 1:
            raise ConfigError(f"the gate's threshold is a probability: {threshold} is not between 0 and 1")
        return replace(gate, threshold=threshold)

    @property
    def model(self) -> str:
        """Name and version of the model, "cascade 1"."""
        return f"{self.name} {self.version}"

    def judge(self, image: Image) -> Verdict:
        """Whether a picture is worth a call.

        Raises:
            DamagedImageError: the picture does not decode.
        """
        score, stage = self._look(image)
        return Verdict(
            worth=score >= self.threshold,
            score=score,
            threshold=self.threshold,
            stage=stage.folder.stage,
            model=self.model,
        )

    def judge_many(self, images: Iterable[Image], *, workers: int | None = None) -> Iterator[Verdict | ImageError]:
        """Verdicts in the order of `images`, on all cores; a picture that does not decode gives its error.

        Args:
            images: read as verdicts are taken, at most four pictures a worker ahead.
            workers: threads; None = as many as this process may use cores. A look releases Python's lock.
        """
        threads = workers or _cores()
        coming = iter(images)
        with ThreadPoolExecutor(threads, thread_name_prefix="gate") as pool:
            waiting = deque(pool.submit(self._judged, image) for image in islice(coming, 4 * threads))
            while waiting:
                verdict = waiting.popleft().result()
                waiting.extend(pool.submit(self._judged, image) for image in islice(coming, 1))
                yield verdict

    def score(self, image: Image) -> float:
        """Probability, 0 to 1, that the picture meets the criterion.

        Raises:
            DamagedImageError: the picture does not decode.
        """
        return self._look(image)[0]

    def _judged(self, image: Image) -> Verdict | ImageError:
        try:
            return self.judge(image)
        except ImageError as error:
            return error

    def _look(self, image: Image) -> tuple[float, Stage]:
        """The probability, and the look that gave it."""
        pixels = image.pixels(max_side=self.first.side)
        logit = self.first.logit(pixels)
        probability = self.first.folder.calibration.probability(logit)
        if self.second is None or not self.second.hand_over.unsure(probability):
            return probability, self.first
        exact = self.second.stage.logit(_closer(image, pixels, side=self.second.stage.side))
        return self.second.combination.probability(logit, exact), self.second.stage


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _closer(image: Image, seen: NDArray[np.uint8], *, side: int) -> NDArray[np.uint8]:
    """Pixels for the second look: what was decoded for the first where it was not shrunk."""
    unshrunk = seen.shape[:2] == (image.height, image.width)
    return seen if unshrunk else image.pixels(max_side=side)


def find(name_or_path: str | os.PathLike[str]) -> Path:
    """The folder of a shipped gate, or of a model by its path.

    Raises:
        ConfigError: there is no such folder.
    """
    shipped = SHIPPED.get(str(name_or_path))
    path = Path(name_or_path) if shipped is None else Path(__file__).parent / shipped
    if not path.is_dir():
        known = ", ".join(SHIPPED)
        raise ConfigError(f"no gate {os.fspath(name_or_path)!r}: give one of {known}, or the path of a model folder")
    return path


def _single(path: Path) -> Gate:
    stage = open_stage(path)
    folder = stage.folder
    return Gate(folder.name, folder.version, stage, None, folder.threshold, folder.criterion)


def _cascade(path: Path, config: dict[str, object]) -> Gate:
    folder = cascade.read_cascade(path, config)
    stages = []
    for part in (folder.fast, folder.exact):
        stage = open_stage(part.folder)
        if stage.folder.sha256 != part.sha256:
            raise ConfigError(
                f"{path / 'config.json'}: was made for another model.onnx in {part.folder} "
                f"(SHA-256 {part.sha256}, there is {stage.folder.sha256})"
            )
        stages.append(stage)
    second = Second(stages[1], folder.hand_over, folder.combination)
    return Gate(folder.name, folder.version, stages[0], second, folder.threshold, folder.criterion)
