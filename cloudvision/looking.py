"""What the gate says of a file: of a picture, or of a document with several pages."""

from __future__ import annotations

import logging
from functools import cache
from itertools import islice
from typing import Protocol

from cloudvision.gate.verdict import Verdict
from cloudvision.images import Image

LOOKED_AT = 20
"""Pages of a document that are looked at, at most."""

log = logging.getLogger(__name__)


class Judge(Protocol):
    """What the pipeline needs of a gate."""

    def judge(self, image: Image, /) -> Verdict: ...


@cache  # a list may hold a million of them
def _say_that_pdfs_are_not_seen() -> None:
    log.warning("the gate cannot look into PDFs, which are called for unseen: pip install 'cloudvision-gate[pdf]'")


def judged(gate: Judge, image: Image) -> Verdict | None:
    """The verdict on a picture, or on the best page of a document: it is paid for as a whole.

    Pages are looked at until one is worth a call. None, which means that the document is called for without a verdict,
    where it cannot be looked into (a PDF without the extra `pdf`), or where none of the first `LOOKED_AT` pages is worth
    a call and there are more.

    Raises:
        DamagedImageError: a page does not decode.
    """
    if not image.can_be_seen:
        _say_that_pdfs_are_not_seen()
        return None
    verdicts: list[Verdict] = []
    for page in islice(image.each_page(), LOOKED_AT):
        verdicts.append(gate.judge(page))
        if verdicts[-1].worth:
            return verdicts[-1]
    if (image.pages or 1) > LOOKED_AT:
        return None
    return max(verdicts, key=lambda verdict: verdict.score)
