"""What can stand in a list, and one entry of it on its way through the pipeline."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

from cloudvision import _read, images
from cloudvision.gate.verdict import Verdict
from cloudvision.images import Image, Remote
from cloudvision.ledger import Entry


@dataclass(frozen=True, slots=True)
class Unusable:
    """A list entry that names no picture at all: one failed outcome, and the list goes on."""

    source: str
    reason: str


Source = images.Source | Image | Remote | Unusable
"""Anything that can stand in a list: path, URL, bytes, array, PIL image, or what `load` gave."""


def name_of(source: Source) -> str:
    """How a source is called in output, errors and the ledger: as the user named it, without secrets."""
    if isinstance(source, Image | Remote | Unusable):
        return source.source
    return _read.printable(source) if isinstance(source, str | os.PathLike) else type(source).__name__


@dataclass(frozen=True, slots=True)
class Case:
    """One source on its way: what is known of it so far."""

    source: str
    position: int | None = None
    digest: str | None = None
    key: str = ""
    verdict: Verdict | None = None
    audited: bool = False
    propensity: float | None = None
    call_again: bool = False
    looks: int | None = None

    def entry(self, kind: Literal["analysed", "skipped", "failed"]) -> Entry:
        judged = self.verdict
        return Entry(
            position=-1 if self.position is None else self.position,
            source=self.source,
            kind=kind,
            digest=self.digest,
            key=self.key or None,
            score=judged.score if judged else None,
            threshold=judged.threshold if judged else None,
            stage=judged.stage if judged else None,
            model=judged.model if judged else None,
            audited=self.audited,
            propensity=self.propensity,
        )


def verdict_of(entry: Entry) -> Verdict | None:
    """The verdict that an entry of the ledger tells of; None where no gate was asked."""
    if entry.score is None or entry.threshold is None:
        return None
    return Verdict(entry.score >= entry.threshold, entry.score, entry.threshold, entry.stage or "", entry.model or "")
