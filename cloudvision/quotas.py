"""How many calls the services' tiers allow, for limiters; as their documentation of 2026-11-21 says.

AWS gives no number for DetectText: it depends on account and region and can be raised. There, and wherever a tier is
unknown, use `Limiter(adaptive=True)`.
"""

from __future__ import annotations

from dataclasses import dataclass

from cloudvision.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Quota:
    """Most calls, and most polls of long-running operations, that may start; None for no limit of that kind.

    Calls and polls are counted apart: give each a `Limiter` of its own.
    """

    per_second: float | None = None
    per_minute: float | None = None
    polls_per_second: float | None = None


QUOTAS: dict[str, dict[str, Quota]] = {
    # The price page says 10 a second for S1, the questions and answers "up to 20"; the smaller one is safe.
    "azure-image-analysis": {"F0": Quota(per_minute=20), "S1": Quota(per_second=10)},
    # Predictions that are stored; without storing ("nostore") S0 allows 20.
    "azure-custom-vision": {"F0": Quota(per_second=2), "S0": Quota(per_second=10)},
    # Projects, images and iterations; of the trainings themselves F0 takes 2 a second, which nobody asks for.
    "azure-custom-vision-training": {"F0": Quota(per_second=10), "S0": Quota(per_second=10)},
    "azure-document-intelligence": {
        "F0": Quota(per_second=1, polls_per_second=1),
        "S0": Quota(per_second=15, polls_per_second=50),
    },
}
"""Provider name (of Custom Vision, also its training side) -> tier -> quota."""


def quota(provider: str, tier: str) -> Quota:
    """The quota of that tier.

    Raises:
        ConfigError: the provider has no such tier; the known ones are listed.
    """
    tiers = QUOTAS.get(provider, {})
    try:
        return tiers[tier.upper()]
    except KeyError:
        known = ", ".join(sorted(tiers)) or "none: give a rate in calls a second"
        raise ConfigError(f"{provider} has no tier {tier!r}; known: {known}") from None
