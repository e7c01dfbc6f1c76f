"""robots.txt (RFC 9309): whether the owner of a host wants a URL to be fetched by a program.

The standard library's `urllib.robotparser` takes the first rule that fits and knows no wildcards, so that
`Disallow: /*.jpg$` would let every picture through; the RFC wants the longest rule, with `*` and `$`.
"""

from __future__ import annotations

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from cloudvision.errors import FetchError, TooLargeError
from cloudvision.fetch import Turn

TOKEN = "cloudvision-gate"
"""The name that rules are for; the User-Agent header begins with it."""

MAX_BYTES = 1024 * 1024
"""Largest robots.txt that is read; RFC 9309 wants at least 500 KiB."""

_KEPT_S = 24 * 3600.0  # RFC 9309, 2.4: not longer than a day
_KEPT_FAILURE_S = 600.0
_ORIGINS_KEPT = 4096

Rule = tuple[str, bool]
"""(pattern, allowed)."""


class Robots:
    """The rules of each host, read when the first of its URLs comes, kept for a day. For any number of threads.

    Args:
        fetch: downloads one URL; give `Fetcher.fetch` of a guarded fetcher with a cap of `MAX_BYTES`.
        token: whom the rules must name.
        clock: seconds, monotonic.
    """

    def __init__(
        self, fetch: Callable[[str], bytes], *, token: str = TOKEN, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._fetch = fetch
        self._token = token
        self._clock = clock
        self._origins: OrderedDict[str, _Origin] = OrderedDict()
        self._lock = threading.Lock()

    def check(self, url: str, source: str) -> None:
        """Nothing where `url` may be fetched.

        A host without a robots.txt (status 4xx) allows everything; one that cannot give it (5xx, time-out) allows
        nothing, and is asked again ten minutes later.

        Args:
            url: http or https, as it would be requested.
            source: names it in errors.

        Raises:
            FetchError: robots.txt says no, or cannot be read for now; not transient.
            BlockedAddressError: the host is not public.
        """
        parts = urlsplit(url)
        path = parts.path or "/"
        if path == "/robots.txt":
            return
        origin = self._origin(f"{parts.scheme}://{parts.netloc}")
        with origin.lock:  # the first one asks for all
            if self._clock() >= origin.until:
                self._read(origin)
        if origin.trouble:
            reason = f"robots.txt of the host cannot be read for now ({origin.trouble}); try again later"
            raise FetchError(source, reason, transient=False)
        if not allowed(origin.rules, f"{path}?{parts.query}" if parts.query else path):
            raise FetchError(source, f"robots.txt of the host disallows it for {self._token}", transient=False)

    def before(self, turn: Turn) -> Turn:
        """`turn` for a `Fetcher`, given only where `check` lets the URL through."""

        @contextmanager
        def checked(url: str, source: str) -> Iterator[None]:
            self.check(url, source)
            with turn(url, source):
                yield

        return checked

    def _origin(self, base: str) -> _Origin:
        with self._lock:
            origin = self._origins.setdefault(base, _Origin(base))
            self._origins.move_to_end(base)
            if len(self._origins) > _ORIGINS_KEPT:
                self._origins.popitem(last=False)
            return origin

    def _read(self, origin: _Origin) -> None:
        try:
            body = self._fetch(f"{origin.base}/robots.txt")
        except FetchError as error:
            missing = error.status is not None and 400 <= error.status < 500
            origin.rules, origin.trouble = (), "" if missing else error.reason
        except TooLargeError as error:
            origin.rules, origin.trouble = (), error.reason
        else:
            origin.rules, origin.trouble = parse(body.decode("utf-8-sig", "replace"), token=self._token), ""
        origin.until = self._clock() + (_KEPT_FAILURE_S if origin.trouble else _KEPT_S)


@dataclass(slots=True)
class _Origin:
    base: str
    lock: threading.Lock = field(default_factory=threading.Lock)
    rules: tuple[Rule, ...] = ()
    trouble: str = ""
    until: float = float("-inf")


def parse(text: str, *, token: str = TOKEN) -> tuple[Rule, ...]:
    """The rules for `token`: those of all groups that name it, else of the groups for `*`."""
    groups: dict[str, list[Rule]] = {}
    agents: list[str] = []
    in_rules = False
    for line in re.split(r"[\r\n]+", text):
        name, colon, value = line.partition("#")[0].partition(":")
        name, value = name.strip().lower(), value.strip()
        if not colon:
            continue
        if name == "user-agent":
            agents = [] if in_rules else agents
            in_rules = False
            agents.append(value.partition("/")[0].strip().lower())
            groups.setdefault(agents[-1], [])
        elif name in ("allow", "disallow"):
            in_rules = True
            if value.startswith(("/", "*")):  # "Disallow:" alone forbids nothing
                for agent in agents:
                    groups[agent].append((_normal(value), name == "allow"))
    return tuple(groups.get(token.lower(), groups.get("*", [])))


def allowed(rules: tuple[Rule, ...], path: str) -> bool:
    """What the longest rule that fits `path` (with its query) says; of equally long ones, Allow. True without one."""
    path = _normal(path)
    fitting = [(len(pattern), allow) for pattern, allow in rules if _fits(pattern, path)]
    return max(fitting)[1] if fitting else True


def _fits(pattern: str, path: str) -> bool:
    # Part by part, each at its first place: a pattern of many stars costs no more than its length (no regex).
    to_end = pattern.endswith("$")
    first, *rest = pattern.removesuffix("$").split("*")
    if not path.startswith(first):
        return False
    at = len(first)
    if not rest:
        return not to_end or at == len(path)
    for part in rest[:-1]:
        found = path.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    if to_end:
        return path.endswith(rest[-1]) and len(path) - len(rest[-1]) >= at
    return path.find(rest[-1], at) >= 0


def _normal(text: str) -> str:
    """One spelling of what may be written in several: %7E, %7e and ~."""

    def plain(match: re.Match[str]) -> str:
        character = chr(int(match[1], 16))
        return character if re.fullmatch(r"[A-Za-z0-9._~-]", character) else match[0].upper()

    return re.sub(r"%([0-9A-Fa-f]{2})", plain, quote(text, safe="!\"#$%&'()*+,/:;<=>?@[\\]^_`{|}~-."))
