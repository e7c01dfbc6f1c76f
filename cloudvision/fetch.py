"""Guarded download of one URL: public addresses only, bounded bytes, bounded time, bounded redirects.

Built on urllib3, the fastest of the clients in `benchmarks/http_client.py`, which brings no other package along, and
whose connections have a seam for a socket that is checked already.
"""

from __future__ import annotations

import base64
import http.client
import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import Any
from urllib.parse import urljoin

import urllib3

from cloudvision import _address, _body, _fetch_errors, _http, _proxy, _tls, _wire
from cloudvision._address import Resolver
from cloudvision._printable import printable_source
from cloudvision._wire import Connector
from cloudvision.errors import FetchError

__all__ = ["MAX_BYTES", "USER_AGENT", "Connector", "Fetcher", "Resolver", "Turn", "printable_source"]

USER_AGENT = "cloudvision-gate/0.1 (+https://pypi.org/project/cloudvision-gate)"
"""Tells the owner of a server who is asking, and where to read about it."""

MAX_BYTES = 64 * 2**20
"""Default cap on a body's bytes."""

Turn = Callable[[str, str], AbstractContextManager[object]]
"""(URL, its printable form) -> a context that one request of a download is made in. May wait, and may raise."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HOSTS_KEPT = 64
_IDLE_PER_HOST = 64


class Fetcher:
    """Downloads URLs for any number of threads, and keeps connections open between them.

    Each address of a host must be public before a socket is connected to it, and the socket is connected to that very
    address: a name that resolves to something else a moment later changes nothing. Certificates are checked for the
    host's name. Nothing is tried twice here; `FetchError.transient` says where a retry can help.

    Through a proxy (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY) the proxy chooses the address. Hosts that are written
    as an address, and names that resolve on this machine, are checked all the same; what stays open is a name that only
    the proxy resolves, or resolves to something else. Let the proxy refuse private addresses where that matters.

    Args:
        allow_private_hosts: leave out the check of addresses. Schemes and limits stay.
        max_bytes: largest body, after decompression.
        connect_timeout_s: seconds for one TCP or TLS connection.
        read_timeout_s: longest silence of a server, in seconds.
        total_timeout_s: seconds for one download with all its redirects. A look-up in DNS cannot be interrupted and
            has the system's own limits.
        max_redirects: hops that are followed; each is checked like the first URL.
        ca_bundle: PEM file that replaces the system's certificates; default: what SSL_CERT_FILE, REQUESTS_CA_BUNDLE or
            CURL_CA_BUNDLE name, else the system's.
        user_agent: value of the User-Agent header.
        resolver, connector: how names become addresses, and addresses sockets.
        turn: each request, redirects included, is made within it; see `Politeness.turn`. Waiting for it does not count
            as time of the download.
        clock: seconds, monotonic.
        env: environment variables; default: those of the process.
    """

    def __init__(  # noqa: PLR0913 - independent settings, each given by name
        self,
        *,
        allow_private_hosts: bool = False,
        max_bytes: int = MAX_BYTES,
        connect_timeout_s: float = 10.0,
        read_timeout_s: float = 30.0,
        total_timeout_s: float = 60.0,
        max_redirects: int = 5,
        ca_bundle: str | os.PathLike[str] | None = None,
        user_agent: str = USER_AGENT,
        resolver: Resolver = _wire.resolve,
        connector: Connector = _wire.connect,
        turn: Turn = lambda _url, _source: nullcontext(),
        clock: Callable[[], float] = time.monotonic,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self._max_bytes = max_bytes
        self._max_redirects = max_redirects
        self._total_timeout_s = total_timeout_s
        self._timeout = urllib3.Timeout(connect=connect_timeout_s, read=read_timeout_s)
        self._ca_bundle = ca_bundle
        self._headers = {"User-Agent": user_agent, "Accept": "image/*,*/*;q=0.5", "Accept-Encoding": "identity"}
        self._env = os.environ if env is None else env
        self._turn = turn
        self._clock = clock
        self._wire = _wire.Wire(
            resolver=resolver, connector=connector, clock=clock, allow_private_hosts=allow_private_hosts
        )
        self._pools: dict[tuple[str, str | None], urllib3.PoolManager] = {}
        self._lock = threading.Lock()

    def fetch(self, url: str) -> bytes:
        """The body behind an http or https URL.

        Raises:
            BlockedAddressError: the host, or that of a redirect, is not public.
            TooLargeError: more than `max_bytes`.
            FetchError: anything else that went wrong; see `transient`, `status` and `retry_after`.
            ConfigError: the proxy or the certificate bundle that is set cannot be used.
        """
        source = printable_source(url)
        self._wire.job = _wire.Job(source, self._clock() + self._total_timeout_s)
        target = _parse(url, source)
        headers = self._headers | _basic_auth(target)
        for _ in range(self._max_redirects + 1):
            waiting = self._clock()
            with self._turn(target.url, source):
                self._wire.job.deadline += self._clock() - waiting
                answer = self._follow(target, headers, source)
            if isinstance(answer, bytes):
                return answer
            if answer.origin != target.origin:
                headers = self._headers  # a password is for the server it was given for
            target = answer
        raise FetchError(source, f"more than {self._max_redirects} redirects", transient=False)

    def close(self) -> None:
        """Close all idle connections. The Fetcher can be used again."""
        with self._lock:
            pools, self._pools = self._pools, {}
        for pool in pools.values():
            pool.clear()

    def __enter__(self) -> Fetcher:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self.close()

    def _follow(self, target: _address.Target, headers: Mapping[str, str], source: str) -> bytes | _address.Target:
        """One hop: the body, or where it leads next."""
        try:
            response = self._request(target, headers)
            try:
                if response.status in _REDIRECTS and (location := response.headers.get("location")):
                    _body.skip(response)
                    return _parse(urljoin(target.url, location), source)
                if not 200 <= response.status < 300:
                    _body.skip(response)
                    raise _fetch_errors.refused(response, source)
                return _body.read(
                    response, source=source, max_bytes=self._max_bytes, check_time=lambda: self._wire.remaining(1.0)
                )
            finally:
                response.close()
                response.release_conn()
        except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError, ValueError) as error:
            raise _fetch_errors.failed(error, source) from error

    def _request(self, target: _address.Target, headers: Mapping[str, str]) -> urllib3.BaseHTTPResponse:
        proxy = _proxy.proxy_for(target.scheme, target.host, target.port, env=self._env)
        if proxy is not None:
            self._check_before_proxy(target)
        return self._pool(target.scheme, proxy).urlopen(
            "GET",
            target.url,
            headers=headers,
            timeout=self._timeout,
            redirect=False,
            retries=False,
            preload_content=False,
            decode_content=False,
        )

    def _check_before_proxy(self, target: _address.Target) -> None:
        try:
            self._wire.addresses(target.host, target.port)
        except OSError:
            return  # behind many proxies only the proxy itself has DNS

    def _pool(self, scheme: str, proxy: str | None) -> urllib3.PoolManager:
        with self._lock:
            if (scheme, proxy) not in self._pools:
                self._pools[scheme, proxy] = self._new_pool(scheme, proxy)
            return self._pools[scheme, proxy]

    def _new_pool(self, scheme: str, proxy: str | None) -> urllib3.PoolManager:
        options: dict[str, Any] = {"num_pools": _HOSTS_KEPT, "maxsize": _IDLE_PER_HOST}
        if scheme == "https" or proxy is not None:
            # Reading a bundle of certificates takes as long as a small download, so plain http goes without.
            options["ssl_context"] = _tls.context(self._ca_bundle, env=self._env)
        if proxy is None:
            return _http.direct_pools(self._wire, **options)
        return _http.proxied_pools(self._wire, proxy, **options)


def _parse(url: str, source: str) -> _address.Target:
    try:
        return _address.parse(url)
    except ValueError as error:
        # UnicodeError, from a host that IDNA cannot spell, is a ValueError too.
        raise FetchError(source, f"cannot be fetched: {error}", transient=False) from error


def _basic_auth(target: _address.Target) -> dict[str, str]:
    if not target.user:
        return {}
    return {"Authorization": "Basic " + base64.b64encode(target.user.encode()).decode()}
