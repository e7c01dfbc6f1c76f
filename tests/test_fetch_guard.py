"""Which addresses may be reached. The resolver and the connector are injected, and the connector refuses everything:
nothing is ever sent to the addresses that are tried here."""

from __future__ import annotations

import socket
from collections.abc import Sequence

import pytest
from loopback import Request, serving

from cloudvision.errors import BlockedAddressError, FetchError, ImageError
from cloudvision.fetch import Fetcher
from cloudvision.images import load

PUBLIC = "93.184.216.34"


class Recorder:
    """A resolver with scripted answers, and a connector that writes down where it was sent and refuses."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.resolved: list[str] = []
        self.connected: list[tuple[str, int]] = []

    def resolve(self, host: str, port: int) -> Sequence[str]:
        self.resolved.append(host)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def connect(self, address: tuple[str, int], timeout_s: float) -> socket.socket:
        self.connected.append(address)
        raise ConnectionRefusedError("the recorder refuses")

    def fetcher(self, *, allow_private_hosts: bool = False) -> Fetcher:
        return Fetcher(allow_private_hosts=allow_private_hosts, resolver=self.resolve, connector=self.connect, env={})


BLOCKED_HOSTS = [
    "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001", "0x7F.0.0.0x1",
    "127.0.0.1.", "127.255.255.254", "0.0.0.0", "0", "0x", "0.1.2.3", "10.0.0.1", "10.1", "172.16.0.1", "172.31.255.255",
    "192.168.1.1", "3232235777", "169.254.169.254", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.0.1",
    "100.64.0.1", "100.100.100.200", "192.0.0.192", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1",
    "192.88.99.1", "168.63.129.16", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:a9fe:a9fe]", "[::ffff:10.0.0.1]", "[::127.0.0.1]",
    "[64:ff9b::127.0.0.1]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b:1::1]", "[2002:7f00:1::]", "[2001:0:7f00:1::]",
    "[fe80::1]", "[fec0::1]", "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]", "[2001:db8::1]", "[3fff::1]", "[100::1]",
    "\uff11\uff12\uff17.0.0.1", "\u2460\u2461\u2466.0.0.1", "127\u30020\u30020\u30021", "user:pass@127.0.0.1",
    "example.com@127.0.0.1", "example.com%40@169.254.169.254",
]  # fmt: skip

REFUSED_URLS = [
    "http://[fe80::1%25eth0]/", "http://%31%32%37.0.0.1/", "http://256.1.1.1/",
    "http://1.2.3.4.5/", "http://1.2.0x.09/", "http://08.1.1.1/", "http://4294967296/", "http://exam ple.com/", "http:///a",
    "http://example.com\\@127.0.0.1/", "http://example.com:99999/", "http://example.com:0/", "http://[::1", "http://.",
    "http://exa\tmple\x00.com/", "http://-/", "https://" + "a" * 300 + "/", "http://x:y/", "file:///etc/passwd",
    "ftp://example.com/a.jpg", "gopher://127.0.0.1/", "jar:http://x!/", "//example.com/a.jpg", "example.com", "",
]  # fmt: skip


@pytest.mark.parametrize("host", BLOCKED_HOSTS)
def test_an_address_that_is_not_public_is_never_connected_to_however_it_is_spelled(host: str) -> None:
    recorder = Recorder([PUBLIC])
    for scheme in ("http", "https"):
        with pytest.raises(ImageError) as caught:
            recorder.fetcher().fetch(f"{scheme}://{host}/latest/meta-data")
        assert isinstance(caught.value, BlockedAddressError) or not recorder.resolved
    assert isinstance(caught.value, BlockedAddressError)
    assert (recorder.connected, recorder.resolved) == ([], [])


@pytest.mark.parametrize("url", REFUSED_URLS)
def test_what_is_no_proper_http_url_is_refused_before_anything_happens(url: str) -> None:
    recorder = Recorder([PUBLIC])
    with pytest.raises(FetchError) as caught:
        recorder.fetcher().fetch(url)
    assert not caught.value.transient
    assert (recorder.connected, recorder.resolved) == ([], [])


@pytest.mark.parametrize("host", ["93.184.216.34", "1572395042", "[2606:2800:220:1::1]", "[64:ff9b::5db8:d822]"])
def test_public_addresses_are_connected_to(host: str) -> None:
    recorder = Recorder([])
    with pytest.raises(FetchError, match="refuses"):
        recorder.fetcher().fetch(f"http://{host}/")
    assert len(recorder.connected) == 1


def test_the_checked_address_itself_is_connected_to() -> None:
    recorder = Recorder([PUBLIC], ["127.0.0.1"])  # the second answer would be the attack
    with pytest.raises(FetchError, match="refuses"):
        recorder.fetcher().fetch("http://rebind.example:8080/")
    assert (recorder.resolved, recorder.connected) == (["rebind.example"], [(PUBLIC, 8080)])
    with pytest.raises(BlockedAddressError, match=r"rebind\.example \(127\.0\.0\.1\)"):
        recorder.fetcher().fetch("http://rebind.example:8080/")
    assert len(recorder.connected) == 1


@pytest.mark.parametrize(
    "answer", [[PUBLIC, "10.0.0.1"], ["::1", PUBLIC], ["fe80::1%eth0"], ["::ffff:127.0.0.1"], ["x"]]
)
def test_one_address_that_is_not_public_spoils_a_name(answer: list[str]) -> None:
    recorder = Recorder(answer)
    with pytest.raises(BlockedAddressError):
        recorder.fetcher().fetch("https://example.com/")
    assert recorder.connected == []


def test_each_public_address_is_tried_in_turn() -> None:
    recorder = Recorder([PUBLIC, "93.184.216.35"])
    with pytest.raises(FetchError):
        recorder.fetcher().fetch("http://example.com/")
    assert recorder.connected == [(PUBLIC, 80), ("93.184.216.35", 80)]


@pytest.mark.parametrize("host", ["127.0.0.1:%d", "localhost:%d", "2130706433:%d", "[::ffff:127.0.0.1]:%d"])
def test_a_canary_on_this_machine_hears_nothing(host: str) -> None:
    with serving(lambda request: request.answer(b"secret")) as canary, Fetcher(env={}) as fetcher:
        with pytest.raises(BlockedAddressError):
            fetcher.fetch(f"http://{host % canary.port}/")
        with pytest.raises(BlockedAddressError):
            load(f"http://{host % canary.port}/", fetcher=fetcher)
        assert canary.connections == 0


@pytest.mark.parametrize("location", ["http://127.0.0.1:{0}/", "//127.1:{0}/", "http://inside.example:{0}/"])
def test_a_redirect_is_checked_like_the_first_url(location: str) -> None:
    def connect(address: tuple[str, int], timeout_s: float) -> socket.socket:
        assert address[0] == PUBLIC, "only the public name may get here"
        return socket.create_connection(("127.0.0.1", address[1]), timeout_s)

    def resolve(host: str, port: int) -> list[str]:
        return ["10.0.0.1"] if host == "inside.example" else [PUBLIC]

    with serving(lambda request: request.answer(b"secret")) as canary:
        there = location.format(canary.port)
        with serving(lambda r: r.answer(status="302 Found", location=there)) as server:
            fetcher = Fetcher(resolver=resolve, connector=connect, env={})
            with fetcher, pytest.raises(BlockedAddressError) as caught:
                fetcher.fetch(server.url(host="outside.example"))
        assert (canary.connections, server.connections) == (0, 1)
    assert "outside.example" in caught.value.source


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://example.com/", "data:,x", "http://[::1"])
def test_a_redirect_to_another_scheme_is_refused(location: str) -> None:
    with (
        serving(lambda r: r.answer(status="302 Found", location=location)) as server,
        Fetcher(allow_private_hosts=True, env={}) as fetcher,
        pytest.raises(FetchError) as caught,
    ):
        fetcher.fetch(server.url())
    assert not caught.value.transient


def test_private_hosts_can_be_allowed_and_names_resolve_then() -> None:
    recorder = Recorder(["10.0.0.1"])
    with pytest.raises(FetchError, match="refuses"):
        recorder.fetcher(allow_private_hosts=True).fetch("http://intranet/a.jpg")
    assert recorder.connected == [("10.0.0.1", 80)]
    with pytest.raises(FetchError, match="only http and https"):
        recorder.fetcher(allow_private_hosts=True).fetch("file:///etc/passwd")


def test_names_that_do_not_resolve_say_so() -> None:
    for number, transient in ((socket.EAI_NONAME, False), (socket.EAI_AGAIN, True)):

        def unknown(host: str, port: int, number: int = number) -> list[str]:
            raise socket.gaierror(number, "the resolver's words")

        with pytest.raises(FetchError, match="does not resolve") as caught:
            Fetcher(resolver=unknown, env={}).fetch("http://no.example/")
        assert caught.value.transient is transient


def test_host_names_in_other_scripts_are_spelled_for_dns() -> None:
    recorder = Recorder(["10.0.0.1"])
    with pytest.raises(BlockedAddressError):
        recorder.fetcher().fetch("http://B\u00dcCHER.example./")
    assert recorder.resolved == ["xn--bcher-kva.example"]


def test_the_request_names_the_host_and_not_the_address() -> None:
    seen: list[Request] = []

    def handler(request: Request) -> None:
        seen.append(request)
        request.answer(b"ok")

    def connect(address: tuple[str, int], timeout_s: float) -> socket.socket:
        return socket.create_connection(("127.0.0.1", address[1]), timeout_s)

    with serving(handler) as server, Fetcher(resolver=lambda h, p: [PUBLIC], connector=connect, env={}) as fetcher:
        assert fetcher.fetch(server.url(host="Example.COM.")) == b"ok"
    assert seen[0].headers["host"] == f"example.com:{server.port}"
