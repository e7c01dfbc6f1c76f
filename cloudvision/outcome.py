"""What became of one source: exactly one of three things."""

from __future__ import annotations

from dataclasses import dataclass

from cloudvision._json import JSON, tagged
from cloudvision.errors import CloudVisionError
from cloudvision.gate.verdict import Verdict
from cloudvision.results import Analysis


@dataclass(frozen=True, slots=True)
class Analysed:
    """There is an answer, fresh or out of the ledger.

    Args:
        source: the list entry as the user named it, without secrets.
        digest: SHA-256 of the picture's bytes as given; None for a picture that never passed through our hands.
        analysis: the answer, with its provenance.
        verdict: what the gate said; None when it was not asked.
        audited: the gate said no, and the call was made all the same to measure the gate.
    """

    source: str
    digest: str | None
    analysis: Analysis
    verdict: Verdict | None = None
    audited: bool = False


@dataclass(frozen=True, slots=True)
class Skipped:
    """The gate found the picture not worth a call."""

    source: str
    digest: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Failed:
    """No answer. `error` is one of ours; a bug is never hidden in here. `cost_usd`: what the call cost all the same."""

    source: str
    error: CloudVisionError
    digest: str | None = None
    verdict: Verdict | None = None
    cost_usd: float = 0.0


Outcome = Analysed | Skipped | Failed


def to_json(outcome: Outcome, *, provider: str) -> dict[str, JSON]:
    """One line of a JSONL file. `provider` is the registry name of the provider that was, or would have been, asked."""
    match outcome:
        case Analysed(analysis=analysis):
            where = analysis.provenance
            rest: dict[str, JSON] = {
                "cached": where is not None and where.cached,
                "cost_usd": where.cost_usd if where else 0.0,
                "analysis": analysis.to_json(),
            }
            if outcome.audited:
                rest["audited"] = True
        case Skipped():
            rest = {"cached": False, "cost_usd": 0.0}
        case Failed(error=error):
            rest = {
                "cached": False,
                "cost_usd": outcome.cost_usd,
                "error": {"type": type(error).__name__, "message": str(error)},
            }
    head: dict[str, JSON] = {
        "source": outcome.source,
        "outcome": type(outcome).__name__.lower(),
        "sha256": outcome.digest,
        "gate": _gate(outcome.verdict),
        "provider": provider,
    }
    return tagged({**head, **rest})


def _gate(verdict: Verdict | None) -> JSON:
    if verdict is None:
        return None
    return {
        "score": round(verdict.score, 6),
        "threshold": verdict.threshold,
        "stage": verdict.stage,
        "model": verdict.model,
    }
