"""A folder a class: `apple/1.jpg` shows an apple. Folders below a class are groups of it."""

from __future__ import annotations

from pathlib import Path

from cloudvision.annotations._gathering import Gathering
from cloudvision.annotations._pictures import ENDINGS, files_below, is_picture
from cloudvision.annotations.annotated import Annotations, Mark
from cloudvision.errors import ConfigError


def read_folders(path: Path) -> Annotations:
    """One subfolder a class. A picture that lies in several is listed as often (see `joined`).

    Raises:
        ConfigError: no folder, or no class in it.
    """
    if not path.is_dir():
        raise ConfigError(f"{path}: is no folder; a folder a class is expected")
    found = Gathering()
    for file in files_below(path):
        below = file.relative_to(path)
        if len(below.parts) < 2:
            if is_picture(file):
                found.problem(str(file), "lies in no class folder")
        elif is_picture(file):
            found.add(str(file), Mark(below.parts[0]), group="/".join(below.parts[1:-1]))
        elif file.suffix.lower() in ENDINGS:
            found.problem(str(file), "is named like a picture and is none")
    return found.done(path)
