"""The circuit breaker: a dead service is asked once a cool-down, and nobody fails meanwhile."""

from __future__ import annotations

from itertools import pairwise

import pytest

from cloudvision.breaker import CircuitBreaker, OutageBounds
from cloudvision.errors import OutageError, StoppedError, UnavailableError
from cloudvision.images import Image, Remote
from cloudvision.ledger import Ledger
from cloudvision.limit import Limiter
from cloudvision.outcome import Analysed, Failed
from cloudvision.pipeline import Pipeline
from cloudvision.policy import Policy
from cloudvision.providers.fake import Fake
from cloudvision.raw import Raw
from cloudvision.retry import RetryPolicy
from cloudvision.stop import StopSignal
from tests.pictures import png
from tests.virtual_time import VirtualTime

DOWN = UnavailableError("no connection", provider="fake", billed=False)


class Breaks(Fake):
    """A service that takes a tenth of a second a call, and is down between two times."""

    def __init__(self, time: VirtualTime, down: tuple[float, float], *, never: str | None = None) -> None:
        super().__init__(price=1000)
        self.time, self.down, self.never = time, down, never
        self.asked_while_down: list[float] = []

    def call(self, image: Image | Remote, /) -> Raw:
        self.time.sleep(0.1)
        now = self.time.now
        if self.down[0] <= now < self.down[1]:
            self.asked_while_down.append(now)
            raise DOWN.with_traceback(None)
        if image.digest == self.never:
            raise UnavailableError("500", provider="fake", status=500, billed=None)
        return super().call(image)


def opened(breaker: CircuitBreaker, *, failures: int = 5) -> CircuitBreaker:
    for number in range(failures):
        ticket = breaker.try_enter()
        assert ticket is not None
        breaker.failed(ticket, DOWN, picture=str(number))
    return breaker


def probe(breaker: CircuitBreaker) -> int:
    ticket = breaker.try_enter()
    assert ticket is not None
    return ticket


def test_failures_in_a_row_open_it_and_a_success_between_them_does_not() -> None:
    breaker = CircuitBreaker(clock=VirtualTime())
    opened(breaker, failures=4)
    breaker.succeeded(probe(breaker))
    opened(breaker, failures=4)
    assert 0.0 == breaker.wait_s()
    assert breaker.failed(probe(breaker), DOWN)
    assert 5.0 == breaker.wait_s()
    assert breaker.try_enter() is None


def test_while_open_there_is_one_probe_a_cool_down_and_they_grow_to_a_cap() -> None:
    time = VirtualTime()
    breaker = opened(CircuitBreaker(bounds=OutageBounds(cool_down_max_s=30), clock=time))
    waits = []
    for _ in range(5):
        waits.append(breaker.wait_s())
        time.now += waits[-1]
        ticket = probe(breaker)
        assert breaker.try_enter() is None
        assert breaker.failed(ticket, DOWN, picture="x")
    assert [5, 10, 20, 30, 30] == waits


def test_a_probe_that_gets_through_lets_everybody_in() -> None:
    time = VirtualTime()
    breaker = opened(CircuitBreaker(clock=time))
    time.now += 5
    breaker.succeeded(probe(breaker))
    time.now += 2
    assert [0.0, 2.0] == [breaker.wait_s(), breaker.patience()]
    assert probe(breaker) == probe(breaker)


def test_a_probe_that_told_nothing_is_left_to_the_next_one_and_only_once() -> None:
    time = VirtualTime()
    breaker = opened(CircuitBreaker(clock=time))
    time.now += 5
    first = probe(breaker)
    breaker.leave(first)
    second = probe(breaker)
    breaker.leave(first)
    assert breaker.try_enter() is None
    assert breaker.stands(second)
    assert not breaker.stands(first)


def test_calls_that_were_on_their_way_when_it_opened_change_nothing() -> None:
    breaker = CircuitBreaker(clock=VirtualTime())
    early = probe(breaker)
    opened(breaker)
    assert not breaker.stands(early)
    assert breaker.failed(early, DOWN)  # an outage, not the fault of that picture
    breaker.succeeded(early)
    assert 5.0 == breaker.wait_s()


def test_the_service_may_ask_for_a_longer_cool_down_up_to_the_cap() -> None:
    breaker = CircuitBreaker(bounds=OutageBounds(failures=1), clock=VirtualTime())
    breaker.failed(probe(breaker), UnavailableError("503", provider="fake", retry_after=40.0))
    assert 40.0 == breaker.wait_s()
    other = CircuitBreaker(bounds=OutageBounds(failures=1), clock=VirtualTime())
    other.failed(probe(other), UnavailableError("503", provider="fake", retry_after=4000.0))
    assert 60.0 == other.wait_s()


