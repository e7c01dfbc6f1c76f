"""What the tests of the emulated Document Intelligence share: drawn documents, made-up lines, a client of the SDK."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageDraw, ImageFont

from cloudvision.emulator import Emulator
from cloudvision.geometry import Box, Polygon
from cloudvision.results import Line, Word

if TYPE_CHECKING:
    from azure.ai.formrecognizer import DocumentAnalysisClient

DPI = 75
"""Of the drawn pages, so that they are small; their text is as high as that of a page at 150."""

ITEMS = (
    ("Description", "Qty", "Unit Price", "Amount"),
    ("Consulting Services", "2", "$30.00", "$60.00"),
    ("Document Fee", "3", "$10.00", "$30.00"),
)
COLUMNS, ROWS = (40, 330, 400, 520, 620), (270, 302, 334, 366)


def client(emulator: Emulator, *, key: str | None = None) -> DocumentAnalysisClient:
    """A plain client of the vendor's SDK without retries."""
    from azure.ai.formrecognizer import DocumentAnalysisClient
    from azure.core.credentials import AzureKeyCredential

    env = emulator.environment
    credential = AzureKeyCredential(key or env["DOCUMENT_INTELLIGENCE_KEY"])
    return DocumentAnalysisClient(env["DOCUMENT_INTELLIGENCE_ENDPOINT"], credential, retry_total=0)


def analysed(emulator: Emulator, model: str, data: bytes, **settings: Any) -> Any:
    """The SDK's result."""
    with client(emulator) as asking:
        return asking.begin_analyze_document(model, data, **settings).result()


def invoice_page() -> Image.Image:
    """An invoice with a ruled table: 90 dollars and 9 of tax."""
    page = Image.new("RGB", (660, 660), "white")
    draw = ImageDraw.Draw(page)

    def put(x: int, y: int, text: str, size: int = 19) -> None:
        draw.text((x, y), text, fill="black", font=ImageFont.load_default(size=size))

    put(40, 45, "CONTOSO LTD.", 34)
    put(480, 52, "INVOICE", 26)
    for row, (left, right) in enumerate(
        (
            ("123 Main Street", "Invoice No: INV-100"),
            ("New York, NY, 10001", "Invoice Date: 11/15/2019"),
            ("", "Due Date: 12/15/2019"),
            ("Bill To:", ""),
            ("Fabrikam Finance", ""),
        )
    ):
        put(40, 110 + 28 * row, left)
        put(390, 110 + 28 * row, right)
    for x in COLUMNS:
        draw.line((x, ROWS[0], x, ROWS[-1]), fill="black", width=2)
    for y in ROWS:
        draw.line((COLUMNS[0], y, COLUMNS[-1], y), fill="black", width=2)
    for y, texts in zip(ROWS, ITEMS, strict=False):
        for x, text in zip(COLUMNS, texts, strict=False):
            put(x + 10, y + 5, text)
    for row, (name, amount) in enumerate((("Subtotal", "$90.00"), ("Sales Tax", "$9.00"), ("Total", "$99.00"))):
        put(390, 400 + 32 * row, name)
        put(530, 400 + 32 * row, amount)
    return page


def receipt_page() -> Image.Image:
    """A receipt: 12.50 and 4 x 2.10, paid with 50."""
    page = Image.new("RGB", (420, 560), "white")
    draw = ImageDraw.Draw(page)
    font = ImageFont.load_default(size=20)
    for row, (left, right) in enumerate(
        (
            ("GREEN HILL TRADING SDN BHD", ""),
            ("12, Jalan Besar, 43000 Kajang", ""),
            ("Tel: 03-8736 1234", ""),
            ("Date: 19/03/2018 11:12", ""),
            ("NOODLE SOUP", "12.50"),
            ("ICED TEA  4 x 2.10", "8.40"),
            ("Subtotal", "20.90"),
            ("GST 6%", "1.25"),
            ("TOTAL", "RM 22.15"),
            ("CASH", "50.00"),
            ("CHANGE", "27.85"),
        )
    ):
        draw.text((30, 30 + 44 * row), left, fill="black", font=font)
        draw.text((300, 30 + 44 * row), right, fill="black", font=font)
    return page


def as_pdf(*pages: Image.Image) -> bytes:
    """The pages as a PDF."""
    return _saved(pages, "PDF", resolution=DPI)


def as_tiff(*pages: Image.Image) -> bytes:
    """The pages as the frames of a TIFF."""
    return _saved(pages, "TIFF")


def as_png(page: Image.Image) -> bytes:
    """One page."""
    return _saved([page], "PNG")


def _saved(pages: Any, format: str, **settings: float) -> bytes:
    stream = io.BytesIO()
    many = {"save_all": True, "append_images": list(pages[1:])} if len(pages) > 1 else {}
    pages[0].save(stream, format, **settings, **many)
    return stream.getvalue()


def typed(*rows: str, height: float = 0.02) -> tuple[Line, ...]:
    """Lines one below the other; two spaces in a row part it into two lines side by side."""
    return tuple(
        _typed(part, left=0.05 + 0.5 * at, top=0.03 + 2 * height * row, height=height)
        for row, text in enumerate(rows)
        for at, part in enumerate(text.split("  "))
    )


def _typed(text: str, *, left: float, top: float, height: float) -> Line:
    words, at = [], 0
    for word in text.split():
        at = text.index(word, at)
        box = Box(left + 0.008 * at, top, 0.008 * len(word), height)
        words.append(Word(word, 0.99, Polygon.of_box(box)))
        at += len(word)
    return Line(text, 0.99, Polygon.of_box(Box(left, top, 0.008 * len(text), height)), tuple(words))
