"""No key, signature or content of a document stands in anything that is told or kept of it."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from cloudvision.errors import CloudVisionError
from cloudvision.images import Remote
from cloudvision.ledger import Ledger
from cloudvision.outcome import Failed, to_json
from cloudvision.pipeline import Pipeline
from cloudvision.policy import Policy
from cloudvision.provider import open_provider
from cloudvision.providers._options import Options
from cloudvision.retry import RetryPolicy
from tests.canaries import MARK, PICTURE, SIGNED, kept_in, leaked, told
from tests.document_double import KEY, Double, Patient, Reply, Watch, document_double, error, failure

PLACE = "https://h.example/formrecognizer/documentModels/m/analyzeResults/1"


def trouble(double: Double) -> None:
    """Answers that hand our secrets back."""
    double.answer(
        Reply(202, b"", {"operation-location": f"{PLACE}{SIGNED}"}),
        error(400, "InvalidRequest", f"cannot read https://h.example/a.pdf{SIGNED}"),
        error(503, "ServiceUnavailable", f"see https://h.example/{SIGNED}"),
        Reply(302, b"", {"location": f"https://h.example/{SIGNED}"}),
        Reply(202, b"", {"operation-location": f"https://h.example/{SIGNED}"}),
        Reply(act="hang"),
    )
    double.answer_polls(failure("InvalidRequest", "InvalidContent", f"https://h.example/a.pdf{SIGNED}"))


def test_nothing_is_told_of_keys_signatures_and_contents(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="cloudvision")
    written: list[object] = []
    signed = Remote("https://h.example/a.pdf", url=f"https://h.example/a.pdf{SIGNED}")
    with document_double() as double, Ledger(tmp_path / "a.db") as ledger:
        for key in (KEY, f"{MARK}wrong"):
            env = {"DOCUMENT_INTELLIGENCE_ENDPOINT": double.url, "DOCUMENT_INTELLIGENCE_KEY": key}
            provider = open_provider("azure-document-intelligence", Options(timeout_s=0.3), env=env)
            run = ledger.begin_run("x", command="x", provider=provider.name)
            policy = Policy(retry=RetryPolicy(attempts=1))
            line = Pipeline(provider, ledger=ledger, run_id=run.id, stop=Patient(Watch()), policy=policy)
            if key == KEY:
                trouble(double)
            for position, source in enumerate([PICTURE + bytes([n]) for n in range(7)] + [signed]):
                try:
                    outcome = line.run(source, position=position)
                except CloudVisionError as fatal:
                    written += told(fatal)
                    continue
                written += [repr(outcome), outcome, json.dumps(to_json(outcome, provider=provider.name))]
                written += told(outcome.error) if isinstance(outcome, Failed) else []
            written += [repr(line), repr(provider)]
        assert {KEY} == {seen.headers["ocp-apim-subscription-key"] for seen in double.polls}
        assert 13 == len(double.posts)  # refused documents, and the one that was analysed, are not sent again
        written += kept_in(tmp_path)
    assert set() == leaked(*written, caplog.text, [record.__dict__ for record in caplog.records])
