"""The parts of a postal address, where its form tells them."""

from __future__ import annotations

import re

from cloudvision._json import JSON
from cloudvision.emulator.reading.fields import Field
from cloudvision.emulator.reading.pieces import Piece

_STATES = (
    "Johor|Kedah|Kelantan|Melaka|Malacca|Negeri Sembilan|Pahang|Perak|Perlis|Pulau Pinang|Penang|Sabah|Sarawak|"
    "Selangor(?: Darul Ehsan)?|Terengganu|Kuala Lumpur|Putrajaya"
)
_AMERICAN = re.compile(
    r"(?P<city>[A-Za-z .'-]+?)(?:,\s*|\s+)(?P<state>[A-Z]{2})(?:,\s*|\s+)(?P<code>\d{5}(?:-\d{4})?)\b"
)
_CODE_FIRST = re.compile(
    rf"(?<!\d)(?P<code>\d{{5}})(?!\d),?\s*(?P<city>[A-Za-z][A-Za-z .'-]*?)\s*(?:[,.]\s*|\s+(?=(?:{_STATES})\b)|$)"
    rf"(?P<state>{_STATES})?",
    re.IGNORECASE,
)
_HOUSE = re.compile(r"^(?:(?:no|lot|unit)\b[.:]?\s*)?(?P<number>\d[\w-]*)\s*,?\s+", re.IGNORECASE)


def address_field(piece: Piece, confidence: float) -> Field:
    """An address with those of its parts that its form shows; one that shows none keeps its text alone."""
    flat = piece.text.replace("\n", " ")
    parts: dict[str, JSON] = {}
    match = _AMERICAN.search(piece.text) or _CODE_FIRST.search(flat)
    if match:
        parts["postalCode"] = match["code"]
        parts["city"] = match["city"].strip()
        if match["state"]:
            parts["state"] = match["state"].strip()
    street = (flat[: match.start()] if match else "").strip(" ,.")
    if street:
        if house := _HOUSE.match(street):
            parts["houseNumber"] = house["number"]
            parts["road"] = street[house.end() :].strip(" ,.")
        parts["streetAddress"] = street
    return Field("address", parts or None, piece, confidence)
