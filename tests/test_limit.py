"""The limiter: no window, wherever it is placed, holds more than the rate."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudvision.errors import StoppedError
from cloudvision.limit import SLACK, Limiter
from cloudvision.stop import StopSignal


class FakeTime:
    """A clock whose sleep moves it."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def starts(limiter: Limiter, time: FakeTime, calls: int) -> list[float]:
    found = []
    for _ in range(calls):
        limiter.acquire()
        found.append(time.now)
    return found


def most_in_any(seconds: float, at: list[float]) -> int:
    # A hair shorter than the window: two starts exactly one window apart are in different ones.
    return max(sum(start <= other < start + seconds - 1e-6 for other in at) for start in at)


@given(rate=st.floats(0.1, 40), calls=st.integers(1, 80))
def test_no_second_holds_more_than_the_rate(rate: float, calls: int) -> None:
    time = FakeTime()
    limiter = Limiter(rate, clock=time, sleep=time.sleep)
    found = starts(limiter, time, calls)
    assert most_in_any(1, found) <= math.ceil(rate)
    assert calls - math.ceil(rate) <= (found[-1] - found[0]) * rate + 1e-6  # nor does any longer stretch


def test_the_limit_a_minute_holds_beside_the_limit_a_second() -> None:
    time = FakeTime()
    limiter = Limiter(10, 20, clock=time, sleep=time.sleep)
    found = starts(limiter, time, 60)
    assert (10, 20) == (most_in_any(1, found), most_in_any(60, found))


def test_nearly_the_whole_rate_is_used() -> None:
    time = FakeTime()
    found = starts(Limiter(20, clock=time, sleep=time.sleep), time, 201)
    assert found[-1] - found[0] == pytest.approx(10.0 * (1 + SLACK))


def test_the_calls_of_a_second_do_not_leave_at_once() -> None:
    time = FakeTime()
    assert 2 == most_in_any(0.05, starts(Limiter(20, clock=time, sleep=time.sleep), time, 40))


def test_a_pause_stops_everybody_for_its_length() -> None:
    time = FakeTime()
    limiter = Limiter(clock=time, sleep=time.sleep)
    limiter.acquire()
    limiter.pause(7.5)
    limiter.acquire()
    assert 107.5 == time.now


def test_a_throttled_call_pauses_everybody_as_long_as_the_service_asks() -> None:
    time = FakeTime()
    limiter = Limiter(clock=time, sleep=time.sleep)
    limiter.throttled(limiter.acquire(), retry_after=4.0)
    limiter.acquire()
    assert 104.0 == time.now


def test_a_limiter_without_a_rate_never_waits() -> None:
    time = FakeTime()
    assert {100.0} == set(starts(Limiter(clock=time, sleep=time.sleep), time, 1000))


def test_asking_without_waiting_says_how_long_it_would_take() -> None:
    time = FakeTime()
    limiter = Limiter(0.5, clock=time, sleep=time.sleep)
    assert (1, 0.0) == (limiter.try_acquire().number, limiter.free())
    assert 2 * (1 + SLACK) == pytest.approx(limiter.try_acquire().wait_s)
    time.now += 2.1
    assert (1.0, 2) == (limiter.free(), limiter.try_acquire().number)


@pytest.mark.parametrize("rate", [0, -1, math.nan])
def test_a_rate_of_nothing_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        Limiter(rate)


def test_stopping_ends_the_wait_of_everybody() -> None:
    stop = StopSignal()
    limiter = Limiter(0.001, sleep=stop.sleep)
    limiter.acquire()
    stop.set()
    with pytest.raises(StoppedError):
        limiter.acquire()
