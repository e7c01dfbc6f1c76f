"""How good an iteration is, as the service has measured it on pictures it had set aside."""

from __future__ import annotations

from dataclasses import dataclass

from cloudvision.customvision.answers import Iteration, Object, Project, an_object, listed, number, text
from cloudvision.customvision.resource import TrainingResource
from cloudvision.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Quality:
    """Precision and recall at a threshold, and average precision over all thresholds; 0 to 1 each."""

    precision: float
    recall: float
    average_precision: float


@dataclass(frozen=True, slots=True)
class Performance:
    """Of an iteration, overall and by tag.

    Args:
        threshold: guesses below this probability do not count.
        overlap: boxes that share less than this (intersection over union) with the true one do not count.
        tags: (name, quality), as the service lists them.
    """

    threshold: float
    overlap: float
    overall: Quality
    tags: tuple[tuple[str, Quality], ...]


def evaluate(
    resource: TrainingResource, project: Project, iteration: Iteration, *, threshold: float = 0.5, overlap: float = 0.3
) -> Performance:
    """Ask for the performance at a threshold.

    Raises:
        ConfigError: a threshold that is not from 0 to 1.
        ProviderError: the iteration is not trained, or the service failed.
    """
    for name, value in (("threshold", threshold), ("overlap", overlap)):
        if not 0 <= value <= 1:
            raise ConfigError(f"the {name} goes from 0 to 1, got {value:g}")
    answer = an_object(
        resource.ask(
            lambda client: client.get_iteration_performance(
                project.id, iteration.id, threshold=threshold, overlap_threshold=overlap
            )
        )
    )
    tags = [an_object(tag) for tag in listed(answer.get("perTagPerformance") or [])]
    return Performance(threshold, overlap, _quality(answer), tuple((text(tag, "name"), _quality(tag)) for tag in tags))


def _quality(value: Object) -> Quality:
    # An older iteration has no average precision; the service leaves it out or writes null.
    average = number(value, "averagePrecision") if value.get("averagePrecision") is not None else 0.0
    return Quality(number(value, "precision"), number(value, "recall"), average)
