"""Certificates and proxies, against a TLS server and a proxy on this machine."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from loopback import Server, certificate, serving, tunnel

from cloudvision.errors import BlockedAddressError, ConfigError, FetchError
from cloudvision.fetch import Fetcher

PUBLIC = "93.184.216.34"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    return certificate(tmp_path_factory.mktemp("ca"), names=("pictures.example", "127.0.0.1"))


@pytest.fixture
def bundle(authority: tuple[ssl.SSLContext, Path]) -> Path:
    return authority[1]


@pytest.fixture
def secure(authority: tuple[ssl.SSLContext, Path]) -> Iterator[Server]:
    with serving(lambda request: request.answer(b"secure"), tls=authority[0]) as server:
        yield server


@pytest.fixture
def proxy() -> Iterator[Server]:
    with serving(tunnel) as server:
        yield server


def to_loopback(address: tuple[str, int], timeout_s: float) -> socket.socket:
    assert address[0] == PUBLIC
    return socket.create_connection(("127.0.0.1", address[1]), timeout_s)


def test_a_certificate_of_the_bundle_is_trusted(secure: Server, bundle: Path) -> None:
    with Fetcher(allow_private_hosts=True, ca_bundle=bundle, env={}) as fetcher:
        assert fetcher.fetch(secure.url(scheme="https")) == b"secure"
        assert fetcher.fetch(secure.url(scheme="https")) == b"secure"
    assert secure.connections == 1


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_bundle_may_come_from_the_environment(variable: str, secure: Server, bundle: Path) -> None:
    with Fetcher(allow_private_hosts=True, env={variable: str(bundle)}) as fetcher:
        assert fetcher.fetch(secure.url(scheme="https")) == b"secure"


def test_an_unknown_authority_is_refused_and_the_remedy_named(secure: Server) -> None:
    with (
        Fetcher(allow_private_hosts=True, env={}) as fetcher,
        pytest.raises(FetchError, match=r"not trusted.*SSL_CERT_FILE") as caught,
    ):
        fetcher.fetch(secure.url(scheme="https"))
    assert not caught.value.transient
    assert secure.requests == []


def test_the_certificate_is_checked_for_the_name_and_not_for_the_address(secure: Server, bundle: Path) -> None:
    with Fetcher(resolver=lambda h, p: [PUBLIC], connector=to_loopback, ca_bundle=bundle, env={}) as fetcher:
        assert fetcher.fetch(secure.url(scheme="https", host="pictures.example")) == b"secure"
        with pytest.raises(FetchError, match="not trusted"):
            fetcher.fetch(secure.url(scheme="https", host="other.example"))
    assert len(secure.requests) == 1


def test_a_server_without_tls_is_an_error_of_ours() -> None:
    with (
        serving(lambda request: request.answer(b"plain")) as server,
        Fetcher(allow_private_hosts=True, env={}) as fetcher,
        pytest.raises(FetchError),
    ):
        fetcher.fetch(server.url(scheme="https"))


def test_a_missing_bundle_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="REQUESTS_CA_BUNDLE"):
        Fetcher(env={"REQUESTS_CA_BUNDLE": str(tmp_path / "no.pem")}).fetch("https://1.1.1.1.invalid/")


def test_http_goes_through_the_proxy_that_the_environment_names(proxy: Server) -> None:
    env = {"http_proxy": f"http://me:pass@127.0.0.1:{proxy.port}"}
    with Fetcher(resolver=lambda h, p: [PUBLIC], env=env) as fetcher:
        assert fetcher.fetch("http://pictures.example/a.jpg") == b"through the proxy"
    assert proxy.requests[0].line.startswith("GET http://pictures.example")
    assert proxy.requests[0].headers["proxy-authorization"] == "Basic bWU6cGFzcw=="


def test_https_goes_through_a_tunnel_and_its_certificate_is_checked(
    proxy: Server, secure: Server, bundle: Path
) -> None:
    env = {"HTTPS_PROXY": f"127.0.0.1:{proxy.port}", "SSL_CERT_FILE": str(bundle)}
    with Fetcher(resolver=lambda h, p: [PUBLIC], env=env) as fetcher:
        assert fetcher.fetch(secure.url(scheme="https", host="pictures.example")) == b"secure"
        with pytest.raises(FetchError, match="not trusted"):
            fetcher.fetch(secure.url(scheme="https", host="other.example"))
    assert proxy.requests[0].line == f"CONNECT pictures.example:{secure.port} HTTP/1.{proxy.requests[0].line[-1]}"


@pytest.mark.parametrize("no_proxy", ["*", "127.0.0.1", "127.0.0.0/8", "x.example, 127.0.0.1:{port}"])
def test_no_proxy_names_exceptions(no_proxy: str, proxy: Server) -> None:
    with serving(lambda request: request.answer(b"direct")) as server:
        env = {"ALL_PROXY": f"http://127.0.0.1:{proxy.port}", "NO_PROXY": no_proxy.format(port=server.port)}
        with Fetcher(allow_private_hosts=True, env=env) as fetcher:
            assert fetcher.fetch(server.url()) == b"direct"
    assert proxy.connections == 0


@pytest.mark.parametrize("no_proxy", ["pictures.example:81", "example.org", "ures.example", "10.0.0.0/8", ""])
def test_no_proxy_exempts_nothing_else(no_proxy: str, proxy: Server) -> None:
    env = {"HTTP_PROXY": f"http://127.0.0.1:{proxy.port}", "NO_PROXY": no_proxy}
    with Fetcher(resolver=lambda h, p: [PUBLIC], env=env) as fetcher:
        assert fetcher.fetch("http://pictures.example/") == b"through the proxy"


@pytest.mark.parametrize("no_proxy", ["example", ".example", "*.example", "pictures.example", "pictures.example:80"])
def test_no_proxy_takes_domains_in_every_spelling(no_proxy: str, proxy: Server) -> None:
    def refuse(address: tuple[str, int], timeout_s: float) -> socket.socket:
        raise ConnectionRefusedError("went directly")

    env = {"HTTP_PROXY": f"http://127.0.0.1:{proxy.port}", "NO_PROXY": no_proxy}
    with (
        Fetcher(resolver=lambda h, p: [PUBLIC], connector=refuse, env=env) as fetcher,
        pytest.raises(FetchError, match="went directly"),
    ):
        fetcher.fetch("http://pictures.example/")


def test_a_proxy_is_no_way_around_the_guard(proxy: Server) -> None:
    env = {"ALL_PROXY": f"http://127.0.0.1:{proxy.port}"}
    with Fetcher(resolver=lambda h, p: ["10.0.0.1"], env=env) as fetcher:
        for url in ("http://169.254.169.254/", "https://127.1/", "http://inside.example/"):
            with pytest.raises(BlockedAddressError):
                fetcher.fetch(url)
    assert proxy.connections == 0


def test_a_name_that_only_the_proxy_knows_goes_to_the_proxy(proxy: Server) -> None:
    def no_dns(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "no DNS here")

    with Fetcher(resolver=no_dns, env={"HTTP_PROXY": f"http://127.0.0.1:{proxy.port}"}) as fetcher:
        assert fetcher.fetch("http://pictures.example/") == b"through the proxy"


def test_a_socks_proxy_is_a_configuration_error_and_a_strangers_header_is_no_proxy() -> None:
    with pytest.raises(ConfigError, match="socks5 proxy"):
        Fetcher(resolver=lambda h, p: [PUBLIC], env={"ALL_PROXY": "socks5://127.0.0.1:1"}).fetch("http://a.example/")
    with serving(lambda request: request.answer(b"direct")) as server:
        env = {"HTTP_PROXY": "http://127.0.0.1:1", "REQUEST_METHOD": "GET"}
        assert Fetcher(allow_private_hosts=True, env=env).fetch(server.url()) == b"direct"
