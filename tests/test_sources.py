"""From names to sources: lazily, in order, and by content rather than by file name."""

from __future__ import annotations

import io
from itertools import islice
from pathlib import Path

import pytest
from PIL import Image

from cloudvision.case import Unusable
from cloudvision.errors import ConfigError
from cloudvision.images import Remote
from cloudvision.sources import Passed, expand


def picture(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (40, 40)).save(path, "PNG")
    return path


def test_a_folder_gives_its_pictures_by_content_and_counts_the_rest(tmp_path: Path) -> None:
    first, second = picture(tmp_path / "a" / "no_ending"), picture(tmp_path / "b.png")
    (tmp_path / "c.jpg").write_text("<html>not a picture</html>")
    passed = Passed()
    assert [second, first] == list(expand([str(tmp_path)], passed=passed))
    assert 1 == passed.files


def test_a_list_gives_its_lines_without_comments(tmp_path: Path) -> None:
    names = tmp_path / "list.txt"
    names.write_text(
        "\ufeffone.jpg\n\n# a comment\n  https://example.com/a b.png  \ns3://bucket/some/key.png\n", encoding="utf-8"
    )
    one, url, s3 = expand([f"@{names}"])
    assert (Path("one.jpg"), "https://example.com/a b.png") == (one, url)
    assert Remote("s3://bucket/some/key.png", bucket="bucket", key="some/key.png") == s3


def test_a_column_of_a_csv_file_and_a_field_of_json_lines_are_lists_too(tmp_path: Path) -> None:
    rows, lines = tmp_path / "rows.csv", tmp_path / "rows.jsonl"
    rows.write_text('id,photo\n1,"a,b.jpg"\n2,\n3,c.jpg\n')
    lines.write_text('{"photo": "d.jpg"}\n\n{"photo": "e.jpg"}\n')
    found = [s if isinstance(s, Unusable) else str(s) for s in expand([f"@{rows}:photo", f"@{lines}:photo"])]
    assert ["a,b.jpg", Unusable(f"{rows}, row 2", "nothing in column 'photo'"), "c.jpg", "d.jpg", "e.jpg"] == found


def test_a_glob_gives_its_matches_in_order(tmp_path: Path) -> None:
    paths = [picture(tmp_path / name) for name in ("b.png", "a.png", "sub/c.png")]
    assert [paths[1], paths[0], paths[2]] == list(expand([f"{tmp_path}/**/*.png"]))


def test_standard_input_is_a_list() -> None:
    assert [Path("a.jpg"), Path("b.jpg")] == list(expand(["-"], stdin=io.StringIO("a.jpg\nb.jpg\n")))


def test_a_file_whose_name_looks_like_a_glob_is_that_file(tmp_path: Path) -> None:
    path = picture(tmp_path / "photo[1].png")
    assert [path] == list(expand([str(path)]))


def test_a_list_of_any_length_is_read_as_it_is_needed(tmp_path: Path) -> None:
    def endless() -> io.TextIOBase:
        class Endless(io.TextIOBase):
            def __iter__(self) -> Endless:
                return self

            def __next__(self) -> str:
                return "a.jpg\n"

        return Endless()

    assert 5 == len(list(islice(expand(["-"], stdin=endless()), 5)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (None, "@{}/missing.txt", "missing.txt"),
        ("id,photo\n", "@{}/rows.csv:picture", "no column 'picture'; its columns: id, photo"),
        ('{"other": 1}\n', "@{}/rows.jsonl:photo", "line 1: no text under 'photo'"),
        ("not json\n", "@{}/rows.jsonl:photo", "line 1: not JSON"),
        (b"\xff\xfe\x00bad", "@{}/list.txt", "not UTF-8"),
        (None, "{}/*.nothing", "nothing matches"),
    ],
)
def test_a_list_that_cannot_be_read_says_why(
    tmp_path: Path, content: str | bytes | None, name: str, message: str
) -> None:
    name = name.format(tmp_path)
    if content is not None:
        path = Path(name[1:].rpartition(":")[0] or name[1:])
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigError, match=message.replace("*", r"\*")):
        list(expand([name]))


def test_one_bad_row_is_one_bad_entry_and_the_list_goes_on(tmp_path: Path) -> None:
    names, rows = tmp_path / "list.txt", tmp_path / "rows.jsonl"
    names.write_bytes(b"a.jpg\ns3://bucket/\n\xff.jpg\nb.jpg\n")
    rows.write_text('{"photo": "c.jpg"}\nnot json\n{"photo": 5}\n{"photo": "d.jpg"}\n')
    found = list(expand([f"@{names}", f"@{rows}:photo"]))
    assert [Path, Unusable, Path, Path, Path, Unusable, Unusable, Path] == [
        kind if (kind := type(s)) is Unusable else Path for s in found
    ]
    assert [Path("a.jpg"), Path("b.jpg"), Path("c.jpg"), Path("d.jpg")] == [found[n] for n in (0, 3, 4, 7)]
