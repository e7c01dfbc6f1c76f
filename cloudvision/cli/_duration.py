"""Lengths of time as people write them: 90s, 30m, 12h, 30d, 8w."""

from __future__ import annotations

import re

from cloudvision.errors import ConfigError

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def seconds(text: str) -> float:
    """The seconds that a text such as "30d" stands for.

    Raises:
        ConfigError: not a number with one of the units s, m, h, d, w.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhdw])", text.strip())
    if found is None:
        raise ConfigError(
            f"{text!r} is not a length of time; write a number and a unit, such as 90s, 30m, 12h, 30d, 8w"
        )
    return float(found[1]) * _UNITS[found[2]]
