"""Projects of the emulated Custom Vision, in memory: their tags, pictures, iterations and stored predictions."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from cloudvision.emulator.custom_vision_domains import Domain
from cloudvision.emulator.custom_vision_trainer import Guess, Trained


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one tier, as its documentation of 2025-01-22 says."""

    projects: int
    images: int
    tags: int
    iterations: int = 20
    tags_per_image: int = 100
    regions_per_image: int = 300


LIMITS = {"F0": Limits(2, 5_000, 50), "S0": Limits(100, 100_000, 500)}
BATCH, BATCH_TAGS = 64, 20
"""Most pictures, and most tags, of one request."""


@dataclass(slots=True)
class Tag:
    """A tag of a project."""

    id: str
    name: str
    description: str | None
    type: str


@dataclass(frozen=True, slots=True)
class Region:
    """Where in a picture a tag applies; fractions of its width and height."""

    id: str
    tag: str
    box: tuple[float, float, float, float]
    created: float


@dataclass(slots=True)
class Picture:
    """A picture to train on. `tags`: id -> when it was tagged."""

    id: str
    data: bytes = field(repr=False)
    digest: str
    width: int
    height: int
    created: float
    tags: dict[str, float] = field(default_factory=dict)
    regions: list[Region] = field(default_factory=list)
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Export:
    """A model made ready for a platform; `blob` is None where that failed."""

    platform: str
    flavor: str | None
    blob: str | None


@dataclass(slots=True)
class Iteration:
    """One training and its model, with the tags and pictures as they were."""

    id: str
    name: str
    created: float
    modified: float
    domain: Domain
    classification: str | None
    training_type: str
    budget: int
    state: str
    """What was trained on; the same again needs no training."""

    tags: dict[str, Tag]
    pictures: dict[str, Picture]
    status: str = "Training"
    trained_at: float | None = None
    model: Trained | None = None
    error: str | None = None
    publish_name: str | None = None
    publish_resource: str | None = None
    exports: list[Export] = field(default_factory=list)


@dataclass(slots=True)
class Prediction:
    """A stored prediction, whose picture can be trained on later."""

    id: str
    iteration: str
    created: float
    data: bytes = field(repr=False)
    guesses: tuple[Guess, ...]


@dataclass(slots=True)
class Project:
    """One project of an account."""

    id: str
    account: str
    name: str
    description: str
    domain: Domain
    classification: str | None
    platforms: list[str]
    created: float
    modified: float
    tags: dict[str, Tag] = field(default_factory=dict)
    pictures: dict[str, Picture] = field(default_factory=dict)
    iterations: dict[str, Iteration] = field(default_factory=dict)
    predictions: dict[str, Prediction] = field(default_factory=dict)

    @property
    def detects(self) -> bool:
        """It finds objects rather than classifying whole pictures."""
        return self.domain.type == "ObjectDetection"


class Store:
    """All projects. Hold `lock` while reading or changing them.

    Args:
        limits: of the tier.
        now: seconds since the epoch.
        new_id: a fresh GUID.
    """

    def __init__(self, *, limits: Limits, now: Callable[[], float], new_id: Callable[[], str]) -> None:
        self.limits = limits
        self.now = now
        self.new_id = new_id
        self.lock = threading.RLock()
        self.projects: dict[str, Project] = {}
        self.blobs: dict[str, bytes] = {}
        """Exported models, by id."""

    def owned_by(self, account: str) -> list[Project]:
        """The account's projects, oldest first."""
        return [project for project in self.projects.values() if project.account == account]
