"""Annotations of any content: they are read, or told to be wrong; nothing else comes out."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloudvision.annotations import Format, read_annotations
from cloudvision.errors import ConfigError
from tests.pictures import png

pytestmark = pytest.mark.filterwarnings("error")
QUICK = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

WORDS = st.sampled_from(
    [
        "a.png",
        "fork",
        "0",
        "-1",
        "1e999",
        "nan",
        "0.5",
        "",
        "9" * 5000,
        "\0",
        "http://x/y",
        "../a.png",
        "é",
        "\ud800",
        "a" * 5000,
    ]
)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), WORDS)
KEYS = ("source", "label", "labels", "marks", "name", "box", "left", "top", "width", "height", "group", "a.png")
COCO_KEYS = ("images", "annotations", "categories", "id", "image_id", "category_id", "bbox", "file_name")
JSONS = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(KEYS + COCO_KEYS),
            inner,
            max_size=6,
        )
    ),
    max_leaves=25,
)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "a.png").write_bytes(png(1))
    return tmp_path


def read(path: Path, format: Format) -> None:
    """It can be read, and all boxes are finite; or it is an error of ours."""
    try:
        found = read_annotations(path, format=format)
    except ConfigError:
        return
    for item in found.items:
        assert item.is_url or Path(item.source).is_file()
        for mark in item.marks:
            assert mark.name.strip() == mark.name != ""
            assert mark.name.encode()
            if mark.box is not None:
                box = mark.box
                assert all(math.isfinite(side) for side in (box.left, box.top, box.width, box.height))
                assert box.width > 0 < box.height


@QUICK
@given(JSONS)
def test_any_json(place: Path, value: object) -> None:
    for format in ("json", "jsonl", "coco"):
        file = place / "t.json"
        file.write_text(json.dumps(value), encoding="utf-8", errors="replace")
        read(file, format)  # type: ignore[arg-type]


@QUICK
@given(st.fixed_dictionaries({key: st.lists(JSONS, max_size=3) for key in ("images", "annotations", "categories")}))
def test_any_coco(place: Path, value: object) -> None:
    (place / "t.json").write_text(json.dumps(value), encoding="utf-8", errors="replace")
    read(place / "t.json", "coco")


@QUICK
@given(
    st.lists(st.lists(WORDS, max_size=8), max_size=5),
    st.sampled_from(["left,top,width,height", "x", "xmin,ymin,xmax,ymax,width,height"]),
)
def test_any_table(place: Path, rows: list[list[str]], box: str) -> None:
    lines = [f"source,label,{box}", *(",".join(row) for row in rows)]
    (place / "t.csv").write_text("\n".join(lines), encoding="utf-8", errors="replace")
    read(place / "t.csv", "csv")


@QUICK
@given(st.lists(st.lists(WORDS, max_size=8), max_size=4), st.lists(WORDS, max_size=3))
def test_any_yolo(place: Path, lines: list[list[str]], names: list[str]) -> None:
    (place / "a.txt").write_text("\n".join(" ".join(line) for line in lines), encoding="utf-8", errors="replace")
    (place / "classes.txt").write_text("\n".join(names), encoding="utf-8", errors="replace")
    read(place, "yolo")
    (place / "t.yaml").write_text("names: " + "\n".join(names), encoding="utf-8", errors="replace")
    read(place / "t.yaml", "yolo")


@QUICK
@given(st.lists(WORDS, min_size=8, max_size=8))
def test_any_voc(place: Path, words: list[str]) -> None:
    tags = ("folder", "filename", "size/width", "size/height", "name", "xmin", "ymin", "ymax")
    body = "".join(f"<{tag}>{word}</{tag}>" for tag, word in zip(tags[:2], words, strict=False))
    body += "<size><width>{}</width><height>{}</height></size>".format(*words[2:4])
    body += "<object><name>{}</name><bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax></bndbox></object>".format(
        *words[4:]
    )
    (place / "a.xml").write_text(f"<annotation>{body}</annotation>", encoding="utf-8", errors="replace")
    read(place, "voc")


@QUICK
@given(st.binary(max_size=200), st.sampled_from(["csv", "json", "jsonl", "coco", "voc", "yolo"]))
def test_any_bytes(place: Path, data: bytes, format: Format) -> None:
    file = place / "t.any"
    file.write_bytes(data)
    read(file, format)
