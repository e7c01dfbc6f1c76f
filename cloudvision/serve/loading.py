"""From what the user names to the entries of the catalog: open, measure, make a lane."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cloudvision.serve.catalog import Entry
from cloudvision.serve.cost import best, gain, measure
from cloudvision.serve.lane import Lane
from cloudvision.serve.opening import Opened, open_models
from cloudvision.serve.served import LocalModel, Runs
from cloudvision.serve.settings import Settings

_MUCH = 1.5
"""From which gain on a batch is worth waiting for with idle cores."""
_QUICK_S = 0.005
"""An inference below this gains nothing that could be felt from a second core."""
_WORTH = 0.75
"""More cores must bring an inference below this share of its time on one."""


def load_entries(models: Sequence[str], how: Settings) -> Iterator[Entry]:
    """Open all that `models` name.

    Raises:
        ConfigError: one cannot be opened.
    """
    for asked in models:
        for opened in open_models(asked, quantised=how.quantised):
            together = opened.runs.size is not None  # pictures that keep their shape cannot be
            if how.adapt:
                costs = measure(opened.runs, most=how.max_batch if together else 1)
            else:
                costs = measure(opened.runs, most=1, tries=1, least_s=0.0)
            batch = 1 if not together else best(costs) if how.adapt else how.max_batch
            lane = Lane(
                most=how.queue,
                batch=batch,
                delay_s=how.max_delay_s,
                patient=not how.adapt or gain(costs) > _MUCH,
                hands=how.hands,
                at_once=how.hands,
                seconds=costs[0].seconds,
            )
            yield Entry(opened.name, opened.version, _widened(opened, how, narrow_s=costs[0].seconds), lane)


def describe(entry: Entry) -> str:
    """One line for people."""
    batch = "one by one" if entry.lane.batch == 1 else f"in batches of up to {entry.lane.batch}"
    wide = ", on all cores when alone" if isinstance(entry.runs, LocalModel) and entry.runs.wide is not None else ""
    return f"{entry.name}:{entry.version} ({entry.runs.kind}, {len(entry.runs.labels)} labels), {batch}{wide}"


def _widened(opened: Opened, how: Settings, *, narrow_s: float) -> Runs:
    """The model with more cores for a lonely picture, where that is quicker by enough to hold its weights twice."""
    if opened.widen is None or not how.adapt or how.cores == 1 or narrow_s < _QUICK_S:
        return opened.runs
    wide = opened.widen(how.cores)
    (cost,) = measure(wide, most=1, alone=True)
    return wide if cost.seconds < _WORTH * narrow_s else opened.runs
