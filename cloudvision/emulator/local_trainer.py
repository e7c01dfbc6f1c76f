"""A trainer for the emulated Custom Vision: the one of `cloudvision train`, on this machine (extra `train`)."""

from __future__ import annotations

import io
import tempfile
import threading
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from cloudvision.annotations import Mark as BoxMark
from cloudvision.emulator.custom_vision_trainer import Guess, Job, Quality, Sample, Trained, TrainingFailedError
from cloudvision.emulator.local_quality import BoxesJudged, TagsJudged
from cloudvision.errors import ConfigError, ImageError
from cloudvision.geometry import Box
from cloudvision.images import load
from cloudvision.models import Model

if TYPE_CHECKING:  # torch is imported when there is something to train
    from cloudvision.training.classify import Settings
    from cloudvision.training.detect import DetectorSettings

_FAINT = 0.01  # the service returns boxes down to about there
_KEPT_BACK = 5  # of the pictures with boxes one in so many judges
_ADVANCED = 2  # times the passes of a quick training


class LocalTrainer:
    """Trains what the emulated Custom Vision is asked to train.

    A classifier is trained twice: once without a fifth of the pictures, which say how good it is, and once on all. Of a
    detector, which takes minutes, the first is kept, unless the training is an advanced one. That kind also learns for twice
    as long. One training at a time.

    Args:
        classifier, detector: how to train; None for the trainers' own defaults.

    Raises:
        ConfigError: the extra is not installed.
    """

    def __init__(self, *, classifier: Settings | None = None, detector: DetectorSettings | None = None) -> None:
        absent = [name for name in ("onnx", "torch") if find_spec(name) is None]
        if absent:
            raise ConfigError(f"training needs {' and '.join(absent)}: pip install 'cloudvision-gate[train]'")
        self._classifier, self._detector = classifier, detector
        self._turn = threading.Lock()  # PyTorch's seed and threads are those of the process

    def train(self, job: Job, /) -> Trained:
        """Raises TrainingFailedError where these pictures cannot be learned from."""
        with self._turn, tempfile.TemporaryDirectory(prefix="cloudvision-") as folder:
            try:
                train = self._detecting if job.kind == "detect" else self._classifying
                return train(job, Path(folder))
            except ConfigError as exc:
                raise TrainingFailedError(str(exc)) from exc

    def _classifying(self, job: Job, folder: Path) -> Trained:
        from cloudvision.training.classify import Settings, train_classifier
        from cloudvision.training.classify_data import Example

        settings = replace(self._classifier or Settings(), multilabel=job.multilabel)
        if job.advanced:
            settings = replace(settings, recipe=replace(settings.recipe, epochs=settings.recipe.epochs * _ADVANCED))
        examples = [Example(one.data, tuple(dict.fromkeys(mark.tag for mark in one.marks))) for one in job.samples]
        judged = train_classifier(examples, folder / "judged", settings=settings, labels=job.tags).judged
        if judged is None:
            raise ConfigError("no picture is left to judge by")
        train_classifier(examples, folder / "model", settings=replace(settings, judge=0.0), labels=job.tags)
        return _Model(Model.open(folder / "model"), TagsJudged(job.tags, judged.scores, judged.truth), _files(folder))

    def _detecting(self, job: Job, folder: Path) -> Trained:
        from cloudvision.training.detect import DetectorSettings, train_detector
        from cloudvision.training.detect_scenes import BoxExample

        settings = replace(self._detector or DetectorSettings(), judge=0.0)
        if job.advanced:
            settings = replace(settings, recipe=replace(settings.recipe, steps=settings.recipe.steps * _ADVANCED))

        def examples(samples: Sequence[Sample]) -> list[BoxExample]:
            marks = [[BoxMark(mark.tag, Box(*mark.box)) for mark in one.marks if mark.box] for one in samples]
            return [BoxExample(one.data, tuple(own)) for one, own in zip(samples, marks, strict=True)]

        kept = job.samples[::_KEPT_BACK]
        rest = [one for n, one in enumerate(job.samples) if n % _KEPT_BACK]
        train_detector(examples(rest), folder / "model", settings=settings, labels=job.tags)
        model = Model.open(folder / "model")
        judged = BoxesJudged(job.tags, [(_guesses(model, one.data), one.marks) for one in kept])
        if job.advanced:
            train_detector(examples(job.samples), folder / "advanced" / "model", settings=settings, labels=job.tags)
            folder = folder / "advanced"
            model = Model.open(folder / "model")
        return _Model(model, judged, _files(folder))


@dataclass(frozen=True, slots=True)
class _Model:
    """What was trained, held in memory."""

    model: Model
    judged: TagsJudged | BoxesJudged
    files: Mapping[str, bytes] = field(repr=False)

    def predict(self, data: bytes, /) -> Sequence[Guess]:
        return _guesses(self.model, data)

    def quality(self, *, threshold: float, overlap: float) -> Quality:
        return self.judged.quality(threshold=threshold, overlap=overlap)

    def export(self, platform: str, flavor: str | None, /) -> bytes | None:  # noqa: ARG002 - no flavour changes it
        """For ONNX a model folder of ours, with the service's labels.txt; nothing else can be made here."""
        if platform != "ONNX":
            return None
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in self.files.items():
                archive.writestr(name, content)
            archive.writestr("labels.txt", "\n".join(self.model.labels) + "\n")
        return out.getvalue()


def _guesses(model: Model, data: bytes) -> list[Guess]:
    try:
        found = model.predict(load(data), threshold=_FAINT if model.kind == "detect" else None)
    except ImageError:
        return []  # the service has looked at it before, and took it for a picture
    labels = [Guess(label.name, label.confidence) for label in found.labels or ()]
    boxes = ((region, region.box) for region in found.regions or ())
    return labels + [Guess(r.name, r.confidence, (b.left, b.top, b.width, b.height)) for r, b in boxes]


def _files(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted((folder / "model").iterdir())}
