"""Where a URL leads: one spelling for every host, and which addresses are public.

The address that counts is the one that a socket is connected to (see `_http`); what is done here with the text of a URL
serves clear messages, and requests through a proxy, where the proxy chooses the address.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import unquote, urlsplit

Address = IPv4Address | IPv6Address

Resolver = Callable[[str, int], Sequence[str]]
"""Host name and port -> addresses, as text. Raises OSError where the name does not resolve."""

_PORTS = {"http": 80, "https": 443}
_AUTHORITY = re.compile(r"(?:(?P<user>.*)@)?(?P<host>\[[^\]]*\]|[^:\[\]]*)(?::(?P<port>\d{0,5}))?", re.DOTALL)
_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+")
_NAME = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")
_UNSAFE = re.compile(r"[\x00-\x20\x7f\\]")

# Addresses that the `ipaddress` module of some supported Python calls global, and that no public web server has.
_NEVER_PUBLIC_V4 = (
    IPv4Network("0.0.0.0/8"),
    IPv4Network("100.64.0.0/10"),  # carrier-grade NAT; Alibaba's metadata service
    IPv4Network("168.63.129.16/32"),  # Azure's wire server: inside each virtual machine, and nowhere else
    IPv4Network("192.0.0.0/24"),  # protocol assignments; Oracle's metadata service
    IPv4Network("192.88.99.0/24"),  # 6to4 relays
)
_NEVER_PUBLIC_V6 = (
    IPv6Network("2001::/23"),  # protocol assignments, Teredo (hides an IPv4 address) among them
    IPv6Network("2001:db8::/32"),
    IPv6Network("2002::/16"),  # 6to4 (hides an IPv4 address)
    IPv6Network("3fff::/20"),
)
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Target:
    """A URL taken apart, its host in the one spelling that is checked, connected to, and put into the Host header."""

    scheme: str
    host: str
    """A name in lower case (IDNA where needed, no final dot), or an address without brackets."""

    port: int
    path: str
    """Path and query."""

    user: str
    """"name:password", decoded; empty where there is none."""

    @property
    def url(self) -> str:
        """The URL in normal form, without user and fragment."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{self.path}"

    @property
    def origin(self) -> tuple[str, str, int]:
        return self.scheme, self.host, self.port


def parse(url: str) -> Target:
    """Take `url` apart.

    Raises:
        ValueError: no http or https URL, or a host that is none; the message says why.
    """
    parts = urlsplit(url.strip())
    scheme = parts.scheme.lower()
    if scheme not in _PORTS:
        raise ValueError(f"only http and https are fetched, not {scheme or 'a URL without a scheme'}")
    if _UNSAFE.search(parts.netloc):
        raise ValueError("a backslash, a space or a control character in the host")
    found = _AUTHORITY.fullmatch(parts.netloc)
    if found is None:
        raise ValueError("a host or port that cannot be read")
    port = int(found["port"] or _PORTS[scheme])
    if not 0 < port < 65536:
        raise ValueError(f"there is no port {port}")
    query = f"?{parts.query}" if parts.query else ""
    return Target(scheme, _host(found["host"]), port, (parts.path or "/") + query, unquote(found["user"] or ""))


def literal(host: str) -> Address | None:
    """The address that `host` spells, None when it is a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def embedded(address: Address) -> Address:
    """The IPv4 address inside an IPv4-mapped or NAT64 address: that is where the packets go. Others as they are."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def is_public(address: Address) -> bool:
    """True for addresses of the open internet only.

    Not public: loopback, private, link-local (metadata services), shared, documentation, benchmarking, multicast, reserved,
    unspecified and broadcast addresses, IPv6 outside of 2000::/3, and what hides an IPv4 address in 6to4 or Teredo.
    """
    address = embedded(address)
    if address.is_multicast or address.is_reserved or not address.is_global:
        return False
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NEVER_PUBLIC_V4)
    return address in _GLOBAL_UNICAST and not any(address in network for network in _NEVER_PUBLIC_V6)


def _host(text: str) -> str:
    if text.startswith("["):
        if "%" in text:
            raise ValueError("an IPv6 address with a zone, which leads to this machine's own network")
        return str(IPv6Address(text[1:-1]))
    if "%" in text:
        raise ValueError("a percent-encoded host")
    if not text.isascii():
        # Also turns full-width and circled digits and dots into plain ones, so it comes before the look for numbers.
        text = text.encode("idna").decode("ascii")
    text = text.lower().removesuffix(".")
    if _NUMBER.fullmatch(text.rpartition(".")[2]):
        return str(_ipv4(text))
    if len(text) > 253 or not _NAME.fullmatch(text):
        raise ValueError("no host name" if not text else "a host name with characters that none can have")
    return text


def _ipv4(text: str) -> IPv4Address:
    """An address as the C library reads it: 1 to 4 numbers, decimal, octal (0177) or hexadecimal (0x7f)."""
    numbers = []
    for part in text.split("."):
        if not _NUMBER.fullmatch(part) or len(part) > 16:
            raise ValueError("a host that ends in a number and is no address")
        octal = part.startswith("0") and len(part) > 1
        numbers.append(int(part[2:] or "0", 16) if part.startswith("0x") else int(part, 8 if octal else 10))
    *front, last = numbers
    if len(front) > 3 or any(number > 255 for number in front) or last >= 256 ** (4 - len(front)):
        raise ValueError("a host that ends in a number and is no address")
    return IPv4Address(sum(number << (24 - 8 * i) for i, number in enumerate(front)) + last)
