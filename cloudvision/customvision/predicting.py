"""Asking an iteration about pictures through the training resource ("quick test"): published or not, nothing is stored."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

from cloudvision import images
from cloudvision.customvision.answers import Iteration, Object, Project, an_object, listed, number, text
from cloudvision.customvision.resource import TrainingResource
from cloudvision.geometry import Box
from cloudvision.providers.azure_custom_vision import LIMITS


@dataclass(frozen=True, slots=True)
class Guess:
    """What a model says: a tag with a probability of 0 to 1, and for object detection where, as fractions."""

    name: str
    probability: float
    box: Box | None = None


def predict(
    resource: TrainingResource, project: Project, iteration: Iteration, source: str | Path | bytes
) -> tuple[Guess, ...]:
    """What an iteration sees in a picture, surest first. Billed as a prediction.

    For published iterations in numbers use the provider "azure-custom-vision", which has gate, ledger and budget.

    Args:
        source: a path, the bytes of a file, or a URL, which the service fetches itself.

    Raises:
        ImageError: the picture cannot be read, or made to fit.
        ProviderError: the service refused or failed.
    """
    if isinstance(source, str) and source.lower().startswith(("http://", "https://")):
        answer = resource.ask(
            lambda client: client.quick_test_image_url(project.id, source, iteration_id=iteration.id, store=False)
        )
    else:
        data = images.load(source).prepare(LIMITS).data
        answer = resource.ask(
            # A new stream each time: the first attempt reads it to its end.
            lambda client: client.quick_test_image(project.id, io.BytesIO(data), iteration_id=iteration.id, store=False)
        )
    found = [_guess(an_object(one)) for one in listed(an_object(answer).get("predictions") or [])]
    return tuple(sorted(found, key=lambda guess: -guess.probability))


def _guess(value: Object) -> Guess:
    box = value.get("boundingBox")
    place = None
    if box is not None:
        sides = an_object(box)
        place = Box(number(sides, "left"), number(sides, "top"), number(sides, "width"), number(sides, "height"))
    return Guess(text(value, "tagName"), number(value, "probability"), place)
