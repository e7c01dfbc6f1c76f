"""What a caller may ask of any provider, in one frozen value."""

from __future__ import annotations

from dataclasses import dataclass, fields

from cloudvision.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Options:
    """Settings of one provider; a provider refuses those that it has no use for.

    Args:
        features: what to analyse, by the service's own names ("read", "caption", "tags"); () for its default.
        model: model or model version by the service's name; None for its default.
        language: language of the answer or of the text ("en"); None for the service's default.
        pages: page ranges of documents ("1-3,5"); None for all.
        gender_neutral: captions say "person" instead of "man" or "woman".
        crop_ratios: width divided by height of the crops asked for, each 0.75 to 1.8.
        min_confidence: 0 to 1; what is less sure is left out: words by the service, labels and regions when an answer is
            read.
        min_word_width, min_word_height: 0 to 1 of the picture; smaller words are left out by the service.
        regions_of_interest: (left, top, width, height) fractions; only text inside them is read.
        shrink: send large pictures smaller (see `_shrink.ENOUGH`); quicker, not cheaper, and small text may be lost.
        store: the service may keep the pictures, for its owner to look at and to train with.
        timeout_s: seconds that one attempt may take after the connection stands.
        connect_timeout_s: seconds until the connection must stand.
    """

    features: tuple[str, ...] = ()
    model: str | None = None
    language: str | None = None
    pages: str | None = None
    gender_neutral: bool = False
    crop_ratios: tuple[float, ...] = ()
    min_confidence: float | None = None
    min_word_width: float | None = None
    min_word_height: float | None = None
    regions_of_interest: tuple[tuple[float, float, float, float], ...] = ()
    shrink: bool = False
    store: bool = False
    timeout_s: float = 60.0
    connect_timeout_s: float = 10.0

    def refuse_unknown(self, provider: str, known: frozenset[str]) -> None:
        """Complain about every setting that `provider` does not know and that is not at its default.

        Raises:
            ConfigError: names the settings and those that the provider does know.
        """
        always = {"timeout_s", "connect_timeout_s"}
        extra = [f.name for f in fields(self) if getattr(self, f.name) != f.default and f.name not in known | always]
        if extra:
            names = ", ".join(sorted(known)) or "none"
            raise ConfigError(f"{provider} has no setting {', '.join(extra)}; its settings: {names}")
