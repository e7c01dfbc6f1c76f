"""The limiter against a service with a quota: how much of it is used, how much is throttled."""

from __future__ import annotations

import pytest

from cloudvision.limit import Limiter
from tests.quota_simulation import Simulation


class Clock:
    """A clock that tests move by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_known_quota_is_used_and_hardly_ever_overrun() -> None:
    service = Simulation(quota=lambda _: 20, latency_s=0.3, late_s=0.005)
    service.run(Limiter(20, clock=service.clock), seconds=300)
    assert service.used(0, 300) >= 0.97
    assert service.throttled() < 0.01


def test_requests_that_arrive_unevenly_make_it_keep_more_distance() -> None:
    service = Simulation(quota=lambda _: 20, latency_s=0.3, late_s=0.1)
    service.run(Limiter(20, clock=service.clock), seconds=300)
    assert service.used(0, 300) >= 0.85
    assert service.throttled() < 0.01


@pytest.mark.parametrize("quota", [5, 20, 100])
def test_an_unknown_quota_is_found(quota: int) -> None:
    service = Simulation(quota=lambda _: quota, workers=64)
    service.run(Limiter(adaptive=True, clock=service.clock), seconds=300)
    assert service.used(60, 300) >= 0.85
    assert service.throttled() < 0.02


def test_it_slows_down_with_the_service_and_recovers_by_itself() -> None:
    service = Simulation(quota=lambda now: 5 if 100 < now <= 200 else 20)
    service.run(Limiter(adaptive=True, clock=service.clock), seconds=500)
    assert service.used(130, 200) >= 0.8
    assert service.used(300, 500) >= 0.8


def test_the_calls_of_one_congestion_slow_it_down_once() -> None:
    clock = Clock()
    limiter = Limiter(adaptive=True, clock=clock, sleep=lambda seconds: setattr(clock, "now", clock.now + seconds))
    on_the_way = [limiter.acquire() for _ in range(8)]
    for number in on_the_way:
        limiter.throttled(number)
    assert limiter.per_second == pytest.approx(5 * 0.85)
    limiter.throttled(limiter.acquire())
    assert limiter.per_second == pytest.approx(5 * 0.85**2)


def test_callers_that_do_not_wait_say_nothing_of_a_higher_rate() -> None:
    clock = Clock()
    limiter = Limiter(adaptive=True, clock=clock)
    for _ in range(100):
        clock.now += 1.0
        limiter.acquire()
        limiter.answered()
    assert 5.0 == limiter.per_second


def test_an_adaptive_limiter_stays_under_the_rate_that_it_was_given() -> None:
    service = Simulation(quota=lambda _: 100)
    service.run(Limiter(10, adaptive=True, clock=service.clock), seconds=60)
    assert 9.0 <= len(service.answered) / 60 <= 10.0
    assert [] == service.refused
