"""From paid answers to labels: what a ledger tells of the pictures of which it holds an answer.

Whoever has called a service for everything for a while has a training set for a gate of their own. Once a gate chooses, what
it skips is missing from the answers: audited skips stand for it, each with weight 1 / propensity, and a call that a gate chose
in a run without an audit has no weight at all.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from cloudvision import images
from cloudvision.errors import ConfigError, ImageError, ProviderError
from cloudvision.gate.criterion import Criterion
from cloudvision.gate.labels import COLUMNS, group_of
from cloudvision.gate.text_statistics import TextStatistics, text_statistics
from cloudvision.ledger import Answer, Entry
from cloudvision.ledger_store import LedgerStore
from cloudvision.raw import Raw
from cloudvision.results import Analysis

ChosenBy = Literal["everything", "gate", "audit", ""]
Cell = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class LabelRow:
    """One answered picture.

    Args:
        source: as it was named, without secrets.
        sha256: of its bytes; "" where they never passed through our hands.
        worth: its answer meets the criterion.
        group: host, bucket or folder of the source.
        chosen_by: who decided that it was called: nobody ("everything"), a gate, or the audit of a gate's skips; "" where the
            ledger does not tell.
        weight: how many pictures of the stream it stands for; None where nobody knows.
        score: what the gate said, 0 to 1; None without a gate.
        width, height: pixels; None where neither the answer nor a file tells.
        of_all, of_sure: over all words, and over those that are as sure as the criterion asks for.
    """

    source: str
    sha256: str
    worth: bool
    group: str
    chosen_by: ChosenBy
    weight: float | None
    provider: str
    score: float | None
    width: int | None
    height: int | None
    of_all: TextStatistics
    of_sure: TextStatistics

    def cells(self) -> dict[str, Cell]:
        """By the columns of a label file, in their order."""
        told: dict[str, Cell] = {name: getattr(self, name) for name in COLUMNS if hasattr(self, name)}
        for prefix, figures in (("all", self.of_all), ("sure", self.of_sure)):
            told |= {f"{prefix}_{name}": getattr(figures, name) for name in TextStatistics.__slots__}
        return {name: told[name] for name in COLUMNS}


@dataclass(frozen=True, slots=True)
class Labelled:
    """Labels, and how many answers gave none: refused pictures, answers that cannot be read, answers without a text part."""

    rows: tuple[LabelRow, ...]
    refused: int
    unreadable: int
    without_text: int


@dataclass(frozen=True, slots=True)
class _Choice:
    by: ChosenBy
    weight: float | None
    score: float | None


def label(
    ledger: LedgerStore,
    *,
    parse: Callable[[Answer, Raw], Analysis],
    criterion: Callable[[Answer], Criterion],
    unchosen: bool = False,
) -> Labelled:
    """One row for each answered picture; where several answers show the same bytes, the newest counts.

    Args:
        ledger: an open ledger.
        parse: reads what the service sent; may raise ProviderError.
        criterion: what "worth" means; engines differ in how sure they say they are.
        unchosen: answers of which no run tells were not chosen by a gate.
    """
    choices = _choices(ledger)
    unknown = _Choice("everything", 1.0, None) if unchosen else _Choice("", None, None)
    rows: dict[str, tuple[float, LabelRow]] = {}
    refused = unreadable = without_text = 0
    for answer in ledger.answers():
        if answer.stored.raw is None:
            refused += 1
            continue
        try:
            analysis = parse(answer, answer.stored.raw)
        except ProviderError:
            unreadable += 1
            continue
        if analysis.lines is None:
            without_text += 1
            continue
        row = _row(answer, analysis, criterion(answer), choices.get(answer.key, unknown))
        name, created = row.sha256 or answer.key, answer.stored.created
        if name not in rows or rows[name][0] < created:
            rows[name] = (created, row)
    return Labelled(tuple(row for _, row in rows.values()), refused, unreadable, without_text)


def with_sizes(row: LabelRow) -> LabelRow:
    """The same row with width and height of the file that it names, if that file still holds the same picture."""
    if row.width is not None or "://" in row.source or not Path(row.source).is_file():
        return row
    try:
        image = images.load(row.source)
    except ImageError:
        return row
    return replace(row, width=image.width, height=image.height) if image.digest == row.sha256 else row


def write_labels(rows: Iterable[LabelRow], path: Path) -> int:
    """Write a label file, .csv or .parquet; how many rows it has.

    Raises:
        ConfigError: another ending, a file that cannot be written, or pyarrow is missing for Parquet.
    """
    write = {".csv": _csv, ".parquet": _parquet}.get(path.suffix.lower())
    if write is None:
        raise ConfigError(f"{path}: labels are written to a name that ends in .csv or .parquet")
    cells = [row.cells() for row in rows]
    try:
        write(cells, path)
    except OSError as exc:
        raise ConfigError(f"cannot write {path}: {exc.strerror}") from exc
    return len(cells)


def _choices(ledger: LedgerStore) -> dict[str, _Choice]:
    """Who chose each answer, by its key."""
    choices: dict[str, _Choice] = {}
    for run in ledger.runs():
        chosen: list[Entry] = []
        covered = True  # every skip of the run had a chance to be called
        for entry in ledger.progress(run.id):
            if entry.kind == "skipped":
                covered = covered and bool(entry.propensity)
            elif entry.kind == "analysed" and not entry.cached and entry.key is not None:
                chosen.append(entry)
        for entry in chosen:
            assert entry.key is not None
            choices[entry.key] = _choice(entry, covered=covered)
    return choices


def _choice(entry: Entry, *, covered: bool) -> _Choice:
    if entry.score is None:
        return _Choice("everything", 1.0, None)
    if entry.audited:
        return _Choice("audit", 1 / entry.propensity if entry.propensity else None, entry.score)
    return _Choice("gate", 1.0 if covered else None, entry.score)


def _row(answer: Answer, analysis: Analysis, criterion: Criterion, choice: _Choice) -> LabelRow:
    lines = analysis.lines or ()
    digest = answer.key.rpartition("/")[2]
    return LabelRow(
        source=answer.source,
        sha256="" if digest.startswith("once-") else digest,
        worth=criterion.meets(lines),
        group=group_of(answer.source),
        chosen_by=choice.by,
        weight=choice.weight,
        provider=answer.provider,
        score=choice.score,
        width=analysis.width,
        height=analysis.height,
        of_all=text_statistics(lines),
        of_sure=text_statistics(lines, min_confidence=criterion.min_confidence),
    )


def _csv(cells: list[dict[str, Cell]], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.DictWriter(file, COLUMNS)
        rows.writeheader()
        for row in cells:
            rows.writerow(
                {name: str(value).lower() if isinstance(value, bool) else value for name, value in row.items()}
            )


def _parquet(cells: list[dict[str, Cell]], path: Path) -> None:
    try:
        import pyarrow
        import pyarrow.parquet
    except ModuleNotFoundError as exc:
        raise ConfigError("Parquet needs pyarrow: pip install 'cloudvision-gate[parquet]'") from exc
    kinds = {
        "source": pyarrow.string(),
        "sha256": pyarrow.string(),
        "worth": pyarrow.bool_(),
        "group": pyarrow.string(),
    }
    kinds |= {"chosen_by": pyarrow.string(), "provider": pyarrow.string()}
    whole = ("width", "height", "lines", "words", "characters")
    for name in COLUMNS:
        kinds.setdefault(name, pyarrow.int64() if name.rpartition("_")[2] in whole else pyarrow.float64())
    schema = pyarrow.schema([(name, kinds[name]) for name in COLUMNS])
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(cells, schema=schema), path)
