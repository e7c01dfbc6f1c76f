"""From paid answers to labels, and who chose what was paid for."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from cloudvision.errors import ConfigError, RejectedError
from cloudvision.gate.criterion import Criterion
from cloudvision.gate.labels import COLUMNS
from cloudvision.gate.text_statistics import text_statistics
from cloudvision.gate.verdict import Verdict
from cloudvision.geometry import Box, Polygon
from cloudvision.images import Image, load
from cloudvision.labels import Labelled, LabelRow, label, with_sizes, write_labels
from cloudvision.ledger_store import LedgerStore
from cloudvision.outcome import Outcome
from cloudvision.pages.of_labels import labels_page
from cloudvision.pipeline import Pipeline
from cloudvision.policy import Policy
from cloudvision.provider import criterion_of
from cloudvision.providers.fake import Fake
from cloudvision.raw import Raw
from cloudvision.results import Line, Word
from tests.labelled import answer
from tests.ledgers import Opener
from tests.pictures import png


class Judge:
    """A gate that skips every other picture."""

    def judge(self, image: Image, /) -> Verdict:
        score = int(image.digest, 16) % 2 * 0.8 + 0.1
        return Verdict(score >= 0.5, score, 0.5, "fast", "told 1")


def a_run(
    ledger: LedgerStore, pictures: range, *, gate: Judge | None = None, audit: float = 0.0, **more: object
) -> list[Outcome]:
    run = ledger.begin_run(f"{pictures}", command="x", provider="fake")
    fake = Fake(**more)  # type: ignore[arg-type]
    pipeline = Pipeline(fake, gate=gate, ledger=ledger, run_id=run.id, policy=Policy(audit=audit))
    return [pipeline.run(png(n), position=n) for n in pictures]


def labels_of(ledger: LedgerStore, **more: object) -> Labelled:
    return label(ledger, parse=lambda _, raw: Fake().parse(raw), criterion=lambda _: Criterion(), **more)  # type: ignore[arg-type]


def chosen(rows: tuple[LabelRow, ...]) -> dict[tuple[str, float | None], int]:
    counts: dict[tuple[str, float | None], int] = {}
    for row in rows:
        counts[row.chosen_by, row.weight] = counts.get((row.chosen_by, row.weight), 0) + 1
    return counts


def test_answers_of_a_run_without_a_gate_stand_for_themselves(open_ledger: Opener) -> None:
    ledger = open_ledger()
    a_run(ledger, range(4), answers={load(png(0)).digest: answer("")})
    rows = labels_of(ledger).rows
    assert chosen(rows) == {("everything", 1.0): 4}
    assert sorted(row.worth for row in rows) == [False, True, True, True]
    assert {row.sha256 for row in rows} == {load(png(n)).digest for n in range(4)}
    assert {(row.width, row.height, row.provider, row.score) for row in rows} == {(100, 100, "fake", None)}


def test_audited_skips_stand_for_those_that_nobody_called(open_ledger: Opener) -> None:
    ledger = open_ledger()
    a_run(ledger, range(200), gate=Judge(), audit=0.25)
    counts = chosen(labels_of(ledger).rows)
    assert set(counts) == {("gate", 1.0), ("audit", 4.0)}
    assert 140 < sum(weight * count for (_, weight), count in counts.items() if weight) < 260


def test_what_a_gate_chose_without_an_audit_has_no_weight(open_ledger: Opener) -> None:
    ledger = open_ledger()
    a_run(ledger, range(20), gate=Judge())
    assert set(chosen(labels_of(ledger).rows)) == {("gate", None)}


def test_a_gate_after_a_run_of_everything_takes_no_weight_away(open_ledger: Opener) -> None:
    ledger = open_ledger()
    a_run(ledger, range(10))
    a_run(ledger, range(12), gate=Judge())
    assert chosen(labels_of(ledger).rows)["everything", 1.0] == 10


def test_answers_without_a_run_have_no_weight_unless_somebody_says_so(open_ledger: Opener) -> None:
    ledger = open_ledger()
    Pipeline(Fake(), ledger=ledger).run(png())
    assert chosen(labels_of(ledger).rows) == {("", None): 1}
    assert chosen(labels_of(ledger, unchosen=True).rows) == {("everything", 1.0): 1}


def test_answers_that_give_no_label_are_counted(open_ledger: Opener) -> None:
    ledger = open_ledger()
    refused = RejectedError("too large", provider="fake", status=400)
    a_run(ledger, range(3), script=[refused, Raw("no json"), Raw('{"schema": 1}')])
    found = labels_of(ledger)
    assert (found.rows, found.refused, found.unreadable, found.without_text) == ((), 1, 1, 1)


def test_of_two_answers_for_the_same_bytes_the_newer_counts(open_ledger: Opener) -> None:
    ledger = open_ledger()
    digest = load(png(0)).digest
    for number, text in enumerate(("grand opening", "")):
        fake = Fake(answers={digest: answer(text)}, fingerprint=str(number))
        Pipeline(fake, ledger=ledger).run(png(0))
    (row,) = labels_of(ledger).rows
    assert not row.worth


def test_a_label_file_has_one_row_for_each_picture_and_every_column(open_ledger: Opener, tmp_path: Path) -> None:
    ledger = open_ledger()
    a_run(ledger, range(3))
    rows = labels_of(ledger).rows
    assert write_labels(rows, tmp_path / "labels.csv") == 3
    with (tmp_path / "labels.csv").open(encoding="utf-8", newline="") as file:
        read = list(csv.DictReader(file))
    assert tuple(read[0]) == COLUMNS
    assert {(row["worth"], row["weight"], row["all_words"]) for row in read} == {("true", "1.0", "2")}
    with pytest.raises(ConfigError, match=r"\.csv or \.parquet"):
        write_labels(rows, tmp_path / "labels.txt")
    with pytest.raises(ConfigError, match="cannot write"):
        write_labels(rows, tmp_path / "nowhere" / "labels.csv")


def test_parquet_holds_the_same(open_ledger: Opener, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    ledger = open_ledger()
    a_run(ledger, range(2))
    rows = labels_of(ledger).rows
    write_labels(rows, tmp_path / "labels.parquet")
    assert parquet.read_table(tmp_path / "labels.parquet").to_pylist() == [row.cells() for row in rows]


def test_the_size_comes_from_the_file_where_the_answer_tells_none(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png(3))
    none = text_statistics(())
    row = LabelRow(str(path), load(png(3)).digest, False, "", "", None, "fake", None, None, None, none, none)
    assert (with_sizes(row).width, with_sizes(row).height) == (100, 100)
    path.write_bytes(png(4))  # another picture by now
    assert with_sizes(row) == row


def test_statistics_count_words_of_lines_and_boxes_of_words() -> None:
    def word(text: str, confidence: float, width: float) -> Word:
        return Word(text, confidence, Polygon.of_box(Box(0.1, 0.1, width, 0.1)))

    place = Polygon.of_box(Box(0.1, 0.1, 0.5, 0.1))
    lines = [
        Line("grand opening", 0.9, place, (word("grand", 0.99, 0.2), word("opening", 0.5, 0.3))),
        Line("free coffee", 0.8, place),
    ]
    found = text_statistics(lines)
    assert (found.lines, found.words, found.characters) == (2, 4, 22)
    assert (found.largest_box, found.total_box) == (pytest.approx(0.05), pytest.approx(0.10))
    assert found.confidence_max == 0.99
    assert found.confidence_mean == pytest.approx((0.99 + 0.5 + 0.8 + 0.8) / 4)
    sure = text_statistics(lines, min_confidence=0.85)
    assert (sure.lines, sure.words, sure.characters, sure.confidence_mean) == (1, 1, 5, 0.99)


def test_every_provider_has_its_own_mark_of_confidence() -> None:
    assert criterion_of("aws-rekognition").min_confidence == 0.99
    assert criterion_of("local-ocr") == Criterion()
    assert criterion_of("one of tomorrow", Criterion(min_words=7)) == Criterion(min_words=7)


def test_the_page_tells_how_many_stand_for_how_many(open_ledger: Opener) -> None:
    ledger = open_ledger()
    a_run(ledger, range(40), gate=Judge(), audit=0.5)
    text = labels_page(labels_of(ledger), ledger="a/<run>.db", criterion="2 words")
    assert "&lt;run&gt;.db" in text
    assert "audited skips" in text
    assert text.count("<svg") == 14
    assert "<script" not in text
