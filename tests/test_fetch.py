"""Downloads from a server on this machine: bodies, redirects, errors, limits, connections kept."""

from __future__ import annotations

import gzip
import itertools
import socket
import threading
import tracemalloc
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from loopback import Request, serving

from cloudvision.errors import FetchError, TooLargeError
from cloudvision.fetch import USER_AGENT, Fetcher


def local(**options: object) -> Fetcher:
    return Fetcher(allow_private_hosts=True, env={}, **options)  # type: ignore[arg-type]


def test_a_body_is_fetched_and_we_say_who_we_are() -> None:
    with serving(lambda request: request.answer(b"picture")) as server, local() as fetcher:
        assert fetcher.fetch(server.url("/a.jpg?width=3#here")) == b"picture"
    (request,) = server.requests
    assert request.line == "GET /a.jpg?width=3 HTTP/1.1"
    assert request.headers["user-agent"] == USER_AGENT
    assert request.headers["accept-encoding"] == "identity"
    assert request.headers["host"] == f"127.0.0.1:{server.port}"


def test_connections_are_kept_between_pictures_and_shared_by_threads() -> None:
    with serving(lambda request: request.answer(b"x" * 5000)) as server, local() as fetcher:
        with ThreadPoolExecutor(4) as pool:
            bodies = list(pool.map(fetcher.fetch, [server.url(f"/{i}") for i in range(100)]))
        assert set(bodies) == {b"x" * 5000}
        assert server.connections <= 4
        with pytest.raises(FetchError), serving(lambda r: r.answer(b"", status="404 No")) as other:
            fetcher.fetch(other.url())


def test_an_error_or_a_redirect_does_not_cost_the_connection() -> None:
    def handler(request: Request) -> None:
        if "/old" in request.line:
            request.answer(b"moved", status="302 Found", location="/new")
        else:
            request.answer(b"gone", status="410 Gone") if "/gone" in request.line else request.answer(b"new")

    with serving(handler) as server, local() as fetcher:
        assert fetcher.fetch(server.url("/old")) == b"new"
        with pytest.raises(FetchError):
            fetcher.fetch(server.url("/gone"))
        assert fetcher.fetch(server.url("/new")) == b"new"
        assert server.connections == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed(status: int) -> None:
    def handler(request: Request) -> None:
        if "/b/c" in request.line:
            request.answer(b"there")
        else:
            request.answer(status=f"{status} Moved", location="b/c?x=1")

    with serving(handler) as server, local() as fetcher:
        assert fetcher.fetch(server.url("/a")) == b"there"
    assert server.requests[-1].line == "GET /b/c?x=1 HTTP/1.1"


def test_redirects_are_bounded() -> None:
    with (
        serving(lambda request: request.answer(status="302 Found", location="/again")) as server,
        local(max_redirects=3) as fetcher,
    ):
        with pytest.raises(FetchError, match="more than 3 redirects") as caught:
            fetcher.fetch(server.url())
        assert len(server.requests) == 4
        assert not caught.value.transient


def test_a_password_goes_to_its_own_server_only() -> None:
    with serving(lambda request: request.answer(b"ok")) as other:
        moved = other.url()
        with serving(lambda r: r.answer(status="302 Found", location=moved)) as server, local() as fetcher:
            fetcher.fetch(f"http://me:pass%20word@127.0.0.1:{server.port}/")
    assert server.requests[0].headers["authorization"] == "Basic bWU6cGFzcyB3b3Jk"
    assert "authorization" not in other.requests[0].headers


@pytest.mark.parametrize(
    ("status", "transient"),
    [(400, False), (401, False), (403, False), (404, False), (408, True), (429, True), (500, True), (503, True)],
)
def test_refusals_say_whether_trying_again_can_help(status: int, transient: bool) -> None:
    with (
        serving(lambda r: r.answer(b"no", status=f"{status} X", retry_after="7")) as server,
        local() as fetcher,
        pytest.raises(FetchError, match=str(status)) as caught,
    ):
        fetcher.fetch(server.url())
    assert (caught.value.status, caught.value.transient, caught.value.retry_after) == (status, transient, 7.0)


def test_no_answer_is_a_transient_error() -> None:
    def hang_up(request: Request) -> None:
        raise OSError

    with serving(hang_up) as server, local() as fetcher, pytest.raises(FetchError, match="connection") as caught:
        fetcher.fetch(server.url())
    assert (caught.value.transient, caught.value.status) == (True, None)
    with local() as fetcher, pytest.raises(FetchError, match="refused") as caught:
        fetcher.fetch(f"http://127.0.0.1:{_closed_port()}/")
    assert caught.value.transient


