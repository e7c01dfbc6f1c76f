"""A gate that misses too much, as its own audit shows, calls more: the threshold goes down while the run goes on.

It goes down when the *upper* bound of live recall (see `audit.py`) falls below the target: when the evidence says that the
target is missed, not when it merely fails to say that it is kept. The evidence is looked at when the number of audited
positives reaches 5, 10, 20, 40, ...; the k-th look may err with a chance of (1 - confidence) / (k (k + 1)), so that all looks
together err with 1 - confidence at most, however long the run.

The new threshold would have missed half of what the target allows, by the audited positives so far. From then on evidence is
gathered anew. A third time nothing is left to try, and everything is called. It never goes up within a run.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, replace

from cloudvision.gate.audit import hidden
from cloudvision.gate.verdict import Verdict

FIRST_LOOK = 5
"""Audited positives before anything is decided."""

STEPS = 2
"""How often the threshold goes down before everything is called."""


@dataclass(frozen=True, slots=True)
class BackedOff:
    """The gate calls more from now on.

    Args:
        before, after: thresholds, 0 to 1.
        recall_at_most: upper bound of live recall that was below the target.
        found: audited positives behind it.
    """

    before: float
    after: float
    recall_at_most: float
    found: int


class Backoff:
    """Hears of every verdict of a run, and lowers the threshold when it must. Safe for many threads.

    Args:
        recall: the target, 0 to 1.
        confidence: 0 to 1; a gate that keeps the target backs off with a chance of 1 - confidence at most.
    """

    def __init__(self, *, recall: float = 0.95, confidence: float = 0.95) -> None:
        self.recall = recall
        self._error = 1 - confidence
        self._lock = threading.Lock()
        self._threshold: float | None = None
        self.events: list[BackedOff] = []
        self._begin()

    def _begin(self) -> None:
        self._called_positives, self._looks = 0, 0
        self._found: list[tuple[float, float]] = []  # score and chance of the audited positives

    def adjusted(self, verdict: Verdict) -> Verdict:
        """The verdict under the threshold that counts now."""
        lowered = self._threshold
        if lowered is None or lowered >= verdict.threshold:
            return verdict
        return replace(verdict, threshold=lowered, worth=verdict.score >= lowered)

    def saw(self, verdict: Verdict, *, truth: bool | None, chance: float | None) -> BackedOff | None:
        """What became of a picture; the change, where this one brings it about.

        Args:
            verdict: the adjusted one.
            truth: the answer met the criterion; None where nobody was asked, or nobody knows.
            chance: that a picture with this verdict was called.
        """
        with self._lock:
            if self._threshold is None:
                self._threshold = verdict.threshold
            if verdict.threshold < self._threshold:  # an earlier pass of this run had backed off already
                self._threshold = verdict.threshold
                self._begin()
            if verdict.threshold > self._threshold or not truth or not chance:
                return None  # decided before the last change, or nothing to learn
            if verdict.worth:
                self._called_positives += 1
                return None
            self._found.append((verdict.score, chance))
            return self._look()

    def _look(self) -> BackedOff | None:
        found = len(self._found)
        if found < FIRST_LOOK * 2**self._looks:
            return None
        self._looks += 1
        error = self._error / (self._looks * (self._looks + 1))
        # The larger chance hides fewer: the bound holds for all of them.
        least, _ = hidden(found, max(chance for _, chance in self._found), confidence=1 - error)
        at_most = self._called_positives / (self._called_positives + least)
        if at_most >= self.recall:
            return None
        before = self._threshold
        assert before is not None
        after = self._supported() if len(self.events) < STEPS else 0.0
        event = BackedOff(before, after, at_most, found)
        self.events.append(event)
        self._threshold = after
        self._begin()
        return event

    def _supported(self) -> float:
        """The threshold that would have missed half of what the target allows."""
        ranked = sorted(self._found)
        allowed = (1 - self.recall) / 2 * (self._called_positives + sum(1 / chance for _, chance in ranked))
        missed = 0.0
        for score, chance in ranked:
            missed += 1 / chance
            if missed > allowed:
                return math.floor(score * 1e6) / 1e6
        return 0.0
