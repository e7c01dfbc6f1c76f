"""Near-duplicates on their way through the pipeline: who waits for whom, and who takes whose answer."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from cloudvision.case import Case
from cloudvision.images import Image, Remote
from cloudvision.ledger import Stored
from cloudvision.ledger_store import LedgerStore
from cloudvision.near import Near, NearIndex
from cloudvision.outcome import Analysed, Outcome


@dataclass(frozen=True, slots=True)
class Alike:
    """The index and the ledger together; without an index nothing looks alike.

    Args:
        index: the answered pictures by how they look; None where only equal bytes share an answer.
        ledger: has the answers.
        outdated: tells of an answer that the caller wants to have anew.
    """

    index: NearIndex | None
    ledger: LedgerStore
    outdated: Callable[[Stored], bool]

    def looks(self, image: Image | Remote, key: str) -> int | None:
        """Its perceptual hash, where near-duplicates are looked for and it is not in the index yet."""
        if self.index is None or not isinstance(image, Image) or image.is_document or self.index.knows(key):
            return None  # documents with the same first page are not the same
        return self.index.hash_of(image)

    def alone(self, case: Case, stored: Stored | None, *, check: Callable[[], None]) -> AbstractContextManager[bool]:
        """Within it no other picture that looks like this one is asked about: True where there may be an answer now."""
        if self.index is None or case.looks is None or stored is not None:
            return nullcontext(False)
        return self.index.alone(case.looks, like=case.key, check=check)

    def find(self, case: Case) -> tuple[Near, Stored] | None:
        """The nearest answered picture whose answer can still be used."""
        if self.index is None or case.looks is None:
            return None
        while (near := self.index.find(case.looks, like=case.key)) is not None:
            stored = self.ledger.answer(near.key)
            if stored is not None and stored.raw is not None and not self.outdated(stored):
                return near, stored
            self.index.forget(near.key)  # purged, aged, or to be asked anew
        return None

    def remember(self, case: Case, outcome: Outcome) -> None:
        """Let others that look like this picture take its answer."""
        if self.index is not None and case.looks is not None and isinstance(outcome, Analysed):
            self.index.add(case.looks, key=case.key, source=case.source)
