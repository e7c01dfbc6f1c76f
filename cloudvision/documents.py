"""Convenient views of documents: the fields of an invoice, a receipt, an identity document under their own names.

::

    for invoice in Invoice.all_in(analysis):
        print(invoice.vendor_name, invoice.total, [item.description for item in invoice.line_items])

Every property is None (or empty) where the document does not have it, or its value does not parse. Confidence, places and
all other fields are on the `Document` itself: `invoice.document.field("InvoiceTotal").confidence`.
"""

from __future__ import annotations

from datetime import date, time

from cloudvision._document_view import LineItem, View, line_item
from cloudvision._field_values import Money

__all__ = ["IdentityDocument", "Invoice", "LineItem", "Money", "Receipt"]


class Invoice(View):
    """A document of the model "prebuilt-invoice"."""

    kinds = ("invoice",)

    @property
    def vendor_name(self) -> str | None:
        """Who sends the invoice."""
        return self._read.text("VendorName", "VendorAddressRecipient")

    @property
    def vendor_address(self) -> str | None:
        """On one line."""
        return self._read.text("VendorAddress")

    @property
    def vendor_tax_id(self) -> str | None:
        return self._read.text("VendorTaxId")

    @property
    def customer_name(self) -> str | None:
        """Who is to pay."""
        return self._read.text("CustomerName", "CustomerAddressRecipient")

    @property
    def customer_id(self) -> str | None:
        return self._read.text("CustomerId")

    @property
    def customer_address(self) -> str | None:
        """On one line."""
        return self._read.text("CustomerAddress", "BillingAddress")

    @property
    def invoice_id(self) -> str | None:
        """Its number."""
        return self._read.text("InvoiceId")

    @property
    def invoice_date(self) -> date | None:
        return self._read.day("InvoiceDate")

    @property
    def due_date(self) -> date | None:
        return self._read.day("DueDate")

    @property
    def purchase_order(self) -> str | None:
        return self._read.text("PurchaseOrder")

    @property
    def payment_term(self) -> str | None:
        return self._read.text("PaymentTerm")

    @property
    def subtotal(self) -> Money | None:
        return self._read.money("SubTotal")

    @property
    def total_tax(self) -> Money | None:
        return self._read.money("TotalTax")

    @property
    def total(self) -> Money | None:
        """What the invoice comes to."""
        return self._read.money("InvoiceTotal")

    @property
    def amount_due(self) -> Money | None:
        """What is to be paid, with balances from before."""
        return self._read.money("AmountDue")

    @property
    def line_items(self) -> tuple[LineItem, ...]:
        return tuple(line_item(entry) for entry in self._read.entries("Items"))


class Receipt(View):
    """A document of the model "prebuilt-receipt"."""

    kinds = ("receipt",)

    @property
    def merchant_name(self) -> str | None:
        return self._read.text("MerchantName")

    @property
    def merchant_address(self) -> str | None:
        """On one line."""
        return self._read.text("MerchantAddress")

    @property
    def merchant_phone(self) -> str | None:
        return self._read.text("MerchantPhoneNumber")

    @property
    def date(self) -> date | None:
        return self._read.day("TransactionDate")

    @property
    def time(self) -> time | None:
        return self._read.moment("TransactionTime")

    @property
    def subtotal(self) -> Money | None:
        return self._read.money("Subtotal")

    @property
    def total_tax(self) -> Money | None:
        return self._read.money("TotalTax")

    @property
    def tip(self) -> Money | None:
        return self._read.money("Tip")

    @property
    def total(self) -> Money | None:
        return self._read.money("Total")

    @property
    def line_items(self) -> tuple[LineItem, ...]:
        return tuple(line_item(entry) for entry in self._read.entries("Items"))


class IdentityDocument(View):
    """A document of the model "prebuilt-idDocument": a driver licence, a passport, an identity card."""

    kinds = ("idDocument",)

    @property
    def first_name(self) -> str | None:
        return self._read.text("FirstName")

    @property
    def last_name(self) -> str | None:
        return self._read.text("LastName")

    @property
    def document_number(self) -> str | None:
        return self._read.text("DocumentNumber")

    @property
    def date_of_birth(self) -> date | None:
        return self._read.day("DateOfBirth")

    @property
    def date_of_expiration(self) -> date | None:
        return self._read.day("DateOfExpiration")

    @property
    def date_of_issue(self) -> date | None:
        return self._read.day("DateOfIssue")

    @property
    def sex(self) -> str | None:
        """As it is written there."""
        return self._read.text("Sex")

    @property
    def address(self) -> str | None:
        """On one line."""
        return self._read.text("Address")

    @property
    def country(self) -> str | None:
        """Of the authority that issued it, as the service names it ("USA")."""
        return self._read.text("CountryRegion")

    @property
    def region(self) -> str | None:
        """State or province."""
        return self._read.text("Region")

    @property
    def nationality(self) -> str | None:
        return self._read.text("Nationality")
