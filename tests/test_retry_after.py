"""How long to wait, in all the forms that services say it."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from cloudvision._retry_after import retry_after

NOW = 1_795_000_000.0
LATER = format_datetime(datetime.fromtimestamp(NOW + 90, UTC), usegmt=True)
EARLIER = format_datetime(datetime.fromtimestamp(NOW - 90, UTC), usegmt=True)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "58"}, 58.0),
        ({"retry-after": " 0 "}, 0.0),
        ({"RETRY-AFTER": "1.5"}, 1.5),
        ({"retry-after-ms": "250"}, 0.25),
        ({"x-ms-retry-after-ms": "1500"}, 1.5),
        ({"Retry-After": "58", "retry-after-ms": "250"}, 0.25),
        ({"Retry-After": "58", "retry-after-ms": "soon"}, 58.0),
        ({"Retry-After": LATER}, 90.0),
        ({"Retry-After": LATER.replace("GMT", "-0000")}, 90.0),
        ({"Retry-After": EARLIER}, 0.0),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "inf"}, None),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "tomorrow"}, None),
        ({"Retry-After": "Wed, 99 Foo 2026 99:99:99 GMT"}, None),
        ({"Retry-After": ""}, None),
        ({}, None),
    ],
)
def test_the_wait_is_read_from(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, now=NOW) == seconds
