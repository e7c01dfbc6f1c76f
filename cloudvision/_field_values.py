"""Values of a document's fields as Python knows them: texts, amounts of money, days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time

from cloudvision.results import Field


@dataclass(frozen=True, slots=True)
class Money:
    """An amount; `code` (ISO 4217, "USD") and `symbol` ("$") are None where the service does not say."""

    amount: float
    code: str | None = None
    symbol: str | None = None

    def __str__(self) -> str:
        return f"{self.amount:.2f} {self.code or self.symbol or ''}".strip()


@dataclass(frozen=True, slots=True)
class FieldValues:
    """The fields of a document, or of one of its entries; what is not there, or does not parse, is None."""

    fields: tuple[tuple[str, Field], ...]

    def field(self, *names: str) -> Field | None:
        """The first of these fields that is there: models of several years name the same thing differently."""
        found = dict(self.fields)
        return next((found[name] for name in names if name in found), None)

    def text(self, *names: str) -> str | None:
        """A text: the value, or what is written where it has none."""
        field = self.field(*names)
        if field is None:
            return None
        return field.value if isinstance(field.value, str) else field.content

    def number(self, *names: str) -> float | None:
        """A number, or the amount of a currency."""
        field = self.field(*names)
        value = None if field is None else field.value
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

    def money(self, *names: str) -> Money | None:
        """An amount, which older models give as a mere number."""
        field, amount = self.field(*names), self.number(*names)
        if field is None or amount is None:
            return None
        parts = FieldValues(field.fields)
        return Money(amount, parts.text("currencyCode"), parts.text("currencySymbol"))

    def day(self, *names: str) -> date | None:
        """A date."""
        field = self.field(*names)
        value = None if field is None or field.kind != "date" else field.value
        return date.fromisoformat(value) if isinstance(value, str) else None

    def moment(self, *names: str) -> time | None:
        """A time of day."""
        field = self.field(*names)
        value = None if field is None or field.kind != "time" else field.value
        return time.fromisoformat(value) if isinstance(value, str) else None

    def entries(self, *names: str) -> tuple[FieldValues, ...]:
        """The objects in an array."""
        field = self.field(*names)
        return () if field is None else tuple(FieldValues(item.fields) for item in field.items)
