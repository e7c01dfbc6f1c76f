"""What the tiers allow."""

from __future__ import annotations

import pytest

from cloudvision.errors import ConfigError
from cloudvision.limit import Limiter
from cloudvision.quotas import Quota, quota


def test_a_tier_is_found_in_any_case_and_fits_a_limiter() -> None:
    free = quota("azure-image-analysis", "f0")
    assert Quota(per_minute=20) == free
    limiter = Limiter(free.per_second, free.per_minute, clock=lambda: 0.0)
    assert [0.0] * 20 == [limiter.try_acquire().wait_s for _ in range(20)]
    assert limiter.try_acquire().wait_s >= 60


@pytest.mark.parametrize(
    ("provider", "tier", "hint"),
    [("azure-image-analysis", "S9", "known: F0, S1"), ("aws-rekognition", "S1", "give a rate")],
)
def test_an_unknown_tier_names_the_known_ones(provider: str, tier: str, hint: str) -> None:
    with pytest.raises(ConfigError, match=hint):
        quota(provider, tier)
