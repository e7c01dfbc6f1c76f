"""Label files and folders: what cannot be used is said before anything long begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloudvision.errors import ConfigError
from cloudvision.gate.labels import data_digest, group_of, read_labels
from tests.labelled import folder, label_file, picture


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    for number in range(4):
        picture(number).save(tmp_path / f"{number}.png")
    return tmp_path


def rows(*worth: object, **more: list[object]) -> list[dict[str, object]]:
    extra = [dict(zip(more, values, strict=True)) for values in zip(*more.values(), strict=True)] or [{}] * len(worth)
    return [{"path": f"{n}.png", "worth": said} | extra[n] for n, said in enumerate(worth)]


def test_a_folder_has_its_groups_below_true_and_false(tmp_path: Path) -> None:
    labels = read_labels(folder(tmp_path, each=4, groups=2))
    assert [label.worth for label in labels] == [True] * 4 + [False] * 4
    assert {label.group for label in labels} == {"source-0", "source-1"}
    (tmp_path / "true" / "notes.txt").write_text("not a picture", "utf-8")
    picture(9).save(tmp_path / "true" / "alone.png")
    assert {label.group for label in read_labels(tmp_path)} == {"source-0", "source-1", "true/alone.png"}
    assert len(read_labels(tmp_path, group="folder")) == 9


def test_a_file_has_a_row_for_each_picture(pictures: Path) -> None:
    file = label_file(
        pictures / "l.csv", rows("yes", "NO", "1", "False", group=["a", "b", "", "b"], weight=[1, 50, "", 2.5])
    )
    labels = read_labels(file)
    assert [label.worth for label in labels] == [True, False, True, False]
    assert [label.weight for label in labels] == [1.0, 50.0, None, 2.5]
    assert [label.group for label in labels] == ["a", "b", "", "b"]
    assert labels[0].path == pictures / "0.png"


def test_any_column_can_name_the_group(pictures: Path) -> None:
    file = label_file(pictures / "l.csv", rows("yes", "no", customer=["x", "y"]))
    assert [label.group for label in read_labels(file, group="customer")] == ["x", "y"]


def test_paths_may_be_relative_to_where_one_stands(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(pictures)
    elsewhere = pictures / "elsewhere"
    elsewhere.mkdir()
    assert len(read_labels(label_file(elsewhere / "l.csv", rows("yes", "no")))) == 2


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (rows("yes", "no", wieght=[1, 2]), "unknown columns wieght"),
        (rows("yes", "yes"), "one class only"),
        (rows("yes", "perhaps"), "row 3: worth is 'perhaps'"),
        (rows("yes", "no", weight=["1", "-2"]), "row 3: weight is '-2'"),
        (rows("yes", "no", weight=["1", "many"]), "row 3: weight is 'many'"),
        ([], "no picture at all"),
        ([{"path": "0.png"}], "no column 'worth'"),
        ([{"worth": "yes"}], "no column 'source'"),
        ([{"path": "", "worth": "yes"}], "row 2: no path"),
        ([{"source": "https://example.com/a.png", "worth": "yes"}], "download it first"),
        ([*rows("yes", "no"), {"path": "x.png", "worth": "no"}], "1 of 3 pictures are not there"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(pictures: Path, table: list[dict[str, object]], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read_labels(label_file(pictures / "l.csv", table))


def test_places_that_are_no_labels_are_named(pictures: Path) -> None:
    with pytest.raises(ConfigError, match="true/ and false/"):
        read_labels(pictures / "labels.txt")
    with pytest.raises(ConfigError, match="cannot read the labels"):
        read_labels(pictures / "labels.csv")
    with pytest.raises(ConfigError, match="has no folder true/"):
        read_labels(pictures)
    with pytest.raises(ConfigError, match="no column 'customer'"):
        read_labels(label_file(pictures / "l.csv", rows("yes", "no")), group="customer")
    with pytest.raises(ConfigError, match="no column 'customer'"):
        read_labels(folder(pictures / "f"), group="customer")


def test_parquet_that_is_none_is_named(pictures: Path) -> None:
    pytest.importorskip("pyarrow")
    (pictures / "l.parquet").write_bytes(b"not parquet")
    with pytest.raises(ConfigError, match="cannot read the labels"):
        read_labels(pictures / "l.parquet")


@pytest.mark.parametrize(
    ("source", "group"),
    [
        ("a/b/c.jpg", "a/b"),
        ("c.jpg", ""),
        ("https://img.example.com:8443/x/y.jpg?z", "img.example.com"),
        ("s3://bucket/x/y.jpg", "bucket/x"),
    ],
)
def test_a_source_has_a_group_of_its_own(source: str, group: str) -> None:
    assert group_of(source) == group


def test_a_digest_knows_pictures_and_truths_and_no_order() -> None:
    assert data_digest([("a", True), ("b", False)]) == data_digest([("b", False), ("a", True)])
    assert data_digest([("a", True)]) != data_digest([("a", False)])
