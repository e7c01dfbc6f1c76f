"""Sources that want to harm: through the whole line each becomes an outcome by name, and nothing is reached for it.

Addresses off this machine are never sent anything: the resolver and the connector are injected, and refuse.
"""

from __future__ import annotations

import gzip
import itertools
import socket
import threading
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudvision.case import Source
from cloudvision.errors import BlockedAddressError, FetchError, TooLargeError
from cloudvision.fetch import Fetcher
from tests.command import Run
from tests.hostile import all_of, error_of, through
from tests.loopback import Request, Server, serving
from tests.pictures import png
from tests.test_fetch_guard import BLOCKED_HOSTS, PUBLIC, REFUSED_URLS, Recorder

# -- addresses ---------------------------------------------------------------------------------------------------------

METADATA = [
    "169.254.169.254.", "0xA9FEA9FE", "0251.254.169.254", "169.16689662", "169.254.43518", "00000251.0376.0251.0376",
    "[::ffff:169.254.169.254]", "[0:0:0:0:0:ffff:a9fe:a9fe]", "[2002:a9fe:a9fe::]", "[64:ff9b::169.254.169.254]",
    "[::169.254.169.254]", "[FD00:EC2::254]", "example.com:80@169.254.169.254", "169.254.169.254:443",
    "%31%36%39.254.169.254", "169.254.169.254%2eexample.com", "[fe80::a9fe:a9fe%2525eth0]", "169\uff0e254\uff0e169\uff0e254",
]  # fmt: skip
NAMES = [
    "localhost",
    "localhost.",
    "LOCALHOST",
    "metadata.google.internal",
    "127.0.0.1.nip.example",
    "a.localtest.example",
]


def test_no_spelling_of_an_inner_address_is_reached() -> None:
    recorder = Recorder(["169.254.169.254"])
    sources: list[Source] = [f"http://{host}/latest/" for host in [*BLOCKED_HOSTS, *METADATA, *NAMES]]
    for outcome in all_of(through(recorder.fetcher()), sources):
        assert isinstance(error_of(outcome), BlockedAddressError | FetchError), outcome.source
    assert [] == recorder.connected
    assert {name.lower().rstrip(".") for name in NAMES} == set(recorder.resolved)


def test_other_schemes_and_broken_urls_reach_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here.png").write_bytes(png())
    recorder = Recorder([PUBLIC])
    here = tmp_path / "here.png"
    others: list[Source] = [
        f"file://{here}", f"FILE://{here}", f"file:{here}", f"file://localhost{here}", f"local://{here}", f"unix://{here}",
        "dict://127.0.0.1:11211/", "ldap://127.0.0.1/", "tftp://127.0.0.1/a", "smb://127.0.0.1/a", "netdoc:///etc/passwd",
        "php://filter/resource=here.png", "view-source:http://127.0.0.1/", "http:/127.0.0.1/", "http:\\\\127.0.0.1\\",
        " http://127.0.0.1/", "\thttp://127.0.0.1/", "http\n://127.0.0.1/", "javascript:1", "data:,x",
        "data:image/png;base64,AA==",
        "/dev/zero", "/dev/stdin", "/proc/self/environ", "/proc/self/mem", "..", "-", "\x00", "x" * 9000,
    ]  # fmt: skip
    refused: list[Source] = [url for url in REFUSED_URLS if "://" in url]
    for outcome in all_of(through(recorder.fetcher()), [*others, *refused]):
        error_of(outcome)
    assert ([], []) == (recorder.connected, recorder.resolved)


def test_a_name_that_changes_its_address_is_refused_at_the_second_look() -> None:
    recorder = Recorder([PUBLIC], ["127.0.0.1"])
    outcome = through(recorder.fetcher()).run("http://rebind.example/")
    assert isinstance(error_of(outcome), BlockedAddressError)
    assert [(PUBLIC, 80)] == recorder.connected
    assert ["rebind.example"] * 2 == recorder.resolved


def test_a_fragment_or_a_path_does_not_hide_the_host() -> None:
    for url in (f"http://{PUBLIC}#@127.0.0.1/", f"http://{PUBLIC}/@127.0.0.1/", f"http://{PUBLIC}?@127.0.0.1/"):
        recorder = Recorder([])
        error_of(through(recorder.fetcher()).run(url))
        assert {(PUBLIC, 80)} == set(recorder.connected)


