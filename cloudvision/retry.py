"""When to try again, and when to stop: by error type alone, bounded in number and in time."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception

from cloudvision.errors import CloudVisionError, FetchError, ThrottledError, UnavailableError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Bounds of trying again. All times are in seconds.

    The wait before attempt n + 1 is drawn evenly from [0, min(wait_max_s, wait_initial_s * 2**(n - 1))] ("full
    jitter"), or is what the service asked for, up to `retry_after_max_s`, with up to a tenth on top so that callers
    spread out.

    Args:
        attempts: most attempts that may fail, the first one included; each one may be billed.
        throttled: most attempts that may be throttled, beside those. They are never billed, and under a storm in which
            six of ten are throttled, six attempts would lose one picture in twenty and thirty lose none.
        total_s: no further attempt begins once this much time would have passed since the first.
        wait_initial_s, wait_max_s: bounds of the jittered wait.
        retry_after_max_s: cap for a service's own wish; a longer wish is cut to this.
    """

    attempts: int = 6
    throttled: int = 30
    total_s: float = 600.0
    wait_initial_s: float = 0.5
    wait_max_s: float = 30.0
    retry_after_max_s: float = 60.0

    def call(
        self,
        step: Callable[[], T],
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        rng: random.Random | None = None,
    ) -> T:
        """What `step` gives, tried again under these bounds; the last error is raised as it was.

        Nearly every step is done at the first attempt, and tenacity, which takes 0.1 ms between two looks of the gate, is
        asked only after one that failed.
        """
        failed: list[CloudVisionError] = []
        started = clock()
        try:
            return step()
        except CloudVisionError as error:
            if not is_retryable(error):
                raise
            failed.append(error)

        def attempt() -> T:
            if failed:
                raise failed.pop()
            return step()

        return self._retrying(started, clock=clock, sleep=sleep, draw=rng or random.Random())(attempt)

    def _retrying(
        self, started: float, *, clock: Callable[[], float], sleep: Callable[[float], None], draw: random.Random
    ) -> Retrying:
        # tenacity's stock waits and stops read the real clock and the global random: these take the injected ones.
        def wait(state: RetryCallState) -> float:
            asked = _retry_after(state)
            if asked is not None:
                return min(asked, self.retry_after_max_s) * (1 + draw.random() / 10)
            ceiling = min(self.wait_max_s, self.wait_initial_s * 2.0 ** (state.attempt_number - 1))
            return draw.uniform(0.0, ceiling)

        throttled = 0

        def stop(state: RetryCallState) -> bool:
            nonlocal throttled
            throttled += isinstance(_error(state), ThrottledError)
            # tenacity asks for the wait first, so the coming wait counts against the time that is left.
            elapsed = clock() - started + state.upcoming_sleep
            failed = state.attempt_number - throttled
            return failed >= self.attempts or throttled >= self.throttled or elapsed > self.total_s

        return Retrying(wait=wait, stop=stop, retry=retry_if_exception(is_retryable), sleep=sleep, reraise=True)


def is_retryable(error: BaseException) -> bool:
    """True for an error whose repetition by itself can help."""
    if isinstance(error, FetchError):
        return error.transient
    return isinstance(error, CloudVisionError) and error.retryable


def _error(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome is not None else None


def _retry_after(state: RetryCallState) -> float | None:
    error = _error(state)
    return error.retry_after if isinstance(error, ThrottledError | UnavailableError | FetchError) else None
