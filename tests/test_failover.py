"""Several accounts as one provider: load is spread, a dead one is left alone, a dead key taken out."""

from __future__ import annotations

import json
import logging
from collections import Counter

import pytest

from cloudvision.breaker import CircuitBreaker
from cloudvision.errors import (
    AuthError,
    ConfigError,
    ProviderError,
    RejectedError,
    ThrottledError,
    UnavailableError,
)
from cloudvision.failover import Failover
from cloudvision.images import Image, Remote, load
from cloudvision.ledger import Ledger
from cloudvision.limit import Limiter
from cloudvision.outcome import Analysed
from cloudvision.pipeline import Pipeline
from cloudvision.provider import Provider
from cloudvision.providers.fake import Fake
from cloudvision.raw import Raw
from tests.pictures import png
from tests.virtual_time import VirtualTime

WRONG_KEY = AuthError("wrong key", provider="fake", status=401)
BUSY = ThrottledError("slow down", provider="fake", retry_after=30.0)
REFUSED = UnavailableError("no connection", provider="fake", billed=False)
CUT_OFF = UnavailableError("no answer within 60 s", provider="fake", billed=None)


class Failing(Fake):
    """Fails in one way from the first call to a time."""

    def __init__(self, error: ProviderError, *, until: float = 1e9, time: VirtualTime | None = None) -> None:
        super().__init__(price=1000)
        self.error, self.until, self.time, self.asked = error, until, time, 0

    def call(self, image: Image | Remote, /) -> Raw:
        self.asked += 1
        if self.time is None or self.time.now < self.until:
            raise self.error.with_traceback(None)
        return super().call(image)


def group(time: VirtualTime, east: Provider, west: Provider, *, rates: tuple[float, float] = (100, 100)) -> Failover:
    limiters = {
        name: Limiter(rate, clock=time, sleep=time.sleep) for name, rate in zip(("east", "west"), rates, strict=True)
    }
    return Failover([("east", east), ("west", west)], limiters=limiters, clock=time, sleep=time.sleep)


def test_it_is_a_provider_and_its_answer_says_who_gave_it() -> None:
    both = group(VirtualTime(), Fake(), Failing(REFUSED))
    assert isinstance(both, Provider)
    with Ledger() as ledger:
        fresh, cached = (Pipeline(both, ledger=ledger).run(png()) for _ in range(2))
    for outcome in (fresh, cached):
        assert isinstance(outcome, Analysed)
        assert outcome.analysis.provenance is not None
        assert "east" == outcome.analysis.provenance.account
    raw = both.call(load(png(1)))
    assert raw == Raw.from_json(json.loads(json.dumps(raw.to_json())))


def test_an_answer_from_before_there_were_accounts_is_still_read() -> None:
    assert Raw.from_json({"schema": 1, "body": "x"}).account is None
    assert "account" not in Raw("x").to_json()


def test_the_load_goes_where_quota_is_free() -> None:
    time = VirtualTime()
    both = group(time, Fake(), Fake(), rates=(30, 10))
    given = Counter(both.call(load(png(n))).account for n in range(400))
    assert 280 <= given["east"] <= 320
    assert time.now == pytest.approx(10.0, rel=0.1)  # 400 calls at 40 a second: both quotas are used


def test_a_wrong_key_takes_out_its_account_and_not_the_run(caplog: pytest.LogCaptureFixture) -> None:
    bad = Failing(WRONG_KEY)
    both = group(VirtualTime(), bad, Fake())
    with caplog.at_level(logging.WARNING):
        assert {"west"} == {both.call(load(png(n))).account for n in range(20)}
    assert (1, ("west",)) == (bad.asked, both.accounts)
    assert "account east is taken out" in caplog.text


def test_a_wrong_key_is_fatal_when_no_account_is_left() -> None:
    both = group(VirtualTime(), Failing(WRONG_KEY), Failing(WRONG_KEY))
    with pytest.raises(AuthError):
        both.call(load(png()))


def test_a_throttled_call_goes_to_another_account_at_once() -> None:
    time = VirtualTime()
    busy = Failing(BUSY)
    both = group(time, busy, Fake())
    assert {"west"} == {both.call(load(png(n))).account for n in range(20)}
    assert (1, 0.0) == (busy.asked, round(time.now))


def test_a_failure_that_may_have_been_billed_is_an_attempt_of_its_own() -> None:
    time = VirtualTime()
    cut = Failing(CUT_OFF)
    with Ledger() as ledger:
        pipeline = Pipeline(group(time, cut, Fake(price=1000)), ledger=ledger, stop=time)
        assert all(isinstance(pipeline.run(png(n)), Analysed) for n in range(20))
        booked = {state: number for state, number, _ in ledger.attempts()}
    assert {"settled": 20, "uncertain": cut.asked} == booked
    assert 1 <= cut.asked <= 5


def test_an_account_that_is_down_gets_one_probe_a_cool_down_and_comes_back() -> None:
    time = VirtualTime()
    down = Failing(REFUSED, until=60.0, time=time)
    both = group(time, down, Fake(), rates=(10, 10))
    given = []
    while time.now < 100:
        given.append(both.call(load(png(len(given) % 50))).account)
        time.sleep(0.1)
    assert down.asked - given.count("east") <= 5 + 4
    assert given[:100].count("east") == 0
    assert given[-50:].count("east") >= 15


def test_when_all_are_down_the_pipeline_waits_and_no_source_fails() -> None:
    time = VirtualTime()
    east, west = (Failing(REFUSED, until=60.0, time=time) for _ in range(2))
    pipeline = Pipeline(group(time, east, west), breaker=CircuitBreaker(clock=time), stop=time)
    outcomes, errors = time.each(pipeline.run, map(png, range(50)), threads=1)
    assert ([Analysed] * 50, []) == ([type(outcome) for outcome in outcomes], errors)
    assert east.asked + west.asked - 50 <= 2 * (5 + 4)


def test_a_refused_picture_is_refused_for_all() -> None:
    other = Fake()
    both = group(VirtualTime(), Failing(RejectedError("too large", provider="fake")), other)
    refused = 0
    for n in range(4):
        try:
            both.call(load(png(n)))
        except RejectedError:
            refused += 1
    assert (2, 2) == (refused, other.calls)


@pytest.mark.parametrize(
    "accounts",
    [
        [],
        [("east", Fake()), ("east", Fake())],
        [("east", Fake()), ("west", Fake(fingerprint="2"))],
    ],
)
def test_accounts_that_cannot_stand_for_each_other_are_refused(accounts: list[tuple[str, Provider]]) -> None:
    with pytest.raises(ConfigError, match="accounts"):
        Failover(accounts)
