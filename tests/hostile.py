"""The whole line as hostile sources see it: a gate that decodes, a provider that asks nobody, and no waiting."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import partial

from cloudvision.batch import run_many
from cloudvision.breaker import CircuitBreaker
from cloudvision.case import Source
from cloudvision.errors import ImageError
from cloudvision.fetch import Fetcher
from cloudvision.gate.verdict import Verdict
from cloudvision.images import Image, load
from cloudvision.outcome import Analysed, Failed, Outcome
from cloudvision.pipeline import Pipeline
from cloudvision.policy import Policy
from cloudvision.providers.fake import Fake
from cloudvision.retry import RetryPolicy
from tests.pictures import png
from tests.test_pipeline import NoWait


class Looking:
    """A gate that decodes every picture, as the real one does."""

    def judge(self, image: Image, /) -> Verdict:
        image.pixels(max_side=64)
        return Verdict(True, 1.0, 0.5, "fast", "looks")


def through(fetcher: Fetcher, fake: Fake | None = None, *, clock: Callable[[], float] = time.monotonic) -> Pipeline:
    policy = Policy(retry=RetryPolicy(attempts=2, total_s=300.0))
    return Pipeline(
        fake or Fake(),
        gate=Looking(),
        load=partial(load, fetcher=fetcher),
        stop=NoWait(),
        policy=policy,
        rng=random.Random(1),
        breaker=CircuitBreaker(clock=clock),
    )


def all_of(made: Pipeline, sources: list[Source]) -> list[Outcome]:
    """Every source by four threads; a healthy one at the end shows that the workers are alive."""
    outcomes = list(run_many(made, [*sources, *(png(n) for n in range(8))], workers=4))
    assert [Analysed] * 8 == [type(outcome) for outcome in outcomes[-8:]]
    return outcomes[:-8]


def error_of(outcome: Outcome) -> ImageError:
    assert isinstance(outcome, Failed), outcome
    assert isinstance(outcome.error, ImageError)
    return outcome.error