@pytest.mark.parametrize("hops", [1, 3])
def test_a_redirect_to_an_inner_address_ends_there_and_a_canary_hears_nothing(hops: int) -> None:
    """The outer server stands for the internet: only its public name leads to it."""

    def connect(address: tuple[str, int], timeout_s: float) -> socket.socket:
        assert address[0] == PUBLIC
        return socket.create_connection(("127.0.0.1", address[1]), timeout_s)

    with serving(lambda request: request.answer(png())) as canary:
        inner = ["169.254.169.254/latest/meta-data", f"127.0.0.1:{canary.port}", f"2130706433:{canary.port}", "[::1]"]
        inner += [f"[::ffff:7f00:1]:{canary.port}", f"localhost:{canary.port}", "10.0.0.1", f"x@0x7f.1:{canary.port}"]
        there = [f"http://{host}/" for host in inner]
        there += ["file:///etc/passwd", "ftp://127.0.0.1/", "data:image/png;base64,AA==", "//127.1/", "http://[::1"]

        def lead_on(request: Request) -> None:
            hop, number = map(int, request.line.split()[1].strip("/").split("-"))
            request.answer(status="302 Found", location=there[number] if hop == hops else f"/{hop + 1}-{number}")

        resolve = {"outside.example": [PUBLIC], "localhost": ["127.0.0.1"]}
        with (
            serving(lead_on) as outside,
            Fetcher(resolver=lambda host, port: resolve[host], connector=connect, env={}) as fetcher,
        ):
            sources: list[Source] = [outside.url(f"/1-{n}", host="outside.example") for n in range(len(there))]
            outcomes = all_of(through(fetcher), sources)
        for outcome, location in zip(outcomes, there, strict=True):
            web = location.startswith(("http://", "//")) and location != "http://[::1"
            assert isinstance(error_of(outcome), BlockedAddressError if web else FetchError), location
        assert ([], 0) == (canary.requests, canary.connections)
        assert len(outside.requests) == hops * len(there)


# -- bodies ------------------------------------------------------------------------------------------------------------

MAX_BYTES = 2_000_000


@pytest.fixture
def endless() -> Iterator[Server]:
    """Bodies without an end: plain, in chunks, compressed a thousandfold, each beginning like a picture."""
    bomb = gzip.compress(png() + bytes(200_000_000))

    def handler(request: Request) -> None:
        head = b"HTTP/1.1 200 OK\r\n"
        match request.line.split()[1]:
            case "/plain":
                request.sock.sendall(head + b"\r\n" + png())
                while True:
                    request.sock.sendall(bytes(65536))
            case "/chunks":
                request.sock.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n")
                while True:
                    request.sock.sendall(b"400\r\n" + bytes(1024) + b"\r\n")
            case "/headers":
                request.sock.sendall(head)
                while True:
                    request.sock.sendall(b"x-a: " + b"y" * 1000 + b"\r\n")
            case "/gzip":
                request.answer(bomb, content_encoding="gzip")
            case "/gzip-twice":
                request.answer(gzip.compress(bomb), content_encoding="gzip, gzip")
            case "/lies":
                request.answer(b"x", content_length=str(10**15))

    with serving(handler) as server:
        yield server


def test_a_body_without_an_end_is_cut_off_in_bounded_memory(endless: Server) -> None:
    paths = ("/plain", "/chunks", "/headers", "/gzip", "/gzip-twice", "/lies")
    tracemalloc.start()
    try:
        with Fetcher(allow_private_hosts=True, max_bytes=MAX_BYTES, env={}) as fetcher:
            outcomes = all_of(through(fetcher), [endless.url(path) for path in paths])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    kinds = [type(error_of(outcome)) for outcome in outcomes]
    assert [TooLargeError, TooLargeError, FetchError, TooLargeError, FetchError, TooLargeError] == kinds
    assert peak < 8 * MAX_BYTES


def test_one_byte_a_second_ends_at_the_total_time_of_each_try() -> None:
    seconds, ticks, done = itertools.count(), threading.Semaphore(0), threading.Event()

    def clock() -> float:
        ticks.release()  # each look at the clock takes a second, in which the server sends one byte
        return float(next(seconds))

    def drip(request: Request) -> None:
        request.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not done.is_set() and ticks.acquire(timeout=5):
            request.sock.sendall(b"x")

    with serving(drip) as server:
        with Fetcher(allow_private_hosts=True, total_timeout_s=40.0, clock=clock, env={}) as fetcher:
            error = error_of(through(fetcher, clock=clock).run(server.url()))
        done.set()
        clock()
        assert 3 == server.connections
    assert "total time-out" in str(error)
    assert 120 <= next(seconds) < 150


def test_a_name_full_of_markup_is_printed_as_it_is(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    name = "[/red]x[bold].png"
    Path("list.txt").write_text(name)
    assert 1 == run("run", "@list.txt", "--provider", "fake", "--no-gate")
    assert f"{name}: no such file" in capsys.readouterr().err
    assert 2 == run("run", name, "--provider", "fake", "--no-gate")  # not in a list it is a pattern
    assert f"nothing matches {name}" in capsys.readouterr().err
