"""Page ranges such as "1-3,5": checked before anything is sent, and counted for what they can cost."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cloudvision.errors import ConfigError

MOST_PAGES = 2000
"""Pages of one document that the service reads at most (the vendor's service limits, tier S0)."""

_RANGE = re.compile(r"(\d{1,9})(?:-(\d{1,9}))?")


def checked(provider: str, pages: str | None) -> str | None:
    """The ranges without white space, as the service takes them; None for all pages.

    Raises:
        ConfigError: these are no page ranges.
    """
    if pages is None:
        return None
    compact = "".join(pages.split())
    for part in compact.split(","):
        found = _RANGE.fullmatch(part)
        if found is None or not 1 <= int(found[1]) <= int(found[2] or found[1]):
            raise ConfigError(f"{provider}: {pages!r} is no list of pages such as 1-3,5")
    return compact


def count(pages: str | None, *, within: int) -> int:
    """How many pages of a document of `within` pages the ranges name; all for None."""
    if pages is None:
        return within
    total = reached = 0
    for first, last in sorted(_ranges(pages)):
        total += max(0, min(last, within) - max(first - 1, reached))
        reached = max(reached, min(last, within))
    return total


def _ranges(pages: str) -> Iterator[tuple[int, int]]:
    for part in pages.split(","):
        first, _, last = part.partition("-")
        yield int(first), int(last or first)
