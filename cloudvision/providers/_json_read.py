"""Taking values out of JSON that others wrote: each is there and of its kind, or `UnreadableError` says what is not."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from cloudvision._json import JSON

Object = Mapping[str, JSON]


class UnreadableError(ValueError):
    """A value is missing or of another kind. Parsers turn it into a warning; it never leaves them."""


def an_object(value: JSON) -> Object:
    """`value`, a JSON object."""
    if not isinstance(value, Mapping):
        raise UnreadableError(f"an object was expected, not {value!r:.40}")
    return value


def a_list(value: JSON) -> Sequence[JSON]:
    """`value`, a JSON array."""
    if not isinstance(value, list | tuple):
        raise UnreadableError(f"a list was expected, not {value!r:.40}")
    return value


def a_number(value: JSON) -> float:
    """`value`, a finite JSON number; true and false are none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UnreadableError(f"a number was expected, not {value!r:.40}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise UnreadableError("a number is out of range")
    return number


def text_of(entry: Object, name: str) -> str:
    """The text under `name`. Half a surrogate pair, which UTF-8 cannot hold, becomes U+FFFD."""
    value = entry.get(name)
    if not isinstance(value, str):
        raise UnreadableError(f"{name} is {value!r:.40}")
    return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def number_of(entry: Object, name: str) -> float:
    """The number under `name`."""
    try:
        return a_number(entry.get(name))
    except UnreadableError as error:
        raise UnreadableError(f"{name}: {error}") from None
