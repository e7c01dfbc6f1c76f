"""Places in a text, counted in the units that a client asks for (`stringIndexType`)."""

from __future__ import annotations

import unicodedata
from itertools import accumulate

from cloudvision._json import JSON

INDEX_TYPES = ("textElements", "unicodeCodePoint", "utf16CodeUnit")
"""Grapheme clusters, Unicode code points, UTF-16 code units."""


class Index:
    """Translates places in a text from code points.

    Args:
        content: the whole text.
        kind: one of `INDEX_TYPES`.
    """

    def __init__(self, content: str, kind: str) -> None:
        self._kind = kind
        if kind == "utf16CodeUnit":
            self._at = [0, *accumulate(2 if ord(character) > 0xFFFF else 1 for character in content)]
        elif kind == "textElements":
            # What we read holds letters and marks that combine with the one before, and no longer clusters.
            self._at = [0, *accumulate(0 if unicodedata.combining(character) else 1 for character in content)]

    def span(self, offset: int, length: int) -> JSON:
        """A stretch in code points, as `{"offset", "length"}` of the unit."""
        if self._kind == "unicodeCodePoint":
            return {"offset": offset, "length": length}
        start, end = self._at[offset], self._at[offset + length]
        return {"offset": start, "length": end - start}
