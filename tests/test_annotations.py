"""Annotations: every form gives the same pictures and marks, and what is wrong is told with its place."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from cloudvision.annotations import Annotations, Mark, joined, read_annotations
from cloudvision.errors import ConfigError
from cloudvision.geometry import Box
from tests.pictures import png

BOX = Box(0.25, 0.5, 0.5, 0.25)
"""Of a picture of 100 x 100: x from 25 to 75, y from 50 to 75."""

VOC = (
    "<annotation><folder>images</folder><filename>{name}</filename>\n<size><width>100</width><height>100</height></size>\n"
    "{objects}</annotation>"
)
OBJECT = "<object><name>fork</name><bndbox><xmin>25</xmin><ymin>50</ymin><xmax>75</xmax><ymax>{ymax}</ymax></bndbox></object>\n"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with `a.png` and `b.png` in `images`."""
    (tmp_path / "images").mkdir()
    for number, name in enumerate("ab"):
        (tmp_path / "images" / f"{name}.png").write_bytes(png(number))
    return tmp_path


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def as_csv(place: Path) -> Path:
    return write(place / "t.csv", "Source,Label,left,top,width,height\nimages/a.png,fork,.25,.5,.5,.25\nb.png,,,,,\n")


def as_pixels(place: Path) -> Path:
    rows = "filename,width,height,class,xmin,ymin,xmax,ymax\na.png,100,100,fork,25,50,75,75\nb.png,100,100,,,,,\n"
    return write(place / "t.csv", rows)


def as_lines(place: Path) -> Path:
    mark = {"name": "fork", "box": {"left": 0.25, "top": 0.5, "width": 0.5, "height": 0.25}}
    return write(place / "t.jsonl", json.dumps({"source": "a.png", "marks": [mark]}) + '\n\n{"path": "b.png"}\n')


def as_object(place: Path) -> Path:
    mark = {"tag": "fork", "left": 0.25, "top": 0.5, "width": 0.5, "height": 0.25}
    return write(place / "t.json", json.dumps({"images/a.png": [mark], "images/b.png": []}))


def as_coco(place: Path) -> Path:
    values = {
        "images": [
            {"id": id, "file_name": f"{name}.png", "width": 100, "height": 100} for id, name in ((7, "a"), (9, "b"))
        ],
        "annotations": [{"id": 1, "image_id": 7, "category_id": 3, "bbox": [25, 50, 50, 25]}],
        "categories": [{"id": 3, "name": "fork"}],
    }
    return write(place / "annotations" / "instances_train.json", json.dumps(values))


def as_voc(place: Path) -> Path:
    write(place / "annotations" / "a.xml", VOC.format(name="a.png", objects=OBJECT.format(ymax=75)))
    write(place / "annotations" / "b.xml", VOC.format(name="elsewhere.jpg", objects=""))
    return place


def as_yolo(place: Path) -> Path:
    write(place / "data.yaml", "train: images\nnames:\n  0: fork\nnc: 1\n")
    write(place / "labels" / "a.txt", "0 0.5 0.625 0.5 0.25\n")
    return place


FORMS = [as_csv, as_pixels, as_lines, as_object, as_coco, as_voc, as_yolo]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_every_form_says_the_same(place: Path, form: Callable[[Path], Path]) -> None:
    found = read_annotations(form(place))
    assert {"a.png": (Mark("fork", BOX),), "b.png": ()} == {Path(item.source).name: item.marks for item in found.items}
    assert ("fork",) == found.labels
    assert () == found.problems
    assert found.has_boxes
    assert all(Path(item.source).is_file() for item in found.items)


def test_a_folder_a_class_has_groups_below_its_classes(tmp_path: Path) -> None:
    for number, name in enumerate(("pear/1.png", "apple/red/2.png", "apple/notes.txt", "apple/.hidden/3.png")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"text" if name.endswith("txt") else png(number))
    (tmp_path / "apple" / "bad.jpg").write_bytes(b"<html>")
    (tmp_path / "loose.png").write_bytes(png(9))
    found = read_annotations(tmp_path)
    assert [("apple", "red"), ("pear", "")] == [(item.marks[0].name, item.group) for item in found.items]
    assert ["bad.jpg: is named like a picture and is none", "loose.png: lies in no class folder"] == sorted(
        problem.rpartition("/")[2] for problem in found.problems
    )


