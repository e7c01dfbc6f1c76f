"""What a running pipeline learns from the answers that it pays for: whether its gate misses too much."""

from __future__ import annotations

import logging

from cloudvision.gate.backoff import BackedOff, Backoff
from cloudvision.gate.criterion import Criterion
from cloudvision.outcome import Analysed, Outcome

log = logging.getLogger(__name__)


def learn(backoff: Backoff, outcome: Outcome, *, audit: float, criterion: Criterion) -> BackedOff | None:
    """Tell `backoff` what became of a picture that the gate judged; the change, where the gate backs off now.

    Args:
        audit: chance, 0 to 1, that a skip was called all the same.
        criterion: what is worth a call, on the scale of the provider's confidences.
    """
    if outcome.verdict is None or audit <= 0:
        return None
    truth: bool | None = None
    if isinstance(outcome, Analysed) and outcome.analysis.lines is not None:
        truth = criterion.meets(outcome.analysis.lines)
    event = backoff.saw(outcome.verdict, truth=truth, chance=1.0 if outcome.verdict.worth else audit)
    if event is not None:
        log.warning(
            "the gate misses more than it may: live recall is at most %.3f, after %d audited skips that were worth a call,"
            " and the target is %.3f. Its threshold goes from %.4f down to %.4f: more is called from now on",
            event.recall_at_most,
            event.found,
            backoff.recall,
            event.before,
            event.after,
        )
    return event
