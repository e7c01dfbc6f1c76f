"""Who issued a receipt or an invoice: name, address and telephone number from the head of the first page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from statistics import median

from cloudvision.emulator.reading.dates import dates
from cloudvision.emulator.reading.money import amounts
from cloudvision.emulator.reading.pieces import Piece, Row, joined

_HEAD_ROWS = 16
_NAME_ROWS = 8

_LEGAL = re.compile(
    r"\b(s[do]n\.?\s*b[hn][do]|s/b|bhd|ltd|limited|llc|l\.l\.c|inc|incorporated|corp|corporation|gmbh|ag|s\.?a\.?|plc|llp|pte|"
    r"b\.?v|pty|oy|ab|s\.?r\.?l|co(?!\.?\s?(no|reg)))\b\.?",
    re.IGNORECASE,
)
_FORM = re.compile(r"\b(s[do]n\.?\s*b[hn][do]|s/b|ltd|limited|llc|inc|gmbh|plc)\b", re.IGNORECASE)
_TRADE = re.compile(
    r"restaurant|restoran|enterprise|trading|stationery|hardware|bakery|bakeries|cafe|kopitiam|mart\b|store|shop|hotel|"
    r"kedai|syarikat|perniagaan|pharmacy|farmasi|market|bookstore|books?\b|centre|center|house|kitchen|company|holdings|"
    r"services?\b|station|petrol|supplies|grill|pizza|coffee|bistro|bar\b|group|foods?\b|noodle",
    re.IGNORECASE,
)
_PLACE = re.compile(
    r"\b(jalan|jln|j\.?l\.?n|lot|lorong|taman|tmn|seksyen|kampung|kg|persiaran|lebuh|kawasan|bandar|batu|level|floor|flr|"
    r"unit|wisma|bangunan|blok|block|plaza|mukim|simpang|street|st|road|rd|avenue|ave|boulevard|blvd|drive|dr|lane|ln|"
    r"suite|highway|hwy|square|building|p\.?o\.?\s*box|selangor|johor|kuala lumpur|malaysia|kelantan|pahang|pulau|"
    r"pinang|perak|melaka|sabah|sarawak|ground)\b|strasse|straße|(?<![\dA-Z])\d{5}(?!\d)\s*,?\s*[A-Za-z]{2}|^no[.:]?\s?\d|"
    r"[A-Z]{2},?\s+\d{5}\b",
    re.IGNORECASE,
)
_NOT_PLACE = re.compile(
    r"\b(gst|sst|reg|roc|vat|tax|invoice|receipt|reg\s?no|bill to|cash|price|qty|amount|date|cashier|co\.?\s*no|company)\b",
    re.IGNORECASE,
)
_NOT_NAME = re.compile(
    r"\b(tax\s*invoice|invoice|receipt|gst|vat|reg(istration)?\.?\s*no|tel|fax|phone|cash\s*(sale|bill|receipt)|welcome|thank|"
    r"copy|reprint|duplicate|paid|order|table|date|time|licensee|www\.|http|e-?mail|bill|no\.?\s*:|page|posted|original)\b",
    re.IGNORECASE,
)
_PHONE = re.compile(
    r"(?P<call>tel(ephone)?(\s*no)?|phone|ph|hp|h/p|mobile|contact|call|☎)?[\s.:&a-zA-Z]{0,12}?"
    r"(?P<number>(?<![\w/.-])\+?\(?\d{1,4}\)?[\s-]?\d{2,5}[\s-]?\d{3,4}(?:[\s-]?\d{1,4})?(?!\d|[-/]\d))",
    re.IGNORECASE,
)
_TRAILER = re.compile(r"\s*[(\[]?\s*(co\.?\s*(reg|no)\S*\s*:?)?\s*\(?\d{4,12}\s?-?\s?[A-Z]{1,2}\b\)?.*$")


@dataclass(frozen=True, slots=True)
class Found:
    """Something that was found and how sure that is, 0 to 1."""

    piece: Piece
    confidence: float


def name_of(rows: Sequence[Row]) -> Found | None:
    """The company: a legal form (Sdn Bhd, Ltd, Inc) speaks for itself; else the name of a trade, else the largest or first.

    A name over two lines is put together where the first has no end: an open bracket, or a legal form alone below it.
    """
    head = [row for row in rows[:_NAME_ROWS] if _could_be_name(row.text)]
    address = next((row.number for row in rows[:_HEAD_ROWS] if _is_place(row.text)), None)
    if address is not None:
        head = [row for row in head if row.number < address] or head[:1]
    if not head:
        return None
    usual = median(row.height for row in rows)
    best = max(head, key=lambda row: (_score(row, usual), -row.number))
    parts = [_trimmed(row) for row in _with_neighbours(best, head, usual)]
    piece = joined(parts, "\n" if len(parts) > 1 else " ")
    return Found(piece, round(min(0.98, 0.45 + 0.15 * _score(best, usual)) * piece.confidence, 3))


def address_of(rows: Sequence[Row], *, after: int = -1, before: int | None = None) -> Found | None:
    """The first stretch of rows that name streets, places and postcodes, from row `after` to row `before`."""
    inside = [row for row in rows if row.number > after and (before is None or row.number < before)][:_HEAD_ROWS]
    block: list[Row] = []
    for row, following in zip_longest(inside, inside[1:]):
        if _is_place(row.text):
            block.append(row)
        elif block and not (following and _is_place(following.text) and _could_be_place(row.text)):
            break
    if not block:
        return None
    between = [row for row in inside if block[0].number <= row.number <= block[-1].number]
    pieces = [row.whole() for row in between]
    cues = sum(len(_PLACE.findall(row.text)) for row in between)
    piece = joined(pieces)
    return Found(piece, round(min(0.97, 0.5 + 0.1 * cues) * piece.confidence, 3))


def phone_of(rows: Sequence[Row]) -> Found | None:
    """The first telephone number that is called one, or has the form of one."""
    for called in (True, False):
        for row in rows[:_HEAD_ROWS]:
            if re.search(r"\b(gst|reg|invoice|receipt|fax|roc)\b", row.text.split(":")[0], re.IGNORECASE):
                continue
            for match in _PHONE.finditer(row.text):
                if any(True for _ in dates(match["number"], day_first=True)):
                    continue
                number = re.sub(r"\D", "", match["number"])
                if bool(match["call"]) is called and _is_phone(number, match["number"], called):
                    piece = row.piece(*match.span("number"))
                    return Found(piece, round((0.95 if called else 0.6) * piece.confidence, 3))
    return None


def _is_phone(digits: str, written: str, called: bool) -> bool:
    """Without a name it must look like one: a number of a slip with a dash is none."""
    grouped = re.search(r"[\s-]", written.strip()) is not None
    return 8 <= len(digits) <= 13 and (called or written.startswith("+") or (grouped and len(digits) >= 9))


def _could_be_name(text: str) -> bool:
    letters = sum(character.isalpha() for character in text)
    if letters < 4 or letters < 0.55 * len(re.sub(r"\s", "", _TRAILER.sub("", text) or text)):
        return False
    has_amount = any(True for _ in amounts(text)) or any(True for _ in dates(text, day_first=True))
    return not has_amount and not (_NOT_NAME.search(text) and not _LEGAL.search(text))


def _score(row: Row, usual: float) -> float:
    legal, trade = _LEGAL.search(row.text) is not None, _TRADE.search(row.text) is not None
    return 2.0 * legal + 1.0 * trade + min(1.0, max(0.0, row.height / usual - 1.2))


def _with_neighbours(best: Row, head: Sequence[Row], usual: float) -> list[Row]:
    """The row and those above or below that its name runs over."""
    rows = {row.number: row for row in head}
    name = [best]
    while (above := rows.get(name[0].number - 1)) and _belongs_above(above, name[0]):
        name.insert(0, above)
    below = rows.get(best.number + 1)
    if below is not None and not _FORM.search(best.text):
        large = min(best.height, below.height) > 1.15 * usual and _alike(best, below, 1.3)
        if _is_open(best.text) or _is_rest(below.text) or large:
            name.append(below)
    return name


def _belongs_above(above: Row, first: Row) -> bool:
    """`first` is no name without the row above it."""
    if _FORM.search(above.text) or not _alike(above, first, 1.4):
        return False
    return _is_open(above.text) or _is_rest(first.text) or first.text.count("(") != first.text.count(")")


def _alike(one: Row, other: Row, factor: float) -> bool:
    return max(one.height, other.height) < factor * min(one.height, other.height)


def _is_open(text: str) -> bool:
    return text.count("(") > text.count(")") or text.rstrip().endswith(("&", "-"))


def _is_rest(text: str) -> bool:
    """Only the end of a name: a legal form, perhaps with a word or two that belong to it."""
    rest = _LEGAL.sub("", re.sub(r"\([A-Z]{1,3}\)", "", text))
    return _LEGAL.search(text) is not None and sum(character.isalpha() for character in rest) < 5


def _trimmed(row: Row) -> Piece:
    """Without the number of registration behind the name."""
    end = next((match.start() for match in _TRAILER.finditer(row.text) if match.start() > 3), len(row.text))
    return row.piece(0, end)


def _is_place(text: str) -> bool:
    if _NOT_PLACE.search(text) or _FORM.search(text) or any(True for _ in amounts(text)):
        return False
    return _PLACE.search(text) is not None


def _could_be_place(text: str) -> bool:
    """A row that names nothing known, and nothing that stands in no address."""
    return not _NOT_PLACE.search(text) and not any(match["call"] for match in _PHONE.finditer(text))
