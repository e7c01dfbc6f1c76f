"""What the words beside an amount say it is."""

from __future__ import annotations

import re
from enum import Enum

# Recognisers take these for each other; labels and patterns are compared with one of each.
_ALIKE = str.maketrans({"l": "i", "1": "i", "|": "i", "!": "i", "0": "o", "5": "s", "8": "b"})


class Label(Enum):
    """Kinds of amounts on receipts and invoices."""

    ROUNDED_TOTAL = "rounded total"
    GRAND_TOTAL = "grand total"
    TOTAL = "total"
    SALES = "sales before rounding"
    SUBTOTAL = "subtotal"
    TAX = "tax"
    SERVICE = "service charge"
    ROUNDING = "rounding"
    DISCOUNT = "discount"
    PAID = "paid"
    CHANGE = "change"
    DUE = "amount due"
    BALANCE = "previous balance"
    OTHER = "no amount of money, or of something else"


# In this order: the first that matches decides. Spaces, punctuation and figures are out, for recognisers lose them.
_KINDS = tuple(
    (re.compile(pattern.replace("l", "i")), label)
    for pattern, label in (
        (r"previous.*balance|unpaidbalance|balanceforward|balanceb/?f", Label.BALANCE),
        (
            r"roundedtotal|totalrounded|total(am(oun)?t)?(after|with|incl?)(round|adj)|total(to)?round|roundtotal",
            Label.ROUNDED_TOTAL,
        ),
        (r"^.{0,3}(rou?n?d|rndg)|rounding|rouding|(^|bill|sen|cent)(adj|adjustment)$", Label.ROUNDING),
        (r"^total(qty|quantity|item|piece|unit|no|num|count|pcs|point|saving|save|weight|pax)", Label.OTHER),
        (r"(total|payable|am(oun)?t|sales?|sub).*(exc|before|bef|without)(?!.*incl)", Label.SUBTOTAL),
        (r"sub.?t[ao0]?t[ao]?l|subtl|s/total|merchandisetotal|nett?of(gst|tax)", Label.SUBTOTAL),
        (r"^(no|qty|item|items)of|itemcount|itemtotal|totalitem|qty|quantity|saving|point|bonus|member", Label.OTHER),
        (
            r"total(is)?includ(es|ed)(gst|sst|tax|vat)|totalincludes|includedin|ofwhich|goodsvalue|(tax|gst)(code|rate|summary)",
            Label.TAX,
        ),
        (r"service(charge|tax)|svc(charge|chg|$)|sercharge|servchg", Label.SERVICE),
        (r"total(disc|rebate)|disc(ount)?$|^(less)?disc|discount|voucher|rebate|^less", Label.DISCOUNT),
        (
            r"(total|nett?|am(oun)?t|sales?|payable|bill|paid).*(inc|ind|nclu|with(gst|tax)|after(tax|gst))",
            Label.GRAND_TOTAL,
        ),
        (r"in(cl|d)usi?ve", Label.GRAND_TOTAL),
        (r"(total|am(oun)?t)(gst|sst|vat|tax)|^(gst|sst|vat|salestax|tax)", Label.TAX),
        (r"(gst|sst|vat|tax|hst|mwst|iva|tva)(am(oun)?t|payable|total|o|s|\(|@|$)", Label.TAX),
        (r"change|balancereturn|^baki|kembali", Label.CHANGE),
        (
            r"(am(oun)?t|balance|total|payment)(now)?(due|outstanding|owing)|duetotal|^due|^balance|topay|payable",
            Label.DUE,
        ),
        (
            r"(grand|nett?|final|bill|invoice|overall|cash|takeout|eatin|dinein)(grand)?(total|am(oun)?t|sales)",
            Label.GRAND_TOTAL,
        ),
        (r"total(am(oun)?t|sales?|rm|myr|usd|\$|bill|price|payment)|jumlah|totalcost|amounttotal", Label.GRAND_TOTAL),
        (r"cash(?!ier)|visa|master|card|tender|payment|paid|eftpos|amex|debit|nets$|received|bayar", Label.PAID),
        (r"^total|total$|^ttl|^tota|gesamt|summe", Label.TOTAL),
    )
)
_SALES = re.compile("totaisaies?")


def label_of(text: str) -> Label | None:
    """The kind of amount that `text` announces, None where it announces none."""
    squeezed = re.sub(r"[^a-z0-9$/@()äöüß|!]", "", text.lower())
    squeezed = re.sub(r"\d", "", squeezed.translate(_ALIKE))
    found = next((label for kind, label in _KINDS if kind.search(squeezed)), None)
    return Label.SALES if found is Label.GRAND_TOTAL and _SALES.fullmatch(squeezed) else found
