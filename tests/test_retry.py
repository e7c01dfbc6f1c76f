"""Trying again: by error type alone, bounded in number and time, as the service asks."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from cloudvision.errors import (
    AuthError,
    BlockedAddressError,
    CloudVisionError,
    FetchError,
    RejectedError,
    ThrottledError,
    UnavailableError,
    UnexpectedAnswerError,
)
from cloudvision.retry import RetryPolicy, is_retryable

BUSY = ThrottledError("slow down", provider="fake")
DOWN = UnavailableError("no answer", provider="fake")


class FakeTime:
    """A clock whose sleep moves it and is written down."""

    def __init__(self) -> None:
        self.now, self.slept = 0.0, []  # type: float, list[float]

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def attempts(policy: RetryPolicy, step: Callable[[], str], time: FakeTime) -> str:
    return policy.call(step, clock=time, sleep=time.sleep, rng=random.Random(1))


def failing(*errors: CloudVisionError) -> Callable[[], str]:
    left = list(errors)

    def step() -> str:
        if left:
            raise left.pop(0)
        return "answer"

    return step


def test_transient_errors_are_tried_again_until_an_answer_comes() -> None:
    time = FakeTime()
    assert "answer" == attempts(RetryPolicy(), failing(BUSY, DOWN, BUSY), time)
    assert 3 == len(time.slept)


@pytest.mark.parametrize(
    "error",
    [
        AuthError("wrong key", provider="fake"),
        RejectedError("too large", provider="fake"),
        UnexpectedAnswerError("HTML", provider="fake"),
        BlockedAddressError("http://x/", "private"),
        FetchError("http://x/", "404", transient=False, status=404),
    ],
)
def test_other_errors_are_raised_at_once(error: CloudVisionError) -> None:
    time = FakeTime()
    with pytest.raises(type(error)):
        attempts(RetryPolicy(), failing(error, error), time)
    assert [] == time.slept


def test_the_last_error_comes_out_as_it_was_after_the_last_attempt() -> None:
    time, calls = FakeTime(), []

    def step() -> str:
        calls.append(1)
        raise DOWN

    with pytest.raises(UnavailableError) as caught:
        attempts(RetryPolicy(attempts=4), step, time)
    assert caught.value is DOWN
    assert 4 == len(calls)


def test_being_throttled_does_not_use_up_the_attempts() -> None:
    time = FakeTime()
    assert "answer" == attempts(RetryPolicy(attempts=2), failing(*[BUSY] * 20, DOWN), time)
    with pytest.raises(ThrottledError):
        attempts(RetryPolicy(throttled=20), failing(*[BUSY] * 20), FakeTime())


def test_waits_grow_stay_under_their_ceiling_and_differ() -> None:
    time = FakeTime()
    with pytest.raises(UnavailableError):
        attempts(RetryPolicy(attempts=9, total_s=1e9, wait_initial_s=1, wait_max_s=8), failing(*[DOWN] * 9), time)
    assert all(wait <= ceiling for wait, ceiling in zip(time.slept, [1, 2, 4, 8, 8, 8, 8, 8], strict=True))
    assert len(set(time.slept)) == len(time.slept)


def test_the_wish_of_the_service_is_met_and_never_undercut() -> None:
    time = FakeTime()
    attempts(RetryPolicy(), failing(ThrottledError("later", provider="fake", retry_after=5)), time)
    assert 5 <= time.slept[0] <= 5.5


def test_a_wish_beyond_the_cap_is_cut() -> None:
    time = FakeTime()
    asked = ThrottledError("tomorrow", provider="fake", retry_after=86_400)
    attempts(RetryPolicy(retry_after_max_s=20), failing(asked), time)
    assert 20 <= time.slept[0] <= 22


def test_no_attempt_begins_after_the_total_time() -> None:
    time = FakeTime()
    asked = ThrottledError("later", provider="fake", retry_after=30)
    with pytest.raises(ThrottledError):
        attempts(RetryPolicy(attempts=99, total_s=100), failing(*[asked] * 99), time)
    assert time.now <= 100


def test_a_download_is_tried_again_only_when_it_may_help() -> None:
    assert is_retryable(FetchError("u", "time-out", transient=True))
    assert not is_retryable(FetchError("u", "404", transient=False))
    assert not is_retryable(KeyboardInterrupt())
