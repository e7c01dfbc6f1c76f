"""PDFs and TIFFs of several pages as sources: welcome where asked for, and looked at page by page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cloudvision import _pdf, images
from cloudvision.errors import DamagedImageError, NotAnImageError, TooLargeError
from cloudvision.gate.verdict import Verdict
from cloudvision.images import Image, Limits
from cloudvision.looking import LOOKED_AT, judged
from cloudvision.outcome import Failed, Skipped
from cloudvision.pipeline import Pipeline
from cloudvision.providers.azure_document_intelligence import AzureDocumentIntelligence
from cloudvision.providers.fake import Fake
from cloudvision.sources import Passed, expand
from tests.document_files import document
from tests.pictures import png

BROKEN = b"%PDF-1.4 and then nothing that is a PDF"


class DarkestPage:
    """A gate for which a page is worth a call where enough of it is dark."""

    def __init__(self, threshold: float = 0.002) -> None:
        self.threshold = threshold
        self.looked = 0

    def judge(self, image: Image, /) -> Verdict:
        self.looked += 1
        score = float((image.pixels(max_side=300) < 128).mean())
        return Verdict(score >= self.threshold, score, self.threshold, "fast", "dark 1")


@pytest.mark.parametrize("format", ["PDF", "TIFF"])
def test_a_document_is_loaded_with_its_pages_and_each_can_be_seen(format: str) -> None:
    file = images.load(document("ONE", "", "THREE", format=format), documents=True)
    assert (format, 3, True) == (file.format, file.pages, file.is_document)
    dark = [float((page.pixels() < 128).mean()) for page in file.each_page()]
    assert dark[0] > 0
    assert 0 == dark[1]
    assert dark[2] > dark[0]
    assert 200 == max(file.pixels(max_side=200).shape)


def test_a_picture_is_a_document_of_one_page_that_is_none() -> None:
    picture = images.load(png(), documents=True)
    assert (1, False, [picture]) == (picture.pages, picture.is_document, list(picture.each_page()))
    assert 1 == images.load(document("a", format="TIFF"), documents=True).pages


def test_a_pdf_is_no_picture_where_documents_are_not_asked_for() -> None:
    with pytest.raises(NotAnImageError, match="a PDF document; azure-document-intelligence reads such files"):
        images.load(document("a"))
    outcome = Pipeline(Fake()).run(document("a"))
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, NotAnImageError)


def test_a_pdf_cannot_be_prepared_as_a_picture() -> None:
    with pytest.raises(NotAnImageError, match="takes pictures"):
        images.load(document("a"), documents=True).prepare(Limits(frozenset({"PNG"}), 10**6))


def test_a_broken_pdf_costs_nothing() -> None:
    with pytest.raises(DamagedImageError, match="this PDF does not open"):
        images.load(BROKEN, documents=True)


def test_a_file_that_is_too_large_for_the_service_is_not_sent() -> None:
    file = images.load(document("a"), documents=True)
    with pytest.raises(TooLargeError, match="the service takes 10"):
        file.document(10)


def test_without_pypdfium2_a_pdf_is_taken_unseen(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(_pdf, "find_spec", lambda name: None)
    file = images.load(document("a", "b"), documents=True)
    assert (None, True, False) == (file.pages, file.is_document, file.can_be_seen)
    assert 2000 * 1500 == AzureDocumentIntelligence().worst_cost(file)
    gate = DarkestPage()
    assert judged(gate, file) is None
    assert 0 == gate.looked
    assert "pip install 'cloudvision-gate[pdf]'" in caplog.text


def test_a_document_is_worth_a_call_where_one_page_is() -> None:
    gate = DarkestPage()
    verdict = judged(gate, images.load(document("", "", "TEXT", "TEXT"), documents=True))
    assert verdict is not None
    assert (True, 3) == (verdict.worth, gate.looked)


def test_a_document_is_skipped_where_no_page_is_worth_a_call() -> None:
    provider = AzureDocumentIntelligence()
    outcome = Pipeline(provider, gate=DarkestPage()).run(document("", "", ""))
    assert isinstance(outcome, Skipped)
    assert outcome.verdict.score < 0.002


def test_a_document_of_more_pages_than_are_looked_at_is_not_skipped() -> None:
    blank = np.full((40, 30), 255, np.uint8)
    many = document(*[""] * (LOOKED_AT + 1), format="TIFF")
    gate = DarkestPage()
    assert judged(gate, images.load(many, documents=True)) is None
    assert LOOKED_AT == gate.looked
    assert judged(gate, images.load(blank)) is not None


def test_folders_hold_documents_where_they_are_asked_for(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"\xef\xbb\xbf\r\n" + document("a"))
    (tmp_path / "b.png").write_bytes(png())
    (tmp_path / "c.pdf").write_text("not really")
    with_documents, without = Passed(), Passed()
    found = [str(path) for path in expand([str(tmp_path)], passed=with_documents, documents=True)]
    assert [str(tmp_path / "a.bin"), str(tmp_path / "b.png")] == found
    assert [tmp_path / "b.png"] == list(expand([str(tmp_path)], passed=without))
    assert (1, 2) == (with_documents.files, without.files)