def test_a_body_that_breaks_off_is_a_transient_error() -> None:
    def cut(request: Request) -> None:
        request.answer(b"half", content_length="8")
        raise OSError

    def cut_chunk(request: Request) -> None:
        request.sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nhalf")
        raise OSError

    for handler in (cut, cut_chunk):
        with serving(handler) as server, local() as fetcher, pytest.raises(FetchError) as caught:
            fetcher.fetch(server.url())
        assert caught.value.transient


def test_an_answer_that_is_no_http_is_an_error_of_ours() -> None:
    for raw in (
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 500,
        b"\x00" * 99,
    ):

        def handler(request: Request, raw: bytes = raw) -> None:
            request.sock.sendall(raw)
            raise OSError

        with serving(handler) as server, local() as fetcher, pytest.raises(FetchError):
            fetcher.fetch(server.url())


def test_the_announced_size_is_enough_to_refuse() -> None:
    with (
        serving(lambda r: r.answer(b"x", content_length="101")) as server,
        local(max_bytes=100) as fetcher,
        pytest.raises(TooLargeError, match="101 bytes, more than the limit of 100"),
    ):
        fetcher.fetch(server.url())


def _endless(request: Request) -> None:
    request.sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        request.sock.sendall(b"x" * 65536)


def _endless_chunks(request: Request) -> None:
    request.sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        request.sock.sendall(b"400\r\n" + b"x" * 1024 + b"\r\n")


@pytest.mark.parametrize("handler", [_endless, _endless_chunks])
def test_a_body_that_never_ends_is_cut_at_the_limit(handler: Callable[[Request], None]) -> None:
    with serving(handler) as server, local(max_bytes=200_000) as fetcher, pytest.raises(TooLargeError):
        fetcher.fetch(server.url())


def test_exactly_the_limit_is_allowed() -> None:
    with serving(lambda r: r.answer(b"x" * 100)) as server, local(max_bytes=100) as fetcher:
        assert len(fetcher.fetch(server.url())) == 100


def test_compressed_bodies_are_unpacked_up_to_the_limit() -> None:
    bodies = {"gzip": gzip.compress(b"a" * 1000), "deflate": zlib.compress(b"a" * 1000)}
    for encoding, body in bodies.items():
        with serving(lambda r, b=body, e=encoding: r.answer(b, content_encoding=e)) as server, local() as fetcher:
            assert fetcher.fetch(server.url()) == b"a" * 1000
    bomb = gzip.compress(bytes(100_000_000))
    with serving(lambda r: r.answer(bomb, content_encoding="gzip")) as server, local(max_bytes=10**6) as fetcher:
        tracemalloc.start()
        with pytest.raises(TooLargeError):
            fetcher.fetch(server.url())
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 6_000_000


@pytest.mark.parametrize(
    ("encoding", "body"), [("br", b"x"), ("gzip", b"no gzip"), ("gzip", gzip.compress(b"a", mtime=0)[:-9])]
)
def test_other_and_broken_encodings_are_errors(encoding: str, body: bytes) -> None:
    with (
        serving(lambda r: r.answer(body, content_encoding=encoding)) as server,
        local() as fetcher,
        pytest.raises(FetchError),
    ):
        fetcher.fetch(server.url())


@pytest.mark.parametrize("start", [b"HTTP/1.1 200 OK\r\nx: ", b"HTTP/1.1 200 OK\r\n\r\n"], ids=["headers", "body"])
def test_one_byte_a_second_does_not_outlast_the_total_time(start: bytes) -> None:
    seconds, ticks = itertools.count(), threading.Semaphore(0)

    def clock() -> float:
        ticks.release()  # each look at the clock takes a second, in which the server sends one byte
        return float(next(seconds))

    def drip(request: Request) -> None:
        request.sock.sendall(start)
        while ticks.acquire(timeout=5):
            request.sock.sendall(b"x")

    with serving(drip) as server, local(clock=clock) as fetcher:
        with pytest.raises(FetchError, match="total time-out") as caught:
            fetcher.fetch(server.url())
        clock()  # lets the server see that nobody listens
    assert caught.value.transient
    assert 60 <= next(seconds) < 70


def test_a_silent_server_is_given_up() -> None:
    with (
        serving(lambda request: request.sock.recv(1) and None) as server,
        local(read_timeout_s=0.05) as fetcher,
        pytest.raises(FetchError, match="in time") as caught,
    ):
        fetcher.fetch(server.url())
    assert caught.value.transient


def _closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
