"""Two bills of one run under fire: what the emulator counts from the requests, and what our ledger says."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

import pytest

import cloudvision.emulator
from cloudvision.batch import run_many
from cloudvision.breaker import CircuitBreaker, OutageBounds
from cloudvision.emulator import Emulator, Fault
from cloudvision.ledger import Ledger
from cloudvision.outcome import Analysed
from cloudvision.pipeline import Pipeline
from cloudvision.policy import Policy
from cloudvision.provider import open_provider
from cloudvision.providers._options import Options
from cloudvision.retry import RetryPolicy
from tests.pictures import png

pytest.importorskip("boto3", reason="needs the extra aws")
pytest.importorskip("azure.ai.vision.imageanalysis", reason="needs the extra azure")

PICTURES = 60
EAGER = RetryPolicy(attempts=40, throttled=40, wait_initial_s=0.001, wait_max_s=0.002, retry_after_max_s=0.002)


def run(emulator: Emulator, name: str, options: Options = Options()) -> tuple[int, dict[str, tuple[int, int]]]:
    """Pictures that were analysed, and the ledger's attempts by state: how many, and their micros."""
    with Ledger() as ledger:
        begun = ledger.begin_run("x", command="x", provider=name)
        pipeline = Pipeline(
            open_provider(name, options, env=emulator.environment),
            ledger=ledger,
            run_id=begun.id,
            policy=Policy(retry=EAGER),
            breaker=CircuitBreaker(bounds=OutageBounds(failures=1000)),
            rng=random.Random(1),
        )
        outcomes = list(run_many(pipeline, [png(number) for number in range(PICTURES)], workers=4))
        states = {state: (count, micros) for state, count, micros in ledger.attempts()}
    return sum(isinstance(outcome, Analysed) for outcome in outcomes), states


@pytest.mark.parametrize(
    ("name", "options", "price"),
    [
        ("aws-rekognition", Options(), {"rekognition DetectText images": 1000}),
        (
            "azure-image-analysis",
            Options(features=("read", "smartCrops")),
            {"image-analysis text transactions": 1500, "image-analysis visual transactions": 1000},
        ),
    ],
)
def test_the_bills_agree_to_the_cent_when_nothing_is_lost_on_the_way(
    cloudvision_emulator: Emulator, name: str, options: Any, price: dict[str, int]
) -> None:
    short = Fault("throttle", seconds=0.001, retry_after="milliseconds", service="image-analysis")
    cloudvision_emulator.misbehave(short, "status", rate=0.2)
    analysed, states = run(cloudvision_emulator, name, options)
    bill = cloudvision_emulator.bill()
    assert PICTURES == analysed
    assert dict.fromkeys(price, PICTURES) == bill.units["emulator"]
    assert sum(PICTURES * micros for micros in price.values()) == states["settled"][1]
    assert "uncertain" not in states
    assert len(bill.requests["emulator"]) > 1  # the faults did come


def test_an_answer_that_is_lost_on_the_way_is_never_missing_in_the_ledger(cloudvision_emulator: Emulator) -> None:
    cloudvision_emulator.misbehave("status", "reset", Fault("reset", billed=True), "cut", rate=0.1)
    analysed, states = run(cloudvision_emulator, "aws-rekognition")
    billed = cloudvision_emulator.bill().total("rekognition DetectText images")
    # An answer that was cut off is paid for, and not asked for again.
    assert PICTURES - 15 < analysed < PICTURES
    settled, uncertain = states["settled"][1], states["uncertain"][1]
    assert billed > PICTURES
    assert settled <= 1000 * billed <= settled + uncertain


def test_the_emulator_does_not_know_the_price_list() -> None:
    folder = Path(cloudvision.emulator.__file__).parent
    knowing = [
        file.name
        for file in folder.rglob("*.py")
        if re.search(r"^\s*(from|import) .*\bprices\b", file.read_text(), re.M)
    ]
    assert [] == knowing
