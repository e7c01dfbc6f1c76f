"""How a run ends: what was done, what remains, and the exit code."""

from __future__ import annotations

from rich.markup import escape

from cloudvision import prices, sources
from cloudvision.cli._interrupt import EXIT_CODE as EXIT_INTERRUPTED
from cloudvision.cli._job import Job
from cloudvision.cli._show import SHOWN_FAILURES, Bar, Counts
from cloudvision.cli._talk import say
from cloudvision.errors import BudgetExceededError, CloudVisionError, OutageError, StoppedError
from cloudvision.ledger import Run
from cloudvision.ledger_store import LedgerStore
from cloudvision.report import report

EXIT_SOME_FAILED, EXIT_SETUP, EXIT_BUDGET, EXIT_OUTAGE = 1, 2, 3, 4


def summary(job: Job, ledger: LedgerStore, this_run: Run, counts: Counts, passed: sources.Passed) -> None:
    """Say what the run did."""
    figures = report(ledger, run=this_run.id)
    say(
        f"[bold]{counts.done} sources:[/] {counts.called + counts.cached} read ({counts.called} called,"
        f" {counts.cached} from the ledger), {counts.skipped} skipped, {counts.failed} failed"
        + (f"; {counts.lines} lines of text" if job.work.details.reads_text else "")
    )
    free = job.work.details.local
    elsewhere = "aws-rekognition/DetectText" if job.work.details.reads_text else "azure-custom-vision/prediction"
    saved = figures.saved_by_gate_usd + figures.saved_by_ledger_usd
    if free:
        # An engine on this machine costs nothing: the skips are told at the price they would have elsewhere.
        saved = prices.price(elsewhere, figures.skipped + figures.cached) / prices.MICROS
    at = f" at the list price of {elsewhere.partition('/')[0]}" if free else ""
    say(
        f"[bold]spent[/] {figures.spent_usd:.4f} USD, [bold]saved[/] {saved:.4f} USD{at} (ledger {escape(ledger.name)})"
    )
    if figures.uncertain:
        say(f"{figures.uncertain} calls of this run were cut off and may have been billed; they count as spent")
    if passed.files:
        say(f"{passed.files} files in folders or under S3 prefixes are no pictures and were passed over")
    if counts.warned:
        say(
            f"{counts.warned} answers come with warnings, such as pages that were not read: see `warnings` in the output"
        )
    for source, message in counts.failures:
        say(f"[red]failed[/] {escape(source)}: {escape(message)}")
    if counts.failed > SHOWN_FAILURES:
        say(f"... and {counts.failed - SHOWN_FAILURES} more")
    if counts.failed:
        say("do the failed ones again with --again failed")


def exit_code(job: Job, ended: CloudVisionError | None, counts: Counts) -> int:
    """Say why the run ended before its list, where it did; the code for the shell."""
    if ended is None:
        return EXIT_SOME_FAILED if counts.failed else 0
    if isinstance(ended, StoppedError):
        say("[bold]stopped.[/] The same command goes on where it was.")
        return EXIT_INTERRUPTED
    more = " with a larger budget" if isinstance(ended, BudgetExceededError) else ""
    say(
        f"[bold]stopped:[/] {escape(str(ended))}.{_remaining(job, counts)} The same command{more} goes on where it was."
    )
    if isinstance(ended, BudgetExceededError):
        return EXIT_BUDGET
    return EXIT_OUTAGE if isinstance(ended, OutageError) else EXIT_SETUP


def last_words(bar: Bar, left: int) -> None:
    """Said before the process ends without waiting for `left` calls."""
    bar.stop()
    cut = f" {left} calls were on the wire and are kept as uncertain." if left else ""
    say(f"[bold]stopped.[/]{cut} The same command goes on where it was.")


def _remaining(job: Job, counts: Counts) -> str:
    length = job.work.length()
    if length is None:
        return f" {counts.done} sources are done, the rest of the list is not."
    return f" {max(0, length - counts.done)} of {length} sources remain to be done."
