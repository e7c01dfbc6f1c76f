"""What the tests of labels share: answers with so many words, and small labelled pictures on disk."""

from __future__ import annotations

import csv
from pathlib import Path

import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont

from cloudvision.geometry import Box, Polygon
from cloudvision.results import Analysis, Line

PLACE = Polygon.of_box(Box(0.1, 0.1, 0.8, 0.1))


def answer(text: str = "grand opening", confidence: float | None = 0.97) -> Analysis:
    """One line of text, or none where `text` is empty."""
    return Analysis(lines=(Line(text, confidence, PLACE),) if text else ())


def picture(number: int, *, text: str = "", side: int = 160) -> PIL.Image.Image:
    """A plain picture of its own colour, with large text where it is given."""
    image = PIL.Image.new("RGB", (side, side * 3 // 4), (40 + number % 150, 60, 90))
    for row in range(3 if text else 0):
        font = PIL.ImageFont.load_default(22)
        PIL.ImageDraw.Draw(image).text((6, 8 + 36 * row), text, (250, 250, 240), font=font)
    return image


def folder(place: Path, *, each: int = 8, groups: int = 4) -> Path:
    """`true/source-0/...` and `false/source-0/...` with `each` pictures."""
    for name in ("true", "false"):
        for number in range(each):
            path = place / name / f"source-{number % groups}" / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            picture(number + (0 if name == "true" else 100), text="Open today" * (name == "true")).save(path)
    return place


def label_file(path: Path, rows: list[dict[str, object]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]) if rows else ["path", "worth"])
        writer.writeheader()
        writer.writerows(rows)
    return path
