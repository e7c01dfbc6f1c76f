"""prebuilt-receipt: merchant, date, totals and articles of a receipt, by rules over its rows."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cloudvision.emulator.reading import fields, merchant
from cloudvision.emulator.reading.address import address_field
from cloudvision.emulator.reading.entries import entries_of
from cloudvision.emulator.reading.fields import Document, Field
from cloudvision.emulator.reading.items import Item, items_of
from cloudvision.emulator.reading.layout import Layout, Page
from cloudvision.emulator.reading.pieces import Piece, Row, rows_of_pages
from cloudvision.emulator.reading.region import Region, region_of
from cloudvision.emulator.reading.totals import Judged, totals_of
from cloudvision.emulator.reading.when import purchase_date

_DIALLING = {"MYR": "60", "USD": "1", "GBP": "44", "SGD": "65"}


def receipts_of(layout: Layout, *, locale: str | None) -> list[Document]:
    """The receipts on these pages; none where nothing at all of one was found.

    Pages that each have a total and a date of their own are receipts of their own; else all are one.

    Args:
        locale: such as "en-MY"; decides how 03/04/2018 is read.
    """
    single = [_receipt([page], locale=locale) for page in layout.pages]
    if len(single) > 1 and all(found and {"Total", "TransactionDate"} <= found.fields.keys() for found in single):
        return [found for found in single if found]
    whole = _receipt(layout.pages, locale=locale)
    return [whole] if whole else []


def _receipt(pages: Sequence[Page], *, locale: str | None) -> Document | None:
    rows = rows_of_pages(pages)
    region = region_of((row.text for row in rows), locale=locale)
    items = items_of(rows)
    found = {**_merchant(rows, region), **_when(rows, region), **_totals(rows, items)}
    if items:
        found["Items"] = fields.array([_item(item) for item in items])
    if not found.keys() & {"Total", "Subtotal", "TransactionDate", "Items"}:
        return None  # a letterhead alone is no receipt
    kind = "receipt.retailMeal" if items else "receipt"
    known = len(found.keys() & {"MerchantName", "TransactionDate", "Total"})
    numbers = tuple(page.number for page in pages)
    return Document(kind, dict(sorted(found.items())), numbers, round(0.35 + 0.21 * known, 3))


def _merchant(rows: Sequence[Row], region: Region) -> dict[str, Field]:
    found: dict[str, Field] = {}
    if name := merchant.name_of(rows):
        found["MerchantName"] = fields.text(name.piece, name.confidence)
    if address := merchant.address_of(rows):
        found["MerchantAddress"] = address_field(address.piece, address.confidence)
    if phone := merchant.phone_of(rows):
        value = international(phone.piece.text, region)
        found["MerchantPhoneNumber"] = Field("phoneNumber", value, phone.piece, phone.confidence)
    return found


def _when(rows: Sequence[Row], region: Region) -> dict[str, Field]:
    when = purchase_date(rows, region)
    if when is None:
        return {}
    found = {"TransactionDate": fields.date(when.date.value, when.date_piece, when.date_confidence)}
    if when.time is not None and when.time_piece is not None:
        sure = round(0.97 * when.time_piece.confidence, 3)
        found["TransactionTime"] = fields.time(when.time.value, when.time_piece, sure)
    return found


def _totals(rows: Sequence[Row], items: Sequence[Item]) -> dict[str, Field]:
    totals = totals_of(entries_of(rows), items=[item.cents for item in items])
    judged = {"Total": totals.total, "Subtotal": totals.subtotal, "TotalTax": totals.tax}
    return {name: _number(one) for name, one in judged.items() if one is not None}


def _number(judged: Judged) -> Field:
    return fields.number(judged.entry.amount.value, judged.entry.piece, judged.confidence)


def _item(item: Item) -> Field:
    sure = 0.95 if item.adds_up else 0.7
    total, total_piece = item.total
    found = {"TotalPrice": fields.number(total, total_piece, _sure(sure, total_piece))}
    if item.description is not None:
        found["Description"] = fields.text(item.description, _sure(sure - 0.05, item.description))
    if item.quantity is not None:
        found["Quantity"] = fields.number(*item.quantity, _sure(sure, item.quantity[1]))
    if item.price is not None:
        found["Price"] = fields.number(*item.price, _sure(sure, item.price[1]))
    return fields.group(dict(sorted(found.items())), item.whole, _sure(sure - 0.1, item.whole))


def _sure(confidence: float, piece: Piece) -> float:
    return round(confidence * piece.confidence, 3)


def international(written: str, region: Region) -> str | None:
    """A telephone number as "+60332719872"; None where the country is not known."""
    digits = re.sub(r"\D", "", written)
    if written.lstrip().startswith("+"):
        return f"+{digits}"
    country = _DIALLING.get(region.currency or "")
    if country is None:
        return None
    return f"+{digits}" if digits.startswith(country) and len(digits) > 10 else f"+{country}{digits.lstrip('0')}"
