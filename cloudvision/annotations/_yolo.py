"""YOLO: a text file a picture, a line a box: class number, centre x, centre y, width and height as fractions.

The pictures lie beside their text files, or in `images/...` where those lie in `labels/...`. The names of the classes stand in
`classes.txt` (or `obj.names`), one a line, or under `names` of `data.yaml`. A line with more numbers is an outline, whose
box is taken.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cloudvision.annotations._class_list import CLASS_FILES, class_names
from cloudvision.annotations._gathering import Gathering, UnusableError, box_of, number_in
from cloudvision.annotations._pictures import ENDINGS, files_below, is_picture
from cloudvision.annotations._text import text_of
from cloudvision.annotations.annotated import Annotations, Mark
from cloudvision.errors import ConfigError


def read_yolo(path: Path) -> Annotations:
    """A folder with a class list, or the class list itself. Pictures without a text file show none of the classes.

    Raises:
        ConfigError: no class list, or nothing that can be used.
    """
    listed = path if path.is_file() else class_file(path)
    if listed is None:
        raise ConfigError(f"{path}: no list of the classes; put {', '.join(CLASS_FILES)} there")
    names, root = class_names(listed), listed.parent
    found = Gathering(names)
    for file in files_below(root):
        if not is_picture(file):
            if file.suffix.lower() in ENDINGS:
                found.problem(str(file), "is named like a picture and is none")
            continue
        found.add(str(file), group=_group(file.relative_to(root)))
        text = next((text for text in _texts(file, root) if text.is_file()), None)
        if text is not None:
            _marks(text, str(file), names, found)
    return found.done(path)


def class_file(folder: Path) -> Path | None:
    """The class list of a folder."""
    return next((folder / name for name in CLASS_FILES if (folder / name).is_file()), None)


def _texts(picture: Path, root: Path) -> Iterator[Path]:
    """Where the text file of a picture may lie."""
    below = picture.relative_to(root).with_suffix(".txt")
    yield root / below
    for index, part in enumerate(below.parts[:-1]):
        if part == "images":
            yield root.joinpath(*below.parts[:index], "labels", *below.parts[index + 1 :])
    yield root / "labels" / below


def _group(below: Path) -> str:
    return "/".join(part for part in below.parts[:-1] if part != "images")


def _marks(text: Path, source: str, names: tuple[str, ...], found: Gathering) -> None:
    try:
        lines = text_of(text).splitlines()
    except ConfigError as exc:
        found.problem(str(text), exc, source=source)
        return
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                found.add(source, _mark(line.split(), names))
            except UnusableError as exc:
                found.problem(f"{text}, line {number}", exc, source=source)


def _mark(words: list[str], names: tuple[str, ...]) -> Mark:
    if not (words[0].isascii() and words[0].isdigit() and len(words[0]) < 10 and int(words[0]) < len(names)):
        raise UnusableError(f"{words[0][:60]!r} is not the number of a class; there are {len(names)}, from 0 on")
    numbers = [number_in(word, "a side") for word in words[1:]]
    if len(numbers) == 4:
        x, y, width, height = numbers
    elif len(numbers) >= 6 and len(numbers) % 2 == 0:
        xs, ys = numbers[::2], numbers[1::2]
        width, height = max(xs) - min(xs), max(ys) - min(ys)
        x, y = min(xs) + width / 2, min(ys) + height / 2
    else:
        raise UnusableError(f"{len(numbers)} numbers after the class, where a box has 4 and an outline 6 or more")
    return Mark(names[int(words[0])], box_of(x - width / 2, y - height / 2, width, height))
