"""How a run looks to a person: a line for each outcome, a progress bar, a summary."""

from __future__ import annotations

from dataclasses import dataclass, field

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from cloudvision._printable import visible
from cloudvision.cli._talk import stderr
from cloudvision.outcome import Analysed, Failed, Outcome, Skipped
from cloudvision.results import Analysis

SHOWN_FAILURES = 20


@dataclass(slots=True)
class Counts:
    """Running totals of one run; money in US dollars."""

    called: int = 0
    cached: int = 0
    skipped: int = 0
    failed: int = 0
    lines: int = 0
    warned: int = 0
    spent: float = 0.0
    failures: list[tuple[str, str]] = field(default_factory=list)

    @property
    def done(self) -> int:
        """Outcomes so far."""
        return self.called + self.cached + self.skipped + self.failed

    def add(self, outcome: Outcome) -> None:
        """Count one outcome."""
        match outcome:
            case Analysed(analysis=analysis):
                where = analysis.provenance
                cached = where is not None and where.cached
                self.cached += cached
                self.called += not cached
                self.lines += len(analysis.lines or ())
                self.warned += bool(analysis.warnings)
                self.spent += where.cost_usd if where else 0.0
            case Skipped():
                self.skipped += 1
            case Failed(source=source, error=error):
                self.failed += 1
                self.spent += outcome.cost_usd
                if len(self.failures) < SHOWN_FAILURES:
                    message = str(error)
                    self.failures.append((source, message.removeprefix(f"{source}: ")))


class Bar:
    """Done, skipped, called, failed and spent on one line; silent when stderr is no terminal."""

    def __init__(self, total: int | None) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[counts]}"),
            TimeElapsedColumn(),
            console=stderr,
            disable=not stderr.is_terminal,
            transient=True,
        )
        self._task = self._progress.add_task("running", total=total, counts="")

    def start(self) -> None:
        """Show the bar."""
        self._progress.start()

    def update(self, counts: Counts) -> None:
        """Show new totals."""
        text = (
            f"skipped {counts.skipped}  called {counts.called}  cached {counts.cached}"
            f"  failed {counts.failed}  spent {counts.spent:.4f} USD"
        )
        self._progress.update(self._task, completed=counts.done, counts=text)

    def stop(self) -> None:
        """Take the bar away and give the cursor back."""
        self._progress.stop()


class Lines:
    """A sink for a terminal: one readable line for each outcome."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, soft_wrap=True)

    def write(self, outcome: Outcome, /) -> None:
        """Print one line."""
        score = f"{outcome.verdict.score:.2f}" if outcome.verdict else "  - "
        match outcome:
            case Analysed(analysis=analysis):
                state, rest = "[green]read   [/]", escape(_in_short(analysis)[:90] or "(nothing found)")
            case Skipped():
                state, rest = "[cyan]skipped[/]", "[dim]not worth a call[/]"
            case Failed(error=error):
                state, rest = "[red]failed [/]", escape(str(error).removeprefix(f"{outcome.source}: "))
        line = visible(f"{state}  gate {score}  {escape(outcome.source)}  {rest}")
        self._console.print(line.replace("\n", "\\n"))

    def close(self) -> None:
        """Nothing to close."""


def _in_short(analysis: Analysis) -> str:
    """The caption, else the text, else the surest of what was seen."""
    if analysis.caption:
        return analysis.caption.text
    seen = analysis.labels or analysis.regions or ()
    return " / ".join(analysis.text.split("\n")) or ", ".join(f"{one.name} {one.confidence:.2f}" for one in seen)
