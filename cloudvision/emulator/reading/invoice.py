"""prebuilt-invoice: vendor, customer, numbers, dates, totals and articles of an invoice, by rules over its rows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from cloudvision.emulator.reading import fields, merchant
from cloudvision.emulator.reading.address import address_field
from cloudvision.emulator.reading.columns import Article, articles_of
from cloudvision.emulator.reading.dates import dates
from cloudvision.emulator.reading.entries import Entry, entries_of
from cloudvision.emulator.reading.fields import Document, Field
from cloudvision.emulator.reading.keys import Named, Take, named
from cloudvision.emulator.reading.labels import Label
from cloudvision.emulator.reading.layout import Layout
from cloudvision.emulator.reading.money import amounts
from cloudvision.emulator.reading.pieces import Piece, Row, lines_of, rows_of_pages
from cloudvision.emulator.reading.region import Region, region_of
from cloudvision.emulator.reading.totals import Judged, totals_of
from cloudvision.emulator.reading.when import purchase_date


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)


_NUMBER = r"(?:\s*(?:no\b|number\b|num\b|nr\b|id\b|#))"
_TEXTS = {
    "InvoiceId": _pattern(rf"\b(?:tax\s+)?inv(?:oice)?{_NUMBER}\.?|\bbill{_NUMBER}\.?|\binvoice(?=\s*:)"),
    "PurchaseOrder": _pattern(rf"\b(?:p\.?\s?o\.?|purchase\s+order){_NUMBER}\.?|\bpurchase\s+order(?=\s*:)"),
    "CustomerId": _pattern(rf"\b(?:customer|client|account|acct){_NUMBER}\.?"),
}
_DATES = {
    "InvoiceDate": _pattern(
        r"\b(?:invoice\s+date|date\s+of\s+issue|date\s+issued|issue\s+date|(?<!\w\s)dated?)\b(?!\s*due)"
    ),
    "DueDate": _pattern(r"\b(?:due\s+date|payment\s+due(?:\s+by)?|date\s+due|due\s+by|due\s+on|pay\s+by)\b"),
}
_CUSTOMER = _pattern(
    r"\b(?:bill(?:ed)?\s+to|customer(?:\s+name)?|invoice(?:d)?\s+to|sold\s+to|client)\b(?!\s*(?:id|no|number|#))"
)
_IDENTIFIER = re.compile(r"[A-Z]{0,8}[-/#]?(?=[\w/-]*\d)[\w/-]+", re.IGNORECASE)
_KINDS = {"UnitPrice": "currency", "Amount": "currency", "Tax": "currency", "Quantity": "number", "Date": "date"}


def invoices_of(layout: Layout, *, locale: str | None) -> list[Document]:
    """The invoice on these pages; none where neither a total nor a number of an invoice was found.

    Args:
        locale: such as "en-GB"; decides how 03/04/2018 is read.
    """
    rows = rows_of_pages(layout.pages)
    region = region_of((row.text for row in rows), locale=locale)
    found = {**_numbers(rows), **_dates(rows, region), **_totals(rows, region), **_parties(rows, lines_of(layout))}
    if articles := articles_of(rows):
        found["Items"] = fields.array([_article(article, region) for article in articles])
    if not found.keys() & {"InvoiceTotal", "AmountDue", "InvoiceId"}:
        return []
    known = len(found.keys() & {"InvoiceId", "InvoiceDate", "InvoiceTotal", "VendorName", "CustomerName"})
    pages = tuple(page.number for page in layout.pages)
    return [Document("invoice", dict(sorted(found.items())), pages, round(min(1.0, 0.4 + 0.12 * known), 3))]


def _numbers(rows: Sequence[Row]) -> dict[str, Field]:
    found = {name: named(rows, pattern, _identifier) for name, pattern in _TEXTS.items()}
    return {name: fields.text(one.piece, one.confidence) for name, one in found.items() if one is not None}


def _dates(rows: Sequence[Row], region: Region) -> dict[str, Field]:
    """Dates by their names; a date without a name is that of the invoice."""
    found: dict[str, Field] = {}
    for name, pattern in _DATES.items():
        if one := named(rows, pattern, _date_taker(region)):
            value = next(dates(one.piece.text, day_first=region.day_first))
            found[name] = fields.date(value.value, one.piece, one.confidence)
    when = purchase_date(rows, region)
    if "InvoiceDate" not in found and when is not None and all(f.piece != when.date_piece for f in found.values()):
        found["InvoiceDate"] = fields.date(when.date.value, when.date_piece, round(0.8 * when.date_confidence, 3))
    return found


def _totals(rows: Sequence[Row], region: Region) -> dict[str, Field]:
    entries = entries_of(rows)
    due = next((entry for entry in reversed(entries) if entry.label is Label.DUE), None)
    plain = [entry for entry in entries if entry.label is not Label.DUE]
    totals = totals_of(plain)
    total = totals.total if totals.total and totals.total.entry.label in _INVOICE_TOTALS else None
    judged = {"InvoiceTotal": total, "SubTotal": totals.subtotal, "TotalTax": totals.tax}
    found = {name: _currency(one, region) for name, one in judged.items() if one is not None}
    if due is not None:
        found["AmountDue"] = _currency(Judged(due, round(0.93 * due.piece.confidence, 3)), region)
    balance = next((entry for entry in entries if entry.label is Label.BALANCE), None)
    if balance is not None:
        found["PreviousUnpaidBalance"] = _currency(Judged(balance, round(0.93 * balance.piece.confidence, 3)), region)
    return found


_INVOICE_TOTALS = frozenset({Label.TOTAL, Label.GRAND_TOTAL, Label.ROUNDED_TOTAL, Label.SALES})


def _parties(rows: Sequence[Row], lines: Sequence[Row]) -> dict[str, Field]:
    """Vendor and customer; `lines` are the same words as `rows`, without what stands beside them."""
    customer = named(rows, _CUSTOMER, _any_text)
    at = _line_of(customer, lines) if customer else None
    found: dict[str, Field] = {}
    if name := merchant.name_of(lines):
        found["VendorName"] = fields.text(name.piece, name.confidence)
    if address := merchant.address_of(lines, before=at):
        found["VendorAddress"] = address_field(address.piece, address.confidence)
    if customer is not None and at is not None:
        found["CustomerName"] = fields.text(customer.piece, customer.confidence)
        if address := merchant.address_of(lines, after=at, before=at + 6):
            found["CustomerAddress"] = address_field(address.piece, address.confidence)
    return found


def _line_of(found: Named, lines: Sequence[Row]) -> int:
    """Number of the line in which a value stands."""
    offset = found.piece.spans[0][0]
    return max(line.number for line in lines if line.words[0].offset <= offset)


def _article(article: Article, region: Region) -> Field:
    found = {name: field for name, piece in article.cells.items() if (field := _cell(name, piece, region)) is not None}
    sure = round((0.95 if _adds_up(found) else 0.8) * article.whole.confidence, 3)
    return fields.group(dict(sorted(found.items())), article.whole, sure)


def _cell(name: str, piece: Piece, region: Region) -> Field | None:
    sure = round(0.93 * piece.confidence, 3)
    kind = _KINDS.get(name)
    if kind is None:
        return fields.text(piece, sure)
    if kind == "date":
        date = next(dates(piece.text, day_first=region.day_first), None)
        return fields.date(date.value, piece, sure) if date else None
    amount = next(amounts(piece.text), None)
    whole = re.fullmatch(r"(\d{1,6})\s*[A-Za-z]{0,5}", piece.text)
    value = amount.value if amount else float(whole[1]) if whole else None
    if value is None:
        return None
    if kind == "number":
        return fields.number(value, piece, sure)
    return fields.currency(
        value, amount.sign if amount else None, _code(amount.sign if amount else None, region), piece, sure
    )


def _adds_up(found: Mapping[str, Field]) -> bool:
    values = [found[name].value if name in found else None for name in ("Quantity", "UnitPrice", "Amount")]
    quantity, price, amount = (value["amount"] if isinstance(value, dict) else value for value in values)
    if not all(isinstance(value, int | float) for value in (quantity, price, amount)):
        return False
    return abs(float(quantity) * float(price) - float(amount)) < 0.01  # type: ignore[arg-type]


def _currency(judged: Judged, region: Region) -> Field:
    entry: Entry = judged.entry
    sign = entry.amount.sign
    return fields.currency(entry.amount.value, sign, _code(sign, region), entry.piece, judged.confidence)


def _code(sign: str | None, region: Region) -> str | None:
    return region.code(sign)


def _identifier(text: str) -> tuple[int, int] | None:
    match = _IDENTIFIER.match(text.strip())
    start = len(text) - len(text.lstrip())
    return (start, start + match.end()) if match else None


def _any_text(text: str) -> tuple[int, int] | None:
    letters = sum(character.isalpha() for character in text)
    return (0, len(text)) if letters >= 3 and not text.rstrip().endswith(":") else None


def _date_taker(region: Region) -> Take:
    def take(text: str) -> tuple[int, int] | None:
        found = next(dates(text, day_first=region.day_first), None)
        return (found.start, found.end) if found and found.start < 6 else None

    return take
