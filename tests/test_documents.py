"""Views of invoices, receipts and identity documents."""

from __future__ import annotations

import json
from datetime import date, time
from pathlib import Path

from cloudvision.documents import IdentityDocument, Invoice, Money, Receipt
from cloudvision.providers._document_parse import parse_answer
from cloudvision.results import Analysis, Document, Field
from cloudvision.saved import read_saved


def text(value: str) -> Field:
    return Field("string", value, value, 0.9)


def dollars(amount: float) -> Field:
    code = Field("string", None, "USD", None)
    return Field("currency", f"$ {amount}", amount, 0.9, fields=(("currencyCode", code),))


def test_an_invoice_has_its_fields_under_names_of_its_own() -> None:
    item = Field("object", None, None, None, fields=(("Description", text("paper")), ("Amount", dollars(3.5))))
    document = Document(
        "invoice",
        0.9,
        (
            ("VendorName", text("CONTOSO LTD.")),
            ("InvoiceDate", Field("date", "15 Nov 2019", "2019-11-15", 0.9)),
            ("InvoiceTotal", dollars(110)),
            ("Items", Field("array", None, None, None, items=(item,))),
        ),
    )
    invoice = Invoice(document)
    assert "CONTOSO LTD." == invoice.vendor_name
    assert date(2019, 11, 15) == invoice.invoice_date
    assert Money(110.0, "USD") == invoice.total
    assert "110.00 USD" == str(invoice.total)
    (line,) = invoice.line_items
    assert ("paper", Money(3.5, "USD"), None) == (line.description, line.amount, line.quantity)


def test_what_is_not_there_is_none_or_empty() -> None:
    invoice = Invoice(Document("invoice", None))
    assert (None, None, None, ()) == (invoice.vendor_name, invoice.total, invoice.due_date, invoice.line_items)
    assert IdentityDocument(Document("idDocument", None)).first_name is None


def test_a_value_that_did_not_parse_is_none_and_its_text_is_on_the_field() -> None:
    document = Document("invoice", None, (("InvoiceDate", Field("date", "yyyy-02-04", None, 0.5)),))
    invoice = Invoice(document)
    assert invoice.invoice_date is None
    field = invoice.document.field("InvoiceDate")
    assert field is not None
    assert "yyyy-02-04" == field.content


def test_a_receipt_knows_amounts_that_are_mere_numbers() -> None:
    receipt = Receipt(Document("receipt", None, (("Total", Field("number", "14.50", 14.5, 0.9)),)))
    assert Money(14.5) == receipt.total


def test_only_documents_of_the_kind_are_found_in_an_answer() -> None:
    analysis = Analysis(documents=(Document("receipt.retailMeal", 1.0), Document("invoice", 1.0)))
    assert ["receipt.retailMeal"] == [found.document.kind for found in Receipt.all_in(analysis)]
    assert () == Invoice.all_in(Analysis())


def view(shared: Path, name: str) -> Analysis:
    return parse_answer(read_saved((shared / "conformance" / "document_intelligence" / name).read_text()))


def test_a_real_invoice_receipt_and_licence(shared: Path) -> None:
    (invoice,) = Invoice.all_in(view(shared, "sample_invoice-model-output.json"))
    assert ("CONTOSO LTD.", "INV-100", Money(110.0, symbol="$")) == (
        invoice.vendor_name,
        invoice.invoice_id,
        invoice.total,
    )
    assert ["Consulting Services", "Document Fee", "Printing Fee"] == [item.description for item in invoice.line_items]
    (receipt,) = Receipt.all_in(view(shared, "di_receipt__dac_analyze_prebuilts__pages_kwarg_specified.json"))
    assert ("Contoso", time(13, 59), 14.5) == (
        receipt.merchant_name,
        receipt.time,
        receipt.total and receipt.total.amount,
    )
    (licence,) = IdentityDocument.all_in(
        view(shared, "di_idDocument__dac_analyze_prebuilts__identity_document_jpg.json")
    )
    assert ("LIAM R.", "TALBOT", date(1958, 1, 6)) == (licence.first_name, licence.last_name, licence.date_of_birth)


def test_a_document_survives_json() -> None:
    analysis = Analysis(documents=(Document("invoice", 0.5, (("InvoiceTotal", dollars(1)),)),))
    assert analysis == Analysis.from_json(json.loads(json.dumps(analysis.to_json())))
