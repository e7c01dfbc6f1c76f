"""Where outcomes go: JSON lines, CSV or Parquet, by the file's name. A file is written anew by every run.

That loses nothing: an interrupted run is replayed from the ledger, so its file holds one line for each list entry
again, without a torn tail.
"""

from __future__ import annotations

import csv
import json
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Protocol

from cloudvision.errors import ConfigError
from cloudvision.outcome import Analysed, Failed, Outcome, to_json
from cloudvision.results import Label, Region

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

log = logging.getLogger(__name__)

PARQUET_BATCH = 10_000
"""Rows that are held in memory and written together as one row group."""


class Sink(Protocol):
    """Takes outcomes one by one, from one thread."""

    def write(self, outcome: Outcome, /) -> None: ...

    def close(self) -> None: ...


def open_sink(path: str | os.PathLike[str], *, provider: str) -> Sink:
    """A sink for `path`: .jsonl (also .json and .ndjson), .csv or .parquet. `provider` is named in every row.

    Raises:
        ConfigError: another ending, a folder that does not exist, or pyarrow is missing for Parquet.
    """
    target = Path(path)
    make = _SINKS.get(target.suffix.lower())
    if make is None:
        raise ConfigError(f"{target}: write to a name that ends in {', '.join(sorted(_SINKS))}")
    try:
        return make(target, provider)
    except OSError as exc:
        raise ConfigError(f"cannot write {target}: {exc.strerror}") from exc


class JsonLines:
    """One JSON object a line, complete lines only: every line is handed to the system as it is written.

    Args:
        stream: where to write.
        provider: named in every line.
        own: close the stream at the end; False for one that others still need, such as standard output.
    """

    def __init__(self, stream: IO[str], *, provider: str, own: bool = False) -> None:
        self._stream = stream
        self._own = own
        self._provider = provider

    def write(self, outcome: Outcome, /) -> None:
        """Append one line."""
        values = to_json(outcome, provider=self._provider)
        try:
            self._stream.write(json.dumps(values, ensure_ascii=False) + "\n")
        except UnicodeEncodeError:
            # Standard output need not be UTF-8, on Windows above all; pure ASCII says the same.
            self._stream.write(json.dumps(values) + "\n")
        self._stream.flush()

    def close(self) -> None:
        """Close the stream if it is ours."""
        if self._own:
            self._stream.close()


COLUMNS: dict[str, type] = {
    "source": str,
    "outcome": str,
    "sha256": str,
    "gate_score": float,
    "gate_threshold": float,
    "gate_stage": str,
    "gate_model": str,
    "provider": str,
    "cached": bool,
    "cost_usd": float,
    "text": str,
    "caption": str,
    "tags": str,
    "labels": str,
    "regions": str,
    "error_type": str,
    "error": str,
    "analysis": str,
}
"""Columns of CSV and Parquet files. `tags`, `labels` and `regions` are separated by "; ", the latter two with how sure each is
("apple 0.982; pear 0.011"); `analysis` is the whole answer as JSON."""


class Csv:
    """One row an outcome, UTF-8, quoted as in RFC 4180."""

    def __init__(self, path: Path, provider: str) -> None:
        self._stream = _claimed(path)
        self._rows = csv.DictWriter(self._stream, COLUMNS)
        self._provider = provider
        self._rows.writeheader()

    def write(self, outcome: Outcome, /) -> None:
        """Append one row."""
        self._rows.writerow(_row(outcome, self._provider))
        self._stream.flush()

    def close(self) -> None:
        """Close the file."""
        self._stream.close()


class Parquet:
    """Row groups of `PARQUET_BATCH` outcomes; the file can be read once it is closed."""

    def __init__(self, path: Path, provider: str) -> None:
        try:
            import pyarrow
            import pyarrow.parquet
        except ImportError:
            raise ConfigError("Parquet needs pyarrow: pip install 'cloudvision-gate[parquet]'") from None
        kinds = {str: pyarrow.string(), float: pyarrow.float64(), bool: pyarrow.bool_()}
        self._arrow: Any = pyarrow
        self._schema = pyarrow.schema([(name, kinds[kind]) for name, kind in COLUMNS.items()])
        self._claim = _claimed(path)
        self._file = pyarrow.parquet.ParquetWriter(path, self._schema)
        self._provider = provider
        self._rows: list[dict[str, object]] = []

    def write(self, outcome: Outcome, /) -> None:
        """Append one row."""
        self._rows.append(_row(outcome, self._provider))
        if len(self._rows) >= PARQUET_BATCH:
            self._flush()

    def close(self) -> None:
        """Write what is held, and the file's footer."""
        self._flush()
        self._file.close()
        self._claim.close()

    def _flush(self) -> None:
        if self._rows:
            self._file.write_table(self._arrow.Table.from_pylist(self._rows, schema=self._schema))
            self._rows = []


def _row(outcome: Outcome, provider: str) -> dict[str, object]:
    verdict = outcome.verdict
    row: dict[str, object] = {
        "source": outcome.source,
        "outcome": type(outcome).__name__.lower(),
        "sha256": outcome.digest,
        "gate_score": verdict.score if verdict else None,
        "gate_threshold": verdict.threshold if verdict else None,
        "gate_stage": verdict.stage if verdict else None,
        "gate_model": verdict.model if verdict else None,
        "provider": provider,
        "cached": False,
        "cost_usd": 0.0,
    }
    match outcome:
        case Analysed(analysis=analysis):
            where = analysis.provenance
            row |= {
                "cached": where is not None and where.cached,
                "cost_usd": where.cost_usd if where else 0.0,
                "text": None if analysis.lines is None else analysis.text,
                "caption": analysis.caption.text if analysis.caption else None,
                "tags": None if analysis.tags is None else "; ".join(tag.name for tag in analysis.tags),
                "labels": _named(analysis.labels),
                "regions": _named(analysis.regions),
                "analysis": json.dumps(analysis.to_json(), ensure_ascii=False),
            }
        case Failed(error=error):
            row |= {"cost_usd": outcome.cost_usd, "error_type": type(error).__name__, "error": str(error)}
    return row


def _named(found: tuple[Label, ...] | tuple[Region, ...] | None) -> str | None:
    return None if found is None else "; ".join(f"{each.name} {each.confidence:.3f}" for each in found)


def _json_lines(path: Path, provider: str) -> Sink:
    return JsonLines(_claimed(path), provider=provider, own=True)


def _claimed(path: Path) -> IO[str]:
    """`path`, opened for us alone and emptied: two runs at once would write into each other's lines."""
    stream = path.open("a", newline="", encoding="utf-8")
    if fcntl is not None:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stream.close()
            raise ConfigError(
                f"{path} is being written by another run; wait for its end, or name another file"
            ) from None
        except OSError:
            log.debug("%s: this file system has no locks", path)
    if path.is_file():
        stream.truncate(0)
    return stream


_SINKS: dict[str, Callable[[Path, str], Sink]] = {
    ".jsonl": _json_lines,
    ".json": _json_lines,
    ".ndjson": _json_lines,
    ".csv": Csv,
    ".parquet": Parquet,
}
