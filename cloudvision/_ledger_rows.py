"""The values that go into a ledger and come out of it. Money is in millionths of a US dollar throughout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cloudvision.errors import BudgetExceededError
from cloudvision.pending import Pending
from cloudvision.raw import Raw

Kind = Literal["analysed", "skipped", "failed"]


@dataclass(frozen=True, slots=True)
class Budget:
    """Most that may be spent, in millionths of a US dollar; None for no bound.

    Reserved and uncertain calls count as spent.
    """

    run: int | None = None
    ledger: int | None = None
    day: int | None = None


def over_budget(bound: int, *, spent: int, worst: int, words: str) -> BudgetExceededError:
    """The error for a call whose worst cost does not fit; `words` say whose budget it is."""
    return BudgetExceededError(
        f"the budget of {bound / 1e6:.4f} USD for {words} holds {max(0, bound - spent) / 1e6:.4f} USD more,"
        f" and the next call may cost {worst / 1e6:.4f} USD"
    )


@dataclass(frozen=True, slots=True)
class Reservation:
    """One attempt that may now be made; it must be settled, rejected, released or left uncertain."""

    id: int
    key: str
    source: str
    provider: str
    worst: int
    run: int | None
    day: str

    left: int | None = None
    """What the narrowest budget holds beside it; None without a budget, and where the store does not tell."""

    pending: Pending | None = None
    """What the service has accepted under this attempt already: to be asked for, not to be sent again."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A settled outcome: an answer (`raw`) or a refusal (`error_type`, `error`). `created` is seconds since 1970."""

    raw: Raw | None
    cost: int
    created: float
    error_type: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Busy:
    """Somebody else holds a reservation for the same picture at this moment."""


@dataclass(frozen=True, slots=True)
class Uncertain:
    """An earlier attempt may have been billed, and the caller does not want another one."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What became of one entry of a list.

    Args:
        position: index in the list, from 0.
        source: as the user named it, without secrets.
        key: where the answer lies, for "analysed".
        score, threshold, stage, model: the gate's verdict; None without a gate.
        audited: the gate said no and the call was made all the same, to measure the gate.
        propensity: chance, 0 to 1, that a picture with this verdict was called: 1 where the gate said yes, the audit's share
            where it said no; None without a gate, and in ledgers of before.
        cost: paid for this entry.
        avoided: worst cost of a call that was not made, because it was skipped or in the ledger already.
    """

    position: int
    source: str
    kind: Kind
    digest: str | None = None
    key: str | None = None
    score: float | None = None
    threshold: float | None = None
    stage: str | None = None
    model: str | None = None
    audited: bool = False
    cached: bool = False
    cost: int = 0
    avoided: int = 0
    error_type: str | None = None
    error: str | None = None
    propensity: float | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One pass over a list.

    Args:
        resumed: an earlier, unfinished pass goes on.
        beside: another process is at the same list right now; this pass has progress and a budget of its own.
    """

    id: int
    resumed: bool
    beside: bool = False


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run as the ledger lists it; times in seconds since the epoch, `ended` None while unfinished."""

    id: int
    command: str
    provider: str
    started: float
    ended: float | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt that was cut off and may have been billed, `worst` at most; times are seconds since the epoch.

    Until `kept_until` the service keeps its answer, which the next call for the same picture asks for; None where there
    is no such answer.
    """

    id: int
    key: str
    source: str
    provider: str
    run: int | None
    started: float
    worst: int
    kept_until: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A settled outcome with its name, as it is taken out of a ledger."""

    key: str
    source: str
    provider: str
    stored: Stored


@dataclass(frozen=True, slots=True)
class Purged:
    """What a purge took away: answers, list entries of runs, and the names of sources in attempts."""

    answers: int
    entries: int
    attempts: int


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What an estimate said of a list: calls, and their cost in millionths of a US dollar, with 95 % bounds."""

    entries: int
    sampled: int
    calls: int
    calls_low: int
    calls_high: int
    cost: int
    cost_low: int
    cost_high: int


@dataclass(frozen=True, slots=True)
class Tally:
    """Entries of one kind, counted: `cost` was paid for them, `avoided` is what their calls would have cost at most."""

    kind: Kind
    cached: bool
    audited: bool
    entries: int
    cost: int
    avoided: int
