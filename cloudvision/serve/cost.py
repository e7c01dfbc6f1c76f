"""What a batch costs on this machine, measured at the start, so that pictures are put together only where it helps.

On a processor many networks gain nothing from batches: one picture fills a core. Others, whose weights are large beside
what is computed with them, gain much; on an accelerator nearly all do.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from cloudvision import images
from cloudvision.serve.served import Runs

_TRIES = 6
_LEAST_S = 0.1
"""Quick batches are tried for as long as this: other work on the machine only ever makes one look dearer than it is."""
_WORTH = 0.9
"""A batch must bring the cost of a picture below this share of its cost alone: less is noise, and not worth the wait."""
_CLOSE = 1.03
"""The smallest batch within this factor of the best is taken: pictures wait less for it."""
_HOPELESS = 2
"""Doublings without gain after which larger batches are not tried."""


@dataclass(frozen=True, slots=True)
class Cost:
    """`count` pictures in one inference take `seconds`."""

    count: int
    seconds: float

    @property
    def each(self) -> float:
        """Seconds a picture."""
        return self.seconds / self.count


def measure(
    runs: Runs,
    *,
    most: int,
    alone: bool = False,
    tries: int = _TRIES,
    least_s: float = _LEAST_S,
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[Cost, ...]:
    """The costs of batches of 1, 2, 4 ... up to `most`; fewer where larger ones stop to gain anything.

    Args:
        alone: as for a model that has all cores to itself.
        tries: of each size at least; the quickest counts.
        least_s: seconds that each size is tried for at least.
        clock: seconds, monotonic.
    """
    width, height = runs.size or (224, 224)
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    prepared = runs.prepare(images.load(noise))
    costs: list[Cost] = []
    count, without = 1, 0
    while count <= most and without < _HOPELESS:
        taken: list[float] = []
        while len(taken) < tries or sum(taken) < least_s:
            started = clock()
            runs.run([prepared] * count, alone=alone)
            taken.append(clock() - started)
        cost = Cost(count, min(taken))
        without = without + 1 if costs and cost.each > 0.98 * min(each.each for each in costs) else 0
        costs.append(cost)
        count *= 2
    return tuple(costs)


def best(costs: Sequence[Cost]) -> int:
    """How many pictures to put together: 1 where it does not help."""
    lowest = min(cost.each for cost in costs)
    if lowest > _WORTH * costs[0].each:
        return 1
    return next(cost.count for cost in costs if cost.each <= _CLOSE * lowest)


def gain(costs: Sequence[Cost]) -> float:
    """How many times cheaper a picture is in the best batch than alone."""
    return costs[0].each / min(cost.each for cost in costs)
