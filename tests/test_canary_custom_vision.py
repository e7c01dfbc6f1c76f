"""No key, token, signature or byte of a picture stands in anything that is told or kept of a prediction."""

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
from tests.canaries import MARK, PIXELS, SIGNED, URL_PASSWORD, kept_in, leaked, told
from tests.custom_vision_double import (
    ITERATION,
    KEY,
    PROJECT,
    PUBLISHED,
    Double,
    Reply,
    custom_vision_double,
    flat,
    gateway,
)
from tests.pictures import png

pytest.importorskip("azure.cognitiveservices.vision.customvision", reason="needs the extra azure")


def trouble(double: Double) -> None:
    """Answers that hand our secrets back."""
    double.answer(
        flat(400, "BadRequestImageUrl", f"cannot read https://h.example/a.png{SIGNED}"),
        flat(500, "ErrorPrediction", f"see https://h.example/{SIGNED}"),
        gateway(429, f"see https://h.example/{SIGNED}"),
        Reply(302, b"", {"location": f"https://h.example/{SIGNED}"}),
        Reply(200, b"x" * 50, act="cut"),
        Reply(act="reset"),
    )


@pytest.mark.parametrize("model", [PUBLISHED, ITERATION])
def test_nothing_is_told_of_keys_signatures_and_pictures(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, model: str
) -> None:
    caplog.set_level(logging.DEBUG, logger="cloudvision")
    written: list[object] = []
    signed = Remote("https://h.example/a.png", url=f"https://h.example/a.png{SIGNED}")
    which = "TRAINING" if model == ITERATION else "PREDICTION"
    with custom_vision_double() as double, Ledger(tmp_path / "a.db") as ledger:
        for endpoint, key in (
            (double.url, KEY),
            (double.url, f"{MARK}wrong"),
            (double.url, f"{MARK}\nwrong"),
            (f"http://me:{URL_PASSWORD}@127.0.0.1:1", KEY),
            ("http://127.0.0.1:1", KEY),
        ):
            env = {f"CUSTOM_VISION_{which}_ENDPOINT": endpoint, f"CUSTOM_VISION_{which}_KEY": key}
            env["CUSTOM_VISION_PROJECT_ID"] = PROJECT
            provider = open_provider("azure-custom-vision", Options(model=model, timeout_s=5.0), env=env)
            run = ledger.begin_run("x", command="x", provider=provider.name)
            if endpoint == double.url and key == KEY:
                trouble(double)
            for position, source in enumerate([png(n) + PIXELS for n in range(8)] + [signed]):
                # A new one each time: the breaker of one line would wait for the service to recover.
                line = Pipeline(provider, ledger=ledger, run_id=run.id, policy=Policy(retry=RetryPolicy(attempts=1)))
                try:
                    outcome = line.run(source, position=position)
                except CloudVisionError as fatal:
                    written += told(fatal)
                    continue
                written += [repr(outcome), outcome, json.dumps(to_json(outcome, provider=provider.name))]
                written += told(outcome.error) if isinstance(outcome, Failed) else []
            written += [repr(line), repr(provider), provider.fingerprint]
        assert any(PIXELS in request.body for request in double.seen)
        assert any(SIGNED.partition("#")[0].encode() in request.body for request in double.seen)
        written += kept_in(tmp_path)
    assert set() == leaked(*written, caplog.text, [record.__dict__ for record in caplog.records])
