"""Which proxy a request goes through, by the environment variables that curl and Python agree on."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address, ip_network

from cloudvision.errors import ConfigError


def proxy_for(scheme: str, host: str, port: int, *, env: Mapping[str, str]) -> str | None:
    """URL of the proxy for this host, None for a direct connection.

    Read are HTTP_PROXY or HTTPS_PROXY, then ALL_PROXY, and NO_PROXY, in small letters too (these go first).

    Raises:
        ConfigError: a SOCKS proxy, which is not supported, or a scheme that is no proxy's.
    """
    found = _variable(f"{scheme}_proxy", env) or _variable("all_proxy", env)
    if found is None or _is_exempt(host, port, env.get("no_proxy") or env.get("NO_PROXY") or ""):
        return None
    name, url = found
    kind = url.partition("://")[0].lower() if "://" in url else "http"
    if kind not in ("http", "https"):
        raise ConfigError(f"{name} names a {kind} proxy; only http and https proxies are supported: change or unset it")
    return url if "://" in url else f"http://{url}"


def _variable(name: str, env: Mapping[str, str]) -> tuple[str, str] | None:
    for spelled in (name, name.upper()):
        # Under CGI, HTTP_PROXY is a header that a stranger sent ("httpoxy").
        if spelled == "HTTP_PROXY" and "REQUEST_METHOD" in env:
            continue
        if value := env.get(spelled, "").strip():
            return spelled, value
    return None


def _is_exempt(host: str, port: int, no_proxy: str) -> bool:
    return any(_matches(host, port, entry) for entry in no_proxy.lower().replace(",", " ").split())


def _matches(host: str, port: int, entry: str) -> bool:
    if entry == "*":
        return True
    try:
        return ip_address(host) in ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        pass  # one of the two is a name
    name, colon, wanted = entry.rpartition(":")
    if colon and wanted.isdigit() and "]" not in wanted:
        if int(wanted) != port:
            return False
        entry = name.strip("[]")
    entry = entry.removeprefix("*").removeprefix(".").removesuffix(".")
    return bool(entry) and (host == entry or host.endswith(f".{entry}"))