def test_a_stray_file_of_another_form_changes_nothing(tmp_path: Path) -> None:
    for name in ("apple", "pear"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.png").write_bytes(png(len(name)))
    write(tmp_path / "apple" / "Thumbs.xml", "<thumbs/>")
    write(tmp_path / "labels.txt", "apple\npear\n")
    write(tmp_path / "notes.json", "{}")
    assert ("apple", "pear") == read_annotations(tmp_path).labels


def test_pictures_in_several_folders_are_joined_when_asked(tmp_path: Path) -> None:
    for folder in ("red", "round"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "1.png").write_bytes(png(1))
    (tmp_path / "red" / "2.png").write_bytes(png(2))
    found = read_annotations(tmp_path)
    assert 3 == len(found.items)
    assert [("red", "round"), ("red",)] == [tuple(mark.name for mark in item.marks) for item in joined(found).items]


def test_urls_stay_as_they_are(tmp_path: Path) -> None:
    table = write(tmp_path / "t.csv", "url,label,group\nhttps://a.example/1.jpg?sig=x,apple,shop\n")
    (item,) = read_annotations(table).items
    assert ("https://a.example/1.jpg?sig=x", True, "shop") == (item.source, item.is_url, item.group)


def test_lines_of_one_picture_are_brought_together(place: Path) -> None:
    table = write(place / "t.csv", "path,label\na.png,red\nb.png,red\na.png,round\n")
    found = read_annotations(table)
    assert [("red", "round"), ("red",)] == [tuple(mark.name for mark in item.marks) for item in found.items]
    assert ("red", "round") == found.labels


def told(place: Path, found: Annotations) -> list[str]:
    return [problem.removeprefix(f"{place}/") for problem in found.problems]


def test_a_picture_with_one_bad_mark_is_left_out_and_its_line_is_told(place: Path) -> None:
    rows = "a.png,fork,.1,.1,.1,.1\na.png,fork,.1,.1,0,.1\nb.png,fork,.1,.1,.1,.1\nc.png,x,,,,\n"
    found = read_annotations(write(place / "t.csv", f"path,label,left,top,width,height\n{rows}"))
    assert ["b.png"] == [Path(item.source).name for item in found.items]
    assert [
        "t.csv, line 3: a box without area: width 0, height 0.1",
        "t.csv, line 5: there is no picture c.png",
    ] == told(place, found)


def test_what_is_wrong_in_voc_is_told_by_file_and_line(place: Path) -> None:
    as_voc(place)
    write(place / "annotations" / "a.xml", VOC.format(name="a.png", objects=OBJECT.format(ymax="high")))
    found = read_annotations(place)
    assert ["annotations/a.xml, line 3: ymax is not a number: 'high'"] == told(place, found)


@pytest.mark.parametrize(
    "bomb",
    [
        '<!DOCTYPE annotation [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><annotation>&b;</annotation>',
        '<!DOCTYPE annotation SYSTEM "file:///etc/passwd"><annotation/>',
    ],
)
def test_a_document_type_is_not_read(place: Path, bomb: str) -> None:
    as_voc(place)
    write(place / "annotations" / "a.xml", bomb)
    assert ["annotations/a.xml: line 1: has a document type, which is not read"] == told(place, read_annotations(place))


def test_elements_in_elements_end_somewhere(place: Path) -> None:
    as_voc(place)
    write(place / "annotations" / "a.xml", "<a>" * 100_000)
    assert ["annotations/a.xml: line 1: elements within elements, deeper than 50"] == told(
        place, read_annotations(place)
    )


def test_what_is_wrong_in_coco_and_yolo_is_told_by_its_place(place: Path) -> None:
    path = as_coco(place)
    values = json.loads(path.read_text())
    values["annotations"] += [
        {"image_id": 9, "category_id": 4, "bbox": [1, 2, 3, 4]},
        {"image_id": 8, "category_id": 3},
    ]
    write(path, json.dumps(values))
    assert [
        "annotations/instances_train.json, annotations[1]: its category 4 is not among the categories",
        "annotations/instances_train.json, annotations[2]: its picture 8 is not among the images that can be used",
    ] == told(place, read_annotations(path))
    write(as_yolo(place) / "labels" / "b.txt", "0 .5 .5 .1 .1\n1 .5 .5 .1 .1\n")
    assert ["labels/b.txt, line 2: '1' is not the number of a class; there are 1, from 0 on"] == told(
        place, read_annotations(place)
    )


def test_an_outline_of_yolo_is_taken_by_its_box(place: Path) -> None:
    write(as_yolo(place) / "labels" / "a.txt", "0 .25 .5 .75 .5 .5 .75\n")
    found = read_annotations(place)
    assert (Mark("fork", BOX),) == found.items[0].marks


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("data.yaml", "names: [apple, 'red pear', \"plum\"]\nnc: 3\n"),
        ("data.yaml", "nc: 3\nnames: ['apple',\n  'red pear', plum]  # three\n"),
        ("data.yaml", "names:\n- apple\n- red pear\n- 'plum'\n"),
        ("data.yaml", "names:  # by number\n  2: plum\n  0: apple\n\n  1: red pear\nval: x\n"),
        ("data.yaml", "names: {0: apple, 1: red pear, 2: plum}\n"),
        ("classes.txt", "apple\nred pear\nplum\n\n"),
    ],
)
def test_class_lists(place: Path, name: str, text: str) -> None:
    write(place / name, text)
    assert ("apple", "red pear", "plum") == read_annotations(place).labels


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("t.csv", "picture,label\n", "line 1: of the columns picture, label, none of source"),
        ("t.csv", "path,label,xmin,ymin\n", "missing: xmax, ymax, width, height"),
        ("t.csv", "path,label\nnone.png,x\n", "no picture that can be used; .*line 2: there is no picture none.png"),
        ("t.jsonl", "{", "no picture that can be used; .*line 1: not JSON"),
        ("t.json", "{", "not JSON"),
        ("t.json", "[1]", "expected an object with pictures as keys"),
        ("classes.txt", "a\na\n", "'a' is there twice"),
        ("data.yaml", "names: 5\n", "line 1: names is neither a list nor numbered from 0 on"),
        ("t.doc", "x", "say the format: folders, csv"),
    ],
)
def test_a_file_that_cannot_be_used_is_an_error_that_says_why(tmp_path: Path, name: str, text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        read_annotations(write(tmp_path / name, text))


def test_the_raccoons_are_read(shared: Path) -> None:
    found = read_annotations(shared / "side" / "det-raccoon")
    assert (200, ("raccoon",), ()) == (len(found.items), found.labels, found.problems)
    assert 217 == sum(len(item.marks) for item in found.items)
    forks = read_annotations(next((shared / "side" / "det-fork-scissors").glob("*.json")))
    assert (40, ("fork", "scissors"), ()) == (len(forks.items), forks.labels, forks.problems)
