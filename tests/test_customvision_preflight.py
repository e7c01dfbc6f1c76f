"""The look before an upload: too few images, boxes out of range, unreadable files, labels that contradict each other."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from PIL import Image

from cloudvision.annotations import Annotated, Mark, read_annotations
from cloudvision.customvision import Preflight, check
from cloudvision.geometry import Box
from tests.custom_vision_clients import GREEN, RED, picture
from tests.customvision_rig import annotated, annotations, folder
from tests.pictures import png

BOX = Box(0.1, 0.2, 0.3, 0.4)


def made(place: Path, number: int = 0) -> Path:
    path = place / f"{number}.png"
    path.write_bytes(png(number))
    return path


def reasons(found: Preflight) -> list[str]:
    return [reason.rpartition("/")[2] for reason in found.left_out]


def test_tags_with_too_few_images_are_told_before_anything_is_sent(tmp_path: Path) -> None:
    found = check(read_annotations(folder(tmp_path, apple=5, pear=4)), kind="multiclass")
    assert ("'pear' has 4 of the 5 images that each tag needs",) == found.blocking
    assert {"apple": 5, "pear": 4} == found.counts
    assert () == check(read_annotations(tmp_path), kind="multiclass", already={"pear": 1}).blocking


def test_detection_needs_fifteen_and_one_label_will_do(tmp_path: Path) -> None:
    items = [annotated(made(tmp_path, number), ("fork", BOX), ("fork", BOX)) for number in range(15)]
    assert () == check(annotations(*items), kind="detection").blocking
    assert ("'fork' has 14 of the 15 images that each tag needs",) == check(
        annotations(*items[1:]), kind="detection"
    ).blocking


def test_classification_needs_two_labels_and_the_negative_one_is_none(tmp_path: Path) -> None:
    found = check(read_annotations(folder(tmp_path, apple=5, pear=2)), kind="multiclass", negative="pear")
    assert ("classification needs two labels or more",) == found.blocking


def test_a_tier_takes_so_many_labels(tmp_path: Path) -> None:
    items = [annotated(made(tmp_path, number), f"label {number}") for number in range(51)]
    assert "51 labels, where the tier F0 takes 50" in check(annotations(*items), kind="multilabel", tier="F0").blocking
    assert not [line for line in check(annotations(*items), kind="multilabel").blocking if "tier" in line]


def test_files_that_are_no_pictures_are_left_out_with_their_reason(tmp_path: Path) -> None:
    half, long = tmp_path / "half.png", tmp_path / "long.png"
    half.write_bytes(picture(RED, size=(300, 200))[:60])
    long.write_bytes(picture(RED, size=(300, 11)))
    gone = annotations(annotated(half, "a"), annotated(long, "a"), annotated(tmp_path / "gone.png", "a"))
    found = check(gone, kind="multiclass")
    assert () == found.ready
    assert 3 == len(found.left_out)
    assert "long.png: 300x11 pixels: one side is over 25 times the other" in reasons(found)


@pytest.mark.parametrize(
    ("box", "sent"),
    [
        (Box(0.1, 0.2, 0.3, 0.4), Box(0.1, 0.2, 0.3, 0.4)),
        (Box(-0.005, 0.2, 0.305, 0.4), Box(0.0, 0.2, 0.3, 0.4)),
        (Box(0.7, 0.6, 0.305, 0.4), Box(0.7, 0.6, 0.3, 0.4)),
        (Box(-0.02, 0.2, 0.3, 0.4), None),
        (Box(0.9, 0.2, 0.3, 0.4), None),
        (Box(1.0, 0.2, 0.005, 0.4), None),
    ],
)
def test_boxes_are_cut_where_they_were_rounded_and_refused_where_they_are_wrong(
    tmp_path: Path, box: Box, sent: Box | None
) -> None:
    found = check(annotations(annotated(made(tmp_path), ("fork", box))), kind="detection")
    if sent is None:
        assert "has a box of 'fork' out of range" in found.left_out[0]
        return
    (mark,) = found.ready[0].marks
    assert mark.box is not None
    assert (sent.left, sent.top) == (mark.box.left, mark.box.top)
    assert pytest.approx((sent.width, sent.height)) == (mark.box.width, mark.box.height)
    assert 1 >= mark.box.right
    assert 1 >= mark.box.bottom
    assert (box != sent) is any("rounding" in note for note in found.notes)


def test_marks_must_be_of_the_kind_of_the_project(tmp_path: Path) -> None:
    bare, boxed = annotated(made(tmp_path, 1), "fork"), annotated(made(tmp_path, 2), ("fork", BOX))
    empty = annotated(made(tmp_path, 3))
    detection = check(annotations(bare, boxed, empty), kind="detection")
    assert ["2.png"] == [Path(one.sources[0]).name for one in detection.ready]
    assert [
        "1.png: has the label 'fork' without a box",
        "3.png: has no box: object detection is not trained on such pictures",
    ] == reasons(detection)
    whole = check(annotations(bare, boxed, empty), kind="multiclass")
    assert [(Mark("fork"),), (Mark("fork"),)] == [one.marks for one in whole.ready]
    assert ["3.png: has no label; with a negative tag it could be used"] == reasons(whole)
    assert any("only the names are used" in note for note in whole.notes)
    with_negative = check(annotations(bare, boxed, empty), kind="multiclass", negative="none")
    assert (Mark("none"),) == with_negative.ready[2].marks


def test_the_same_picture_in_two_folders_is_a_contradiction_or_two_labels(tmp_path: Path) -> None:
    for name in ("red", "round"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.png").write_bytes(png(1))
    single = check(read_annotations(tmp_path), kind="multiclass")
    assert () == single.ready
    assert 2 == len(single.left_out)
    assert "has several labels, red, round, where one is taken (the same picture as" in single.left_out[0]
    several = check(read_annotations(tmp_path), kind="multilabel")
    assert [(Mark("red"), Mark("round"))] == [one.marks for one in several.ready]
    assert ("is there more than once, and is uploaded once",) == several.notes


def test_a_thing_that_was_boxed_twice_counts_once(tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    near, far = Box(0.11, 0.2, 0.3, 0.4), Box(0.6, 0.6, 0.2, 0.2)
    one = annotated(made(tmp_path), ("fork", BOX), ("knife", BOX))
    two = annotated(made(tmp_path / "again"), ("fork", near), ("fork", far))
    (picture_,) = check(annotations(one, two), kind="detection").ready
    assert (Mark("fork", BOX), Mark("knife", BOX), Mark("fork", far)) == picture_.marks


def test_a_picture_that_lies_on_its_side_is_told_where_boxes_matter(tmp_path: Path) -> None:
    stream, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (64, 48), GREEN).save(stream, "JPEG", exif=exif)
    (tmp_path / "t.jpg").write_bytes(stream.getvalue())
    found = check(annotations(annotated(tmp_path / "t.jpg", ("fork", BOX))), kind="detection")
    assert any("EXIF orientation" in note for note in found.notes)


def test_a_name_that_is_no_text_can_be_shown(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/\xff.png"
    Path(os.fsdecode(path)).write_bytes(png(1))
    (one,) = check(annotations(annotated(Path(os.fsdecode(path)), "a")), kind="multiclass").ready
    assert one.shown.encode().endswith(b"\\udcff.png")


def test_signatures_of_addresses_are_not_shown() -> None:
    url = "https://a.example/1.jpg?sig=SECRETSECRETSECRETSECRET"
    found = check(annotations(Annotated(url, (Mark("a"), Mark("b")))), kind="multiclass")
    assert ["https://a.example/1.jpg?sig=***: has several labels, a, b, where one is taken"] == list(found.left_out)
    ready = check(annotations(Annotated(url, (Mark("a"),))), kind="multiclass").ready[0]
    assert "SECRET" not in ready.shown
