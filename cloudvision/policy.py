"""How a pipeline behaves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cloudvision.gate.criterion import Criterion
from cloudvision.ledger import Budget
from cloudvision.retry import RetryPolicy


@dataclass(frozen=True, slots=True)
class Policy:
    """How a pipeline behaves; safe by default.

    Args:
        budget: bounds of the spend.
        retry: when to call again.
        download: when to download again; shorter, since a host that hangs holds up a worker and costs nobody money.
        audit: share, 0 to 1, of the gate's skips that are called all the same, drawn by the picture's digest so that
            every run draws the same ones.
        criterion: what is worth a call, for the audit; its confidence is replaced by the provider's own mark.
        uncertain: "retry" calls again where an earlier attempt was cut off and may have been billed; "keep" does not.
        again: "refused" calls again for pictures that the service refused, or whose answer cannot be read; "all" calls,
            and pays, again for every picture. Either way once: an answer that came after the pipeline was built counts.
    """

    budget: Budget = Budget()
    retry: RetryPolicy = RetryPolicy()
    download: RetryPolicy = RetryPolicy(attempts=3, throttled=3, total_s=120.0)
    audit: float = 0.0
    criterion: Criterion = Criterion()
    uncertain: Literal["retry", "keep"] = "retry"
    again: Literal["no", "refused", "all"] = "no"
