"""The services, and where they live. Adding one costs a module and a line here."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from cloudvision.emulator.service import Service, Surroundings

SERVICES: dict[str, str] = {
    "rekognition": "cloudvision.emulator.rekognition:Rekognition",
    "image-analysis": "cloudvision.emulator.image_analysis:ImageAnalysis",
    "document-intelligence": "cloudvision.emulator.document_intelligence:DocumentIntelligence",
    "custom-vision": "cloudvision.emulator.custom_vision:CustomVision",
}
"""Name -> "module:Class"; the class takes one `Surroundings`."""


def open_services(surroundings: Surroundings) -> tuple[Service, ...]:
    """One object of each."""
    return tuple(_open(place, surroundings) for place in SERVICES.values())


def _open(place: str, surroundings: Surroundings) -> Service:
    module, _, name = place.partition(":")
    return cast(Service, getattr(import_module(module), name)(surroundings))
