"""Turns at a host: so many at once, so many a second, and none while it asks to be left alone."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from cloudvision.errors import FetchError, StoppedError
from cloudvision.fetch import Fetcher
from cloudvision.politeness import Politeness
from tests.loopback import Request, serving


class Time:
    """A clock that sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.sleeps: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds


def test_no_more_connections_to_one_host_than_allowed_whatever_the_threads() -> None:
    at_once, most, lock = 0, 0, threading.Lock()
    both = threading.Barrier(2, timeout=10)

    def handler(request: Request) -> None:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        both.wait()  # two are really there at the same time
        with lock:
            at_once -= 1
        request.answer(b"x")

    polite = Politeness(connections=2)
    with (
        serving(handler) as server,
        Fetcher(allow_private_hosts=True, turn=polite.turn, env={}) as fetcher,
        ThreadPoolExecutor(8) as pool,
    ):
        bodies = list(pool.map(fetcher.fetch, [server.url(f"/{n}") for n in range(16)]))
    assert [b"x"] * 16 == bodies
    assert 2 == most


def test_hosts_do_not_wait_for_each_other() -> None:
    polite = Politeness(connections=1)
    with polite.turn("http://a.example/1", "a"), polite.turn("http://b.example/1", "b"):
        pass


def test_the_rate_is_for_each_host_and_for_redirects_too() -> None:
    time = Time()
    polite = Politeness(per_second=2, clock=time.clock, sleep=time.sleep)

    def handler(request: Request) -> None:
        if "/from" in request.line:
            request.answer(status="302 Found", location="/to")
        else:
            request.answer(b"x")

    with (
        serving(handler) as server,
        Fetcher(allow_private_hosts=True, turn=polite.turn, clock=time.clock, total_timeout_s=0.4, env={}) as fetcher,
    ):
        for _ in range(3):
            assert b"x" == fetcher.fetch(server.url("/from"))  # the wait is not the download's time
    assert 6 == len(server.requests)
    assert 2.0 <= time.now < 3.0


def test_a_host_that_asks_for_a_pause_gets_it_from_everybody() -> None:
    time = Time()
    polite = Politeness(clock=time.clock, sleep=time.sleep)
    asked = FetchError("a", "status 429", transient=True, status=429, retry_after=7.0)
    with pytest.raises(FetchError), polite.turn("http://a.example/1", "a"):
        raise asked
    with polite.turn("http://b.example/1", "b"):
        assert [] == time.sleeps
    with polite.turn("http://a.example/2", "a"):
        assert [7.0] == time.sleeps


def test_a_stop_ends_the_wait_for_a_turn() -> None:
    def stopped(_seconds: float) -> None:
        raise StoppedError("stopped on request")

    polite = Politeness(connections=1, sleep=stopped)
    with polite.turn("http://a.example/1", "a"), pytest.raises(StoppedError), polite.turn("http://a.example/2", "a"):
        pass
    with polite.turn("http://a.example/3", "a"):
        pass  # nothing is left held
