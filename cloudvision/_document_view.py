"""What the views of documents share: the document itself, and the lines of an invoice or of a receipt."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Self

from cloudvision._field_values import FieldValues, Money
from cloudvision.results import Analysis, Document


@dataclass(frozen=True, slots=True)
class LineItem:
    """One line of an invoice or of a receipt; `amount` is that of the whole line."""

    description: str | None
    quantity: float | None
    unit: str | None
    unit_price: Money | None
    amount: Money | None
    product_code: str | None
    date: date | None


def line_item(entry: FieldValues) -> LineItem:
    """One entry of the field "Items"."""
    return LineItem(
        description=entry.text("Description", "Name"),
        quantity=entry.number("Quantity"),
        unit=entry.text("Unit", "QuantityUnit"),
        unit_price=entry.money("UnitPrice", "Price"),
        amount=entry.money("Amount", "TotalPrice"),
        product_code=entry.text("ProductCode"),
        date=entry.day("Date"),
    )


@dataclass(frozen=True, slots=True)
class View:
    """A document whose fields are read by name."""

    document: Document

    kinds: ClassVar[tuple[str, ...]] = ()
    """How the document types begin that this is a view of."""

    @classmethod
    def all_in(cls, analysis: Analysis) -> tuple[Self, ...]:
        """The documents of this kind in an answer."""
        return tuple(cls(found) for found in analysis.documents or () if found.kind.startswith(cls.kinds))

    @property
    def _read(self) -> FieldValues:
        return FieldValues(self.document.fields)
