"""A picture to learn from, however it is given."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import PIL.Image
from numpy.typing import NDArray

from cloudvision import images
from cloudvision.errors import ImageError

Source = str | os.PathLike[str] | bytes | NDArray[Any] | PIL.Image.Image | images.Image
"""A path, the bytes of a file, an array, a Pillow image, or what `images.load` gave. Nothing is downloaded."""


def loaded(picture: Source) -> images.Image:
    """Raises ImageError where it is no picture, or cannot be read."""
    if isinstance(picture, images.Image):
        return picture
    if isinstance(picture, str | os.PathLike):
        name = os.fspath(picture)
        try:
            return images.load(Path(name).read_bytes(), name=name)
        except OSError as exc:
            raise ImageError(name, f"cannot be read ({exc.strerror})") from exc
    return images.load(picture)


def name_of(picture: Source) -> str:
    """What to call it in a message."""
    if isinstance(picture, images.Image):
        return picture.source
    return str(picture) if isinstance(picture, str | os.PathLike) else "a picture given from memory"
