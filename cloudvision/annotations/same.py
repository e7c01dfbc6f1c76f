"""Pictures that were listed several times."""

from __future__ import annotations

import hashlib
from pathlib import Path

from cloudvision.annotations.annotated import Annotated, Annotations, Mark


def joined(annotations: Annotations) -> Annotations:
    """Files with the same bytes become one picture with the marks of all: a folder a class, where pictures lie in several.

    Files are read to tell them apart; URLs are told apart by their text, and a file that cannot be read stays as it is.
    """
    kept: dict[str, Annotated] = {}
    for item in annotations.items:
        key = _digest(item)
        first = kept.get(key)
        marks = dict.fromkeys((*(first.marks if first else ()), *item.marks))
        kept[key] = Annotated(first.source if first else item.source, tuple[Mark, ...](marks), (first or item).group)
    return Annotations(tuple(kept.values()), annotations.labels, annotations.problems)


def _digest(item: Annotated) -> str:
    if item.is_url:
        return item.source
    try:
        with Path(item.source).open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return item.source
