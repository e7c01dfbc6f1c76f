"""COCO's object detection form: `images`, `annotations` with `bbox` (left, top, width, height in pixels), `categories`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cloudvision.annotations._gathering import Gathering, UnusableError, box_of_pixels, name_in, number_in
from cloudvision.annotations._pictures import Finder, around
from cloudvision.annotations._text import json_of
from cloudvision.annotations.annotated import Annotations, Mark
from cloudvision.errors import ConfigError
from cloudvision.geometry import Box


def read_coco(path: Path) -> Annotations:
    """Pictures without an annotation are kept: they show none of the labels. Marks of crowds are not used.

    Raises:
        ConfigError: the file cannot be read, or is of another form.
    """
    value = json_of(path)
    if not is_coco(value):
        raise ConfigError(f'{path}: not of COCO\'s form, an object with the lists "images" and "annotations"')
    found, names = Gathering(), _categories(value, path)
    # instances_train2017.json has its pictures in train2017/
    finder = Finder(around(path, path.stem.rpartition("_")[2]))
    images: dict[Any, tuple[str, Mapping[str, Any]]] = {}
    for number, image in enumerate(value["images"], 1):
        place = f"{path}, images[{number - 1}]"
        try:
            key, entry = _entry(image, "id")
            source = finder.find(entry.get("file_name"), entry.get("coco_url"))
            images[key] = source, entry
            found.add(source)
        except UnusableError as exc:
            found.problem(place, exc)
    for name in names.values():
        found.label(name)
    for number, annotation in enumerate(value["annotations"], 1):
        _annotation(annotation, f"{path}, annotations[{number - 1}]", images, names, found)
    return found.done(path)


def is_coco(value: object) -> bool:
    """Whether JSON values are of this form."""
    return isinstance(value, dict) and all(isinstance(value.get(key), list) for key in ("images", "annotations"))


def _categories(value: Mapping[str, Any], path: Path) -> dict[Any, str]:
    names: dict[Any, str] = {}
    listed = value.get("categories")
    for number, category in enumerate(listed if isinstance(listed, list) else (), 1):
        try:
            key, entry = _entry(category, "id")
            names[key] = name_in(entry.get("name"))
        except UnusableError as exc:
            raise ConfigError(f"{path}, categories[{number - 1}]: {exc}") from exc
    return names


def _annotation(
    annotation: object,
    place: str,
    images: Mapping[Any, tuple[str, Mapping[str, Any]]],
    names: Mapping[Any, str],
    found: Gathering,
) -> None:
    source = None
    try:
        key, entry = _entry(annotation, "image_id")
        if key not in images:
            raise UnusableError(f"its picture {key!r:.60} is not among the images that can be used")
        source, image = images[key]
        category, _ = _entry(annotation, "category_id")
        if category not in names:
            raise UnusableError(f"its category {category!r:.60} is not among the categories")
        if entry.get("iscrowd") == 1:
            found.problem(place, "marks a crowd, which is no single box; not used")
            return
        found.add(source, Mark(names[category], _box(entry.get("bbox"), image)))
    except UnusableError as exc:
        found.problem(place, exc, source=source)


def _box(bbox: object, image: Mapping[str, Any]) -> Box | None:
    if bbox is None or bbox == []:
        return None
    if not isinstance(bbox, list) or len(bbox) != 4:
        raise UnusableError(f"bbox is not left, top, width and height: {bbox!r:.60}")
    left, top, width, height = (number_in(side, "bbox") for side in bbox)
    size = number_in(image.get("width"), "the picture's width"), number_in(image.get("height"), "the picture's height")
    return box_of_pixels((left, top, left + width, top + height), size)


def _entry(value: object, key: str) -> tuple[int | str, Mapping[str, Any]]:
    if not isinstance(value, dict):
        raise UnusableError(f"expected an object, got {value!r:.60}")
    found = value.get(key)
    if isinstance(found, bool) or not isinstance(found, int | str):
        raise UnusableError(f"{key} is missing or is no number: {found!r:.60}")
    return found, value
