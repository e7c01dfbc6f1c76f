"""How long a service wants us to wait, in any of the forms that services say it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

_MILLISECONDS = ("retry-after-ms", "x-ms-retry-after-ms")


def retry_after(headers: Mapping[str, str], *, now: float) -> float | None:
    """Seconds to wait before asking again; None when the answer does not say, or says nonsense.

    The headers in milliseconds come first, being the more exact; then `Retry-After` as a number of seconds or as an
    HTTP date (RFC 9110, section 10.2.3). A date that has passed means 0.

    Args:
        headers: the headers of the answer; names in any case.
        now: seconds since the epoch, UTC: what an HTTP date is compared with.
    """
    given = {name.lower(): value.strip() for name, value in headers.items()}
    for name in _MILLISECONDS:
        if (waiting := _number(given.get(name))) is not None:
            return waiting / 1000
    text = given.get("retry-after")
    if (waiting := _number(text)) is not None:
        return waiting
    return _until(text, now)


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def _until(text: str | None, now: float) -> float | None:
    try:
        moment = parsedate_to_datetime(text) if text else None
    except ValueError:
        return None
    if moment is None:
        return None
    # RFC 5322 gives a naive time for the zone "-0000"; HTTP dates are always UTC.
    return max(0.0, (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now)