def test_the_longest_outage_ends_the_wait() -> None:
    time = VirtualTime()
    breaker = opened(CircuitBreaker("fake", clock=time))

    def probes() -> None:
        for _ in range(100):
            breaker.failed(breaker.enter(sleep=time.sleep), DOWN, picture="x")

    with pytest.raises(OutageError, match="fake has not answered for 900 s"):
        probes()
    assert 900.0 == time.now


def test_stopping_ends_the_wait() -> None:
    stop = StopSignal()
    breaker = opened(CircuitBreaker(clock=VirtualTime()))
    stop.set()
    with pytest.raises(StoppedError):
        breaker.enter(sleep=stop.sleep)


@pytest.mark.parametrize("workers", [1, 8])
def test_a_run_survives_a_minute_without_its_service(workers: int) -> None:
    time = VirtualTime()
    service = Breaks(time, (5.0, 65.0))
    with Ledger() as ledger:
        pipeline = Pipeline(service, ledger=ledger, breaker=CircuitBreaker(clock=time), stop=time)
        outcomes, errors = time.each(pipeline.run, map(png, range(1000)), threads=workers)
        settled = {state: number for state, number, _ in ledger.attempts()}["settled"]
    assert ([Analysed] * 1000, []) == ([type(outcome) for outcome in outcomes], errors)
    assert (1000, 1000) == (settled, service.calls)
    # Five failures open the breaker (with those that were on the wire), then one probe after 5, 10 and 20 seconds more.
    assert 5 <= len(service.asked_while_down) <= 5 + (workers - 1) + 4
    assert time.now > 65
    probes = [at for at in service.asked_while_down if at > service.asked_while_down[0] + 10]
    assert all(later - earlier >= 9.9 for earlier, later in pairwise(probes))


def test_an_outage_uses_up_neither_the_attempts_nor_the_time_of_a_source() -> None:
    time = VirtualTime()
    service = Breaks(time, (0.0, 700.0))
    policy = Policy(retry=RetryPolicy(attempts=3, total_s=60))
    breaker = CircuitBreaker(bounds=OutageBounds(failures=2), clock=time)
    outcome = Pipeline(service, policy=policy, breaker=breaker, stop=time).run(png())
    assert isinstance(outcome, Analysed)
    assert len(service.asked_while_down) > 10


def test_an_outage_beyond_the_longest_is_fatal_and_no_source_failed() -> None:
    time = VirtualTime()
    pipeline = Pipeline(Breaks(time, (0.0, 1e9)), breaker=CircuitBreaker(clock=time), stop=time)
    outcomes, errors = time.each(pipeline.run, map(png, range(20)), threads=4)
    assert ([], [OutageError] * 4) == (outcomes, [type(error) for error in errors])
    assert 900 <= time.now <= 905


def test_a_picture_that_the_service_never_survives_fails_and_the_run_goes_on() -> None:
    time = VirtualTime()
    poison = Pipeline(Fake()).run(png(3)).digest
    service = Breaks(time, (-1.0, -1.0), never=poison)
    pipeline = Pipeline(service, breaker=CircuitBreaker(clock=time), stop=time)
    outcomes, _ = time.each(pipeline.run, map(png, range(6)), threads=1)
    assert [Analysed] * 3 + [Failed] + [Analysed] * 2 == [type(outcome) for outcome in outcomes]
    assert time.now < 200


def test_the_picture_that_failed_is_not_the_first_to_be_the_probe() -> None:
    time = VirtualTime()
    breaker = CircuitBreaker(bounds=OutageBounds(failures=1), clock=time)
    breaker.failed(probe(breaker), UnavailableError("500", provider="fake", status=500), picture="a")
    assert (5.0, 6.0) == (breaker.wait_s("b"), breaker.wait_s("a"))


def test_a_call_that_waited_for_its_turn_does_not_go_out_after_the_service_went_down() -> None:
    time = VirtualTime()
    breaker = CircuitBreaker(clock=time)
    fake = Fake(price=1000)

    def wait(seconds: float) -> None:
        if time.now == 0.0:
            opened(breaker)
        time.sleep(seconds)

    limiter = Limiter(1, clock=time, sleep=wait)
    limiter.acquire()
    with Ledger() as ledger:
        pipeline = Pipeline(fake, ledger=ledger, limiter=limiter, breaker=breaker, stop=time)
        assert isinstance(pipeline.run(png()), Analysed)
        assert {"released": 1, "settled": 1} == {state: number for state, number, _ in ledger.attempts()}
    assert 1 == fake.calls
