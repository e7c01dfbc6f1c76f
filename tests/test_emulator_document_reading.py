"""Document Intelligence of the emulator with the local engine: drawn documents, and what stands in them."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from PIL import Image, ImageDraw

from cloudvision.emulator import Emulator
from tests.documents import COLUMNS, DPI, ITEMS, ROWS, analysed, as_pdf, as_png, invoice_page, receipt_page

pytest.importorskip("azure.ai.formrecognizer", reason="needs the extra azure")
pytest.importorskip("rapidocr", reason="needs the extra emulator")


@pytest.fixture(scope="module")
def invoice(reading_emulator: Emulator) -> Any:
    return analysed(reading_emulator, "prebuilt-invoice", as_pdf(invoice_page()), features=["keyValuePairs"])


@pytest.fixture(scope="module")
def receipt(reading_emulator: Emulator) -> Any:
    return analysed(reading_emulator, "prebuilt-receipt", as_png(receipt_page()))


def inside(field: Any, left: int, top: int, right: int, bottom: int, *, per_unit: float = 1.0) -> bool:
    """The field's first region lies within these pixels of the drawing."""
    polygon = field.bounding_regions[0].polygon
    xs, ys = [point.x * per_unit for point in polygon], [point.y * per_unit for point in polygon]
    return left <= min(xs) and max(xs) <= right and top <= min(ys) and max(ys) <= bottom


def test_the_ruled_table_is_found_with_what_stands_in_its_cells(invoice: Any) -> None:
    (table,) = invoice.tables
    assert (3, 4) == (table.row_count, table.column_count)
    assert list(ITEMS) == [
        tuple(cell.content for cell in table.cells if cell.row_index == row) for row in range(table.row_count)
    ]
    assert [0] * 4 == [cell.row_index for cell in table.cells if cell.kind == "columnHeader"]
    box = table.bounding_regions[0].polygon
    assert pytest.approx(COLUMNS[0], abs=4) == box[0].x * DPI
    assert pytest.approx(ROWS[-1], abs=4) == box[2].y * DPI


def test_the_invoices_fields_are_found_where_they_stand(invoice: Any) -> None:
    (document,) = invoice.documents
    fields = document.fields
    assert "invoice" == document.doc_type
    assert "CONTOSO LTD." == fields["VendorName"].value
    assert "INV-100" == fields["InvoiceId"].value
    assert datetime.date(2019, 11, 15) == fields["InvoiceDate"].value
    assert datetime.date(2019, 12, 15) == fields["DueDate"].value
    assert "Fabrikam Finance" == fields["CustomerName"].value
    assert ("New York", "10001") == (fields["VendorAddress"].value.city, fields["VendorAddress"].value.postal_code)
    money = {name: fields[name].value for name in ("InvoiceTotal", "SubTotal", "TotalTax")}
    assert {"InvoiceTotal": 99.0, "SubTotal": 90.0, "TotalTax": 9.0} == {k: v.amount for k, v in money.items()}
    assert ("$", "USD") == (money["InvoiceTotal"].symbol, money["InvoiceTotal"].code)
    assert fields["InvoiceTotal"].confidence > 0.8
    assert inside(fields["InvoiceTotal"], 520, 455, 620, 500, per_unit=DPI)
    assert "AmountDue" not in fields


def test_the_invoices_articles_are_found(invoice: Any) -> None:
    items = [item.value for item in invoice.documents[0].fields["Items"].value]
    assert ["Consulting Services", "Document Fee"] == [item["Description"].value for item in items]
    assert [2.0, 3.0] == [item["Quantity"].value for item in items]
    assert [(30.0, 60.0), (10.0, 30.0)] == [(i["UnitPrice"].value.amount, i["Amount"].value.amount) for i in items]


def test_names_and_values_are_paired(invoice: Any) -> None:
    pairs = {pair.key.content: pair.value.content for pair in invoice.key_value_pairs if pair.value}
    expected = {"Invoice No:": "INV-100", "Due Date:": "12/15/2019", "Subtotal": "$90.00", "Total": "$99.00"}
    assert expected == {key: pairs.get(key) for key in expected}


def test_fields_say_where_in_the_text_they_stand(invoice: Any) -> None:
    for name, field in invoice.documents[0].fields.items():
        for span in field.spans or ():
            assert invoice.content[span.offset : span.offset + span.length] in field.content, name


def test_the_largest_line_at_the_top_is_the_title(invoice: Any) -> None:
    roles = {paragraph.role: paragraph.content for paragraph in invoice.paragraphs if paragraph.role}
    assert "CONTOSO LTD." == roles["title"]


def test_the_receipts_fields_are_found(receipt: Any) -> None:
    (document,) = receipt.documents
    fields = document.fields
    assert "GREEN HILL TRADING SDN BHD" == fields["MerchantName"].value
    assert "12, Jalan Besar, 43000 Kajang" == fields["MerchantAddress"].content
    assert "+60387361234" == fields["MerchantPhoneNumber"].value
    assert datetime.date(2018, 3, 19) == fields["TransactionDate"].value
    assert datetime.time(11, 12) == fields["TransactionTime"].value
    assert (22.15, 20.9, 1.25) == tuple(fields[name].value for name in ("Total", "Subtotal", "TotalTax"))
    assert inside(fields["Total"], 290, 370, 420, 420)
    soup, tea = (item.value for item in fields["Items"].value)
    assert ("NOODLE SOUP", 12.5) == (soup["Description"].value, soup["TotalPrice"].value)
    assert (4.0, 2.1, 8.4) == tuple(tea[name].value for name in ("Quantity", "Price", "TotalPrice"))


def test_nothing_is_invented_where_nothing_is_written(reading_emulator: Emulator) -> None:
    page = Image.new("RGB", (300, 300), "white")
    ImageDraw.Draw(page).ellipse((100, 100, 200, 200), outline="black", width=3)
    result = analysed(reading_emulator, "prebuilt-invoice", as_png(page))
    assert ("", [], []) == (result.content, result.documents, result.tables)
