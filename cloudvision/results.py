"""What comes back: frozen answers that look the same whoever was asked.

Confidence runs from 0 to 1. Geometry is given as fractions of the *upright* picture's width and height, origin at the
top left, x to the right, y down. It is not clipped: services really return values a little below 0 and above 1. Names
are the keys of labels and regions; no class numbers are invented.

Every optional part of an `Analysis` follows one rule: `None` means "not asked", `()` means "asked, nothing there".

`to_json` gives plain JSON values and `from_json` gives the same object back: `Analysis.from_json(a.to_json()) == a`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from cloudvision._json import JSON, decode, encode, tagged, untagged
from cloudvision.geometry import Box, Polygon
from cloudvision.layout import KeyValuePair, Language, Page, PageRegion, Paragraph, Style, Table


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a line. `confidence` is None where the service gives none."""

    text: str
    confidence: float | None
    polygon: Polygon


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text with its words in reading order; `words` is empty where the service reads lines only.

    `page` is the number of its page, from 1, in an answer about a document; None in one about a picture.
    """

    text: str
    confidence: float | None
    polygon: Polygon
    words: tuple[Word, ...] = ()
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Label:
    """A name for the whole picture: a tag, or a class of a classifier."""

    name: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Region:
    """A named thing and where it is: a detected object, a person, a hit of a detector."""

    name: str
    confidence: float
    box: Box


@dataclass(frozen=True, slots=True)
class Caption:
    """A sentence about the picture (`box` is None) or about the part in `box`."""

    text: str
    confidence: float
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class Crop:
    """A suggested crop. `aspect_ratio` is width divided by height in pixels, as asked for."""

    aspect_ratio: float
    box: Box


@dataclass(frozen=True, slots=True)
class Field:
    """One value of a document.

    Args:
        kind: the service's type name, such as "string", "date", "currency", "array", "object".
        content: the text as it stands on the page, None where the service gives none.
        value: the value as a JSON scalar, None where it is missing or does not parse. Dates and times are ISO 8601 text,
            currencies their amount, addresses one line of text, selection marks and signatures True where there is one.
        confidence: 0 to 1, None where the service gives none.
        regions: where it stands; empty for values that were inferred.
        items: the members of an "array".
        fields: the members of an "object", and the parts of an "address" or a "currency", as (name, field) in the
            service's order.
    """

    kind: str
    content: str | None
    value: str | float | int | bool | None
    confidence: float | None
    regions: tuple[PageRegion, ...] = ()
    items: tuple[Field, ...] = ()
    fields: tuple[tuple[str, Field], ...] = ()

    def field(self, name: str) -> Field | None:
        """The member of that name, None where there is none."""
        return next((field for key, field in self.fields if key == name), None)


@dataclass(frozen=True, slots=True)
class Document:
    """One document found on the pages: its type ("invoice", "receipt.retailMeal") and its (name, field) pairs."""

    kind: str
    confidence: float | None
    fields: tuple[tuple[str, Field], ...] = ()
    regions: tuple[PageRegion, ...] = ()

    def field(self, name: str) -> Field | None:
        """The field of that name, None where there is none."""
        return next((field for key, field in self.fields if key == name), None)


@dataclass(frozen=True, slots=True)
class Provenance:
    """Who gave the answer and what it cost.

    Args:
        provider: registry name, such as "aws-rekognition".
        model_version: what the service says of its model, None where it says nothing.
        request_id: the service's id of the request.
        latency_s: seconds from sending to the whole answer; 0 for a cached one.
        cost_usd: what this answer cost this time, in US dollars; 0 for a cached one.
        cached: True when it came out of the ledger and nothing was called.
        account: name of the account that answered, where several share the work.
    """

    provider: str
    model_version: str | None = None
    request_id: str | None = None
    latency_s: float = 0.0
    cost_usd: float = 0.0
    cached: bool = False
    account: str | None = None


@dataclass(frozen=True, slots=True)
class Analysis:
    """One typed answer. Each part is None when it was not asked for and () when there was nothing.

    Args:
        width, height: size in pixels of the picture that the service saw, None where the answer does not say.
        caption: a sentence about the picture. A caption that was asked for and not given is None too.
        dense_captions: sentences about parts of the picture.
        tags: names of what is in the picture, with confidences.
        objects: named things with boxes.
        people: persons with boxes; services list very unsure ones too (0.001): filter by confidence.
        smart_crops: suggested crops, one for each aspect ratio asked.
        lines: text, line by line.
        pages: the pages that were read; a picture that is read as a document has one.
        paragraphs: lines that belong together, in reading order.
        tables: tables with their cells.
        key_value_pairs: keys and values, as forms have them.
        styles: handwriting and fonts.
        languages: languages of parts of the text.
        documents: documents with fields.
        labels: classes of a classifier, surest first.
        regions: hits of a detector.
        warnings: what could not be used of the answer, in words.
        provenance: who answered; straight from `Provider.parse` without what only the pipeline knows (cost, cached).
    """

    width: int | None = None
    height: int | None = None
    caption: Caption | None = None
    dense_captions: tuple[Caption, ...] | None = None
    tags: tuple[Label, ...] | None = None
    objects: tuple[Region, ...] | None = None
    people: tuple[Region, ...] | None = None
    smart_crops: tuple[Crop, ...] | None = None
    lines: tuple[Line, ...] | None = None
    pages: tuple[Page, ...] | None = None
    paragraphs: tuple[Paragraph, ...] | None = None
    tables: tuple[Table, ...] | None = None
    key_value_pairs: tuple[KeyValuePair, ...] | None = None
    styles: tuple[Style, ...] | None = None
    languages: tuple[Language, ...] | None = None
    documents: tuple[Document, ...] | None = None
    labels: tuple[Label, ...] | None = None
    regions: tuple[Region, ...] | None = None
    warnings: tuple[str, ...] = ()
    provenance: Provenance | None = None

    @property
    def text(self) -> str:
        """All lines of text joined by line feeds; "" when there is none or it was not asked."""
        return "\n".join(line.text for line in self.lines or ())

    def lines_on(self, page: int) -> tuple[Line, ...]:
        """The lines of one page, counted from 1."""
        return tuple(line for line in self.lines or () if line.page == page)

    def to_json(self) -> dict[str, JSON]:
        """Plain JSON values with a `schema` number; parts that were not asked are left out."""
        return tagged(encode(self))

    @staticmethod
    def from_json(values: JSON) -> Analysis:
        """The object that `to_json` was called on.

        Raises:
            ValueError: the JSON is not an analysis, or of a newer major schema; the message names the place.
        """
        return decode(Analysis, untagged(values))

    def with_provenance(self, provenance: Provenance) -> Analysis:
        """The same answer with `provenance` filled in."""
        return replace(self, provenance=provenance)

    def __repr__(self) -> str:
        return f"Analysis({', '.join(_summary(self)) or 'nothing asked'})"


_COUNTED = (
    "dense_captions",
    "tags",
    "objects",
    "people",
    "smart_crops",
    "pages",
    "tables",
    "key_value_pairs",
    "documents",
    "labels",
    "regions",
)


def _summary(analysis: Analysis) -> Iterable[str]:
    if analysis.width is not None and analysis.height is not None:
        yield f"{analysis.width}x{analysis.height}"
    if analysis.caption is not None:
        yield f"caption={analysis.caption.text!r}"
    if analysis.lines is not None:
        text = analysis.text
        yield f"{len(analysis.lines)} lines" + (f" {text[:40]!r}" if text else "")
    for name in _COUNTED:
        part = getattr(analysis, name)
        if part is not None:
            yield f"{len(part)} {name}"
    if analysis.provenance is not None:
        origin = "cached" if analysis.provenance.cached else f"{analysis.provenance.cost_usd:.4f} USD"
        yield f"{analysis.provenance.provider}, {origin}"
