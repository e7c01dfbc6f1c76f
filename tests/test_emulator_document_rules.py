"""The rules by which receipts and invoices are read, over lines that are made up: no picture and no server."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudvision import results
from cloudvision.emulator.reading.answer import Answer
from cloudvision.emulator.reading.dates import dates
from cloudvision.emulator.reading.fields import Document
from cloudvision.emulator.reading.invoice import invoices_of
from cloudvision.emulator.reading.layout import Layout
from cloudvision.emulator.reading.money import amounts
from cloudvision.emulator.reading.pages import Picture
from cloudvision.emulator.reading.read import read
from cloudvision.emulator.reading.receipt import receipts_of
from cloudvision.emulator.reading.spans import Index
from cloudvision.geometry import Polygon
from tests.documents import typed

SHOP = ("ACME TRADING SDN BHD", "No 7, Jalan Besar", "43000 Kajang", "Date: 03/04/2018 10:15")
PIXELS = np.broadcast_to(np.uint8(255), (1000, 1000, 3))


def layout(*pages: tuple[str, ...]) -> Layout:
    lines = [typed(*rows) for rows in pages]
    pictures = [Picture(number, PIXELS, "pixel", 1.0) for number in range(1, len(pages) + 1)]
    return read(pictures, lambda _pixels: lines.pop(0), tables=False)


def receipt(*rows: str, locale: str | None = None) -> Any:
    (document,) = receipts_of(layout((*SHOP, *rows)), locale=locale)
    return {name: field.value for name, field in document.fields.items()}


@pytest.mark.parametrize(
    ("rows", "total"),
    [
        (("Subtotal  10.00", "GST 6%  0.60", "Total  10.60"), 10.6),
        (("Total  10.63", "Rounding  -0.03", "Rounded Total  10.60"), 10.6),
        (("Total Sales  10.63", "Rounding Adj  -0.03", "Total  10.60", "Cash  20.00", "Change  9.40"), 10.6),
        (("Total Qty: 3  31.80", "Total (Excluding GST)  30.00", "Total (Inclusive of GST)  31.80"), 31.8),
        (("TOTAL AMOUNT", "CASH  RM 6.00"), 6.0),
        (("*Total Qty: 1.00  9.00", "Cash  50.00", "Change  41.00"), 9.0),
        (("Tota1RM14.20", "Cash  RM20.20", "Change  RM6.00"), 14.2),
        (("SUBTOTAL (QTY 2)  RM41.43", "ROUNDING  RM0.02", "SUBTOTAL (QTY 2)  RM41.45", "CASH  51.45", "CHANGE  10.00"), 41.45),
        (("Total 6% supplies  29.33", "Total 0% supplies  -2.13", "Total payable  27.20"), 27.2),
        (("Total  8.00", "GST Summary", "SR 6%  7.55  0.45", "Total  7.55  0.45"), 8.0),
    ],
)  # fmt: skip
def test_the_total_is_what_labels_and_sums_agree_on(rows: tuple[str, ...], total: float) -> None:
    assert total == receipt(*rows)["Total"]


def test_the_total_stands_at_its_label_and_not_at_the_cash() -> None:
    (document,) = receipts_of(layout((*SHOP, "Total  9.10", "Cash  9.10")), locale=None)
    piece = document.fields["Total"].piece
    assert piece is not None
    assert 180 < piece.outline[0][1] < 200


def test_a_sum_that_adds_up_is_surer_than_a_bare_mention() -> None:
    (bare,) = receipts_of(layout((*SHOP, "Total  10.60")), locale=None)
    (checked,) = receipts_of(
        layout((*SHOP, "Subtotal  10.00", "GST  0.60", "Total  10.60", "Cash  20.00", "Change  9.40")), locale=None
    )
    assert (checked.fields["Total"].confidence or 0) > (bare.fields["Total"].confidence or 0) + 0.2


def test_what_is_not_there_is_absent() -> None:
    found = receipt("Total  10.60")
    assert {"MerchantName", "MerchantAddress", "TransactionDate", "TransactionTime", "Total"} == set(found)
    assert [] == receipts_of(layout(("Dear reader,", "all is well.")), locale=None)


@pytest.mark.parametrize(
    ("locale", "day"), [(None, (2018, 4, 3)), ("en-MY", (2018, 4, 3)), ("en-US", (2018, 3, 4)), ("en-GB", (2018, 4, 3))]
)
def test_the_locale_tells_days_from_months(locale: str | None, day: tuple[int, int, int]) -> None:
    assert datetime.date(*day).isoformat() == receipt("Total  10.60", locale=locale)["TransactionDate"]


def test_articles_are_named_in_their_row_above_it_or_below_it() -> None:
    beside = receipt("Item Qty  Amount", "Tea  2.20", "Soup 3 x 1.50  4.50", "Total  6.70")["Items"]
    above = receipt("Item  Qty  Amount", "Green Tea", "2 x 1.10  2.20", "Total  2.20")["Items"]
    below = receipt("Item  Qty  Amount", "9555 2 1.10  2.20", "GREEN TEA", "9556 1 4.00  4.00", "SOUP", "Total  6.20")[
        "Items"
    ]
    assert ["Tea", "Soup"] == [item.value["Description"].value for item in beside]
    assert (3, 1.5, 4.5) == tuple(beside[1].value[name].value for name in ("Quantity", "Price", "TotalPrice"))
    assert [("Green Tea", 2, 1.1)] == [
        tuple(item.value[name].value for name in ("Description", "Quantity", "Price")) for item in above
    ]
    assert ["GREEN TEA", "SOUP"] == [item.value["Description"].value for item in below]


def test_pages_with_totals_and_dates_of_their_own_are_receipts_of_their_own() -> None:
    both = layout((*SHOP, "Total  10.60"), (*SHOP, "Total  4.20"))
    first, second = receipts_of(both, locale=None)
    assert [((1,), 10.6), ((2,), 4.2)] == [(one.pages, one.fields["Total"].value) for one in (first, second)]
    (whole,) = receipts_of(layout(SHOP, ("Total  4.20",)), locale=None)
    assert (1, 2) == whole.pages
    spans = [entry["spans"] for entry in _json(both, [first, second])["documents"]]
    assert [(0, 86), (87, 85)] == [(span["offset"], span["length"]) for (span,) in spans]


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_page_that_lies_sideways_is_read_as_if_it_stood(turns: int) -> None:
    """`turns`: quarter turns to the right that the page was laid by."""
    rows = (*SHOP, "Subtotal  10.00", "Total  10.60")
    width, height = 800, 1000
    given_width, given_height = (height, width) if turns % 2 else (width, height)
    upright = typed(*rows)
    readings = [tuple(laid(line, turns) for line in upright), upright]  # it is read again once it stands
    pixels = np.broadcast_to(np.uint8(255), (given_height, given_width, 3))
    made = read([Picture(1, pixels, "pixel", 1.0)], lambda _: readings.pop(0), tables=False)
    (document,) = receipts_of(made, locale=None)
    assert 10.6 == document.fields["Total"].value
    (page,) = _json(made, [document])["pages"]
    assert (given_width, given_height) == (page["width"], page["height"])
    assert (90 * turns) % 360 == page["angle"] % 360
    word = next(word for word in page["words"] if word["content"] == "10.60")
    expected = {1: (770, 440), 2: (360, 770), 3: (230, 360)}[turns]
    assert pytest.approx(expected, abs=1) == tuple(word["polygon"][:2])


def laid(line: results.Line, turns: int) -> results.Line:
    """The line on a page that was turned to the right."""

    def placed(polygon: Polygon) -> Polygon:
        points = polygon.points
        for _ in range(turns):
            points = tuple((1 - y, x) for x, y in points)
        return Polygon(points)

    words = tuple(results.Word(word.text, word.confidence, placed(word.polygon)) for word in line.words)
    return results.Line(line.text, line.confidence, placed(line.polygon), words)


def test_an_amount_due_beside_the_total_is_kept_apart() -> None:
    rows = ("Contoso Ltd", "Invoice No: A-17", "Total  99.00", "Previous unpaid balance  500.00", "Amount due  599.00")
    (document,) = invoices_of(layout(rows), locale="en-US")
    found = {name: field.value for name, field in document.fields.items()}
    assert "A-17" == found["InvoiceId"]
    expected = {"InvoiceTotal": 99.0, "PreviousUnpaidBalance": 500.0, "AmountDue": 599.0}
    assert expected == {name: found[name]["amount"] for name in expected}


def test_a_date_without_a_name_is_that_of_the_invoice_unless_it_is_another() -> None:
    def date_of(*rows: str) -> Any:
        (document,) = invoices_of(layout(("Invoice No: 5", *rows, "Total  40.00")), locale="en-GB")
        return {name: field.value for name, field in document.fields.items() if field.type == "date"}

    assert {"InvoiceDate": "2018-04-03"} == date_of("London, 3 April 2018")
    assert {"DueDate": "2018-05-03"} == date_of("Due date: 3 May 2018")


def test_columns_without_rules_are_told_by_their_heads() -> None:
    lines = typed("Invoice No: 5", "Description  Qty Amount", "Blue paint  2 40.00", "for walls", "Total  40.00")
    (document,) = invoices_of(read([Picture(1, PIXELS, "pixel", 1.0)], lambda _: lines, tables=False), locale=None)
    (item,) = document.fields["Items"].value
    assert "Blue paint for walls" == item.value["Description"].value
    assert 40.0 == item.value["Amount"].value["amount"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("RM 1,234.50", [1234.5]),
        ("EUR 1.234,50", [1234.5]),
        ("22.9022.90", [22.9, 22.9]),
        ("(0.02)", [-0.02]),
        ("-4.20 4.20-", [-4.2, -4.2]),
        ("Rounding RM -.01", [-0.01]),
        ("6.00% 12:30.5 v1.2.3 10.5", []),
        ("$5", [5.0]),
    ],
)
def test_amounts_are_found_in_text(text: str, found: list[float]) -> None:
    assert found == [amount.value for amount in amounts(text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("9/3/201820:54:50", [(2018, 3, 9)]),
        ("#19-18/03/2018", [(2018, 3, 18)]),
        ("15/APR/2017 and 27 March, 2018", [(2017, 4, 15), (2018, 3, 27)]),
        ("2016-07-31", [(2016, 7, 31)]),
        ("25032018 13:11", [(2018, 3, 25)]),
        ("12/25/2019", [(2019, 12, 25)]),
        ("31/02/2018 45/45/2018 25032018 1.2.3.4", []),
    ],
)
def test_dates_are_found_in_text(text: str, found: list[tuple[int, int, int]]) -> None:
    assert [datetime.date(*day) for day in found] == [date.value for date in dates(text, day_first=True)]


ODD = st.text("0123456789.,-/:$%()R M\U0001f600TOTALtax@x", min_size=1, max_size=24).filter(lambda text: text.strip())


@settings(deadline=None, max_examples=60)
@given(st.lists(ODD, min_size=1, max_size=12), st.sampled_from(("unicodeCodePoint", "utf16CodeUnit", "textElements")))
def test_whatever_is_printed_fields_stand_where_they_say(rows: list[str], kind: str) -> None:
    made = layout(tuple(rows))
    documents = [*receipts_of(made, locale=None), *invoices_of(made, locale=None)]
    answer = _json(made, documents, kind=kind)
    units = made.content.encode("utf-16-le") if kind == "utf16CodeUnit" else None
    for page in answer["pages"]:
        for word in page["words"]:
            start, end = word["span"]["offset"], word["span"]["offset"] + word["span"]["length"]
            shown = made.content[start:end] if units is None else units[2 * start : 2 * end].decode("utf-16-le")
            assert shown == word["content"]
    for document in documents:
        for name, field in document.fields.items():
            if field.piece is not None:
                texts = [made.content[offset : offset + length] for offset, length in field.piece.spans]
                assert "".join(field.piece.text.split()) == "".join("".join(texts).split()), name
                assert 0 <= (field.confidence or 0) <= 1


def _json(made: Layout, documents: list[Document], *, kind: str = "unicodeCodePoint") -> Any:
    answer = Answer(made, Index(made.content, kind))
    return {"pages": answer.pages(), "documents": answer.documents(documents)}
