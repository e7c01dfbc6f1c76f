"""What becomes of a source: its outcome, and the entry of the ledger that tells of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from cloudvision.case import Case, verdict_of
from cloudvision.errors import CloudVisionError, ProviderError, RejectedError
from cloudvision.ledger import Entry, Stored
from cloudvision.ledger_store import LedgerStore
from cloudvision.near import Near
from cloudvision.outcome import Analysed, Failed, Outcome, Skipped
from cloudvision.provider import Provider
from cloudvision.results import Provenance


@dataclass(frozen=True, slots=True)
class Recorder:
    """Makes outcomes for many threads; its fields are those of the pipeline that made it."""

    provider: Provider
    ledger: LedgerStore
    run_id: int | None

    def analysed(self, case: Case, stored: Stored, *, paid: bool, avoided: int) -> Analysed | Failed:
        """The outcome of a picture with an answer or a refusal, written down.

        Args:
            paid: it was paid for just now: what it cost counts, and an answer was written down when it was settled.
            avoided: worst cost of the call that was not made, in millionths of a US dollar.
        """
        if stored.raw is None:
            error = RejectedError(stored.error or "refused", provider=self.provider.name)
            return self.failed(case, error, cost=stored.cost if paid else 0)
        cost = stored.cost if paid else 0
        outcome = self._parsed(case, stored, cost=cost, cached=not paid)
        if isinstance(outcome, Failed):
            return self.failed(case, outcome.error, cost=cost)
        if not paid:  # a paid one was recorded in the transaction that settled it
            self._record(replace(case.entry("analysed"), cached=True, avoided=avoided))
        return outcome

    def analysed_as(self, near: Near, stored: Stored, case: Case, *, avoided: int) -> Outcome:
        """The outcome of a picture that takes the answer of another one, with a warning that names it."""
        outcome = self.analysed(replace(case, key=near.key), stored, paid=False, avoided=avoided)
        if isinstance(outcome, Failed):
            return outcome
        told = f"near-duplicate of {near.source} (distance {near.distance})"
        analysis = replace(outcome.analysis, warnings=(*outcome.analysis.warnings, told))
        return replace(outcome, analysis=analysis)

    def skipped(self, case: Case, *, avoided: int) -> Skipped:
        """The outcome of a picture that is not worth a call, written down."""
        assert case.verdict is not None
        assert case.digest is not None
        self._record(replace(case.entry("skipped"), key=None, avoided=avoided))
        return Skipped(case.source, case.digest, case.verdict)

    def failed(self, case: Case, error: CloudVisionError, *, cost: int = 0) -> Failed:
        """The outcome of a source without an answer, written down."""
        entry = replace(case.entry("failed"), cost=cost, error_type=type(error).__name__, error=str(error))
        self._record(entry)
        return Failed(case.source, error, case.digest, case.verdict, cost / 1e6)

    def replay(self, entry: Entry) -> Outcome | None:
        """The outcome that an earlier, interrupted pass wrote down; None where it has to be done again."""
        verdict = verdict_of(entry)
        match entry.kind:
            case "analysed":
                stored = self.ledger.answer(entry.key) if entry.key else None
                if stored is None or stored.raw is None:
                    return None
                if entry.cached and entry.digest and not (entry.key or "").endswith(entry.digest):
                    return None  # the answer of another picture: only the index knows how near it is; costs nothing
                case = Case(entry.source, entry.position, entry.digest, entry.key or "", verdict, entry.audited)
                return self._parsed(case, stored, cost=entry.cost, cached=entry.cached)
            case "skipped" if verdict is not None and entry.digest is not None:
                return Skipped(entry.source, entry.digest, verdict)
        return None  # failures are tried again: a refusal by the service is in the ledger and costs nothing

    def _parsed(self, case: Case, stored: Stored, *, cost: int, cached: bool) -> Analysed | Failed:
        assert stored.raw is not None
        try:
            analysis = self.provider.parse(stored.raw)
        except ProviderError as error:
            return Failed(case.source, error, case.digest, case.verdict, cost / 1e6)
        where = replace(
            analysis.provenance or Provenance(self.provider.name),
            cost_usd=cost / 1e6,
            cached=cached,
            latency_s=0.0 if cached else stored.raw.latency_s,
            account=stored.raw.account,
        )
        return Analysed(case.source, case.digest, analysis.with_provenance(where), case.verdict, case.audited)

    def _record(self, entry: Entry) -> None:
        if self.run_id is not None and entry.position >= 0:
            self.ledger.record(self.run_id, entry)
