"""What the tests of `cloudvision.customvision` share: a resource without waiting, folders of pictures, a scripted service."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cloudvision.annotations import Annotated, Annotations, Mark
from cloudvision.customvision import Domain, Project, TrainingResource
from cloudvision.emulator import Emulator
from cloudvision.geometry import Box
from tests.custom_vision_clients import BLUE, GREEN, RED, picture
from tests.loopback import Request, serving

KEY = "0123456789abcdef0123456789abcdef"
COLOURS = {"apple": RED, "pear": GREEN, "plum": BLUE}
PROJECT = Project("8d3e6a5c-0000-4000-8000-000000000001", "fruit", "multiclass", Domain("d", "General", False, ()))


class Waits:
    """A clock that only sleeping moves; notes what was slept."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def resource(emulator: Emulator, waits: Waits | None = None, **more: Any) -> TrainingResource:
    """The emulator's training resource, asked without waiting."""
    waits, env = waits or Waits(), emulator.environment
    return TrainingResource(
        endpoint=env["CUSTOM_VISION_TRAINING_ENDPOINT"],
        key=env["CUSTOM_VISION_TRAINING_KEY"],
        clock=waits,
        sleep=waits.sleep,
        **more,
    )


def folder(place: Path, *, first: int = 0, **counts: int) -> Path:
    """A folder a class, each with so many pictures of its colour."""
    for name, count in counts.items():
        (place / name).mkdir(parents=True, exist_ok=True)
        for number in range(first, first + count):
            (place / name / f"{number}.png").write_bytes(picture(COLOURS[name], number))
    return place


def annotated(path: Path, *marks: tuple[str, Box] | str) -> Annotated:
    """A picture with labels, or labels with boxes."""
    return Annotated(str(path), tuple(Mark(m) if isinstance(m, str) else Mark(*m) for m in marks))


def annotations(*items: Annotated) -> Annotations:
    """These pictures."""
    return Annotations(items, tuple(dict.fromkeys(mark.name for item in items for mark in item.marks)))


@dataclass
class Scripted:
    """A service that gives its answers in turn, the last one for ever; requests are kept."""

    endpoint: str
    answers: list[tuple[str, bytes]]
    seen: list[Request] = field(default_factory=list)

    def resource(self, waits: Waits | None = None, **more: Any) -> TrainingResource:
        waits = waits or Waits()
        settings = {"key": KEY, "clock": waits, "sleep": waits.sleep, **more}
        return TrainingResource(endpoint=self.endpoint, **settings)


@contextlib.contextmanager
def scripted(*answers: tuple[str, object]) -> Iterator[Scripted]:
    """Answers as (status line, JSON values or bytes)."""
    left = [(status, body if isinstance(body, bytes) else json.dumps(body).encode()) for status, body in answers]

    def answer(request: Request) -> None:
        service.seen.append(request)
        status, body = service.answers.pop(0) if len(service.answers) > 1 else service.answers[0]
        request.answer(body, status=status, content_type="application/json")

    handler: Callable[[Request], None] = answer
    with serving(handler) as server:
        service = Scripted(server.url(""), left)
        yield service
