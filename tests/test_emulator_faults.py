"""Every fault, as it arrives in our tree of errors through our own providers and the vendors' unmodified SDKs."""

from __future__ import annotations

import functools
import json
import time
from pathlib import Path

import pytest

from cloudvision.emulator import Emulator, Fault, Faults, running
from cloudvision.emulator.fault import BILLED
from cloudvision.errors import (
    AuthError,
    CloudVisionError,
    ConfigError,
    ProviderError,
    ThrottledError,
    UnavailableError,
    UnexpectedAnswerError,
)
from cloudvision.images import load
from cloudvision.provider import Provider, open_provider
from cloudvision.providers._options import Options
from tests.emulation import MadeUpReader, plain

pytest.importorskip("boto3", reason="needs the extra aws")
pytest.importorskip("azure.ai.vision.imageanalysis", reason="needs the extra azure")

PROVIDERS = ("aws-rekognition", "azure-image-analysis")
ERRORS: dict[str, type[CloudVisionError]] = {
    "throttle": ThrottledError,
    "status": UnavailableError,
    "hang": UnavailableError,
    "reset": UnavailableError,
    "unknown-key": AuthError,
    "expired-key": AuthError,
}
"""What `call` raises."""

SPOILT = ("cut", "html", "empty")
"""What comes back as an answer that was paid for, and cannot be read."""


@pytest.fixture(params=PROVIDERS)
def provider(request: pytest.FixtureRequest, cloudvision_emulator: Emulator) -> Provider:
    return opened(request.param, cloudvision_emulator)


@functools.cache  # making a client of boto3 takes longer than most tests
def opened(name: str, emulator: Emulator, *, timeout_s: float = 30.0) -> Provider:
    return open_provider(name, Options(timeout_s=timeout_s), env=emulator.environment)


def impatient(name: str, emulator: Emulator) -> Provider:
    return opened(name, emulator, timeout_s=0.1)


def ask(provider: Provider) -> None:
    provider.parse(provider.call(load(plain())))


def billed(emulator: Emulator) -> int:
    return sum(sum(units.values()) for units in emulator.bill().units.values())


@pytest.mark.parametrize("fault", sorted(ERRORS))
def test_a_fault_instead_of_the_answer(cloudvision_emulator: Emulator, provider: Provider, fault: str) -> None:
    cloudvision_emulator.misbehave(fault, rate=1.0)  # not once: expired keys are read anew and tried again
    with pytest.raises(ERRORS[fault]):
        ask(impatient(provider.name, cloudvision_emulator) if fault == "hang" else provider)
    assert 0 == billed(cloudvision_emulator)
    cloudvision_emulator.behave()
    ask(provider)
    assert 1 == billed(cloudvision_emulator)


@pytest.mark.parametrize("fault", SPOILT)
def test_an_answer_that_is_spoilt_is_billed(cloudvision_emulator: Emulator, provider: Provider, fault: str) -> None:
    cloudvision_emulator.misbehave(fault)
    with pytest.raises((UnexpectedAnswerError, UnavailableError)) as caught:
        ask(provider)
    assert isinstance(caught.value, ProviderError)
    assert caught.value.billed is not False
    assert 1 == billed(cloudvision_emulator)


def test_an_empty_answer_can_be_cut_off_too(cloudvision_emulator: Emulator) -> None:
    cloudvision_emulator.place(plain(), {"status": 202, "body": ""}, service="image-analysis")
    cloudvision_emulator.misbehave("cut")
    with pytest.raises(UnavailableError, match="no answer"):
        ask(opened("azure-image-analysis", cloudvision_emulator))


def test_a_slow_answer_is_an_answer(cloudvision_emulator: Emulator, provider: Provider) -> None:
    cloudvision_emulator.misbehave(Fault("delay", seconds=0.05))
    began = time.monotonic()
    ask(provider)
    assert time.monotonic() - began >= 0.05


def test_a_wrong_region_is_said_as_each_service_says_it(cloudvision_emulator: Emulator) -> None:
    cloudvision_emulator.misbehave(Fault("wrong-region", times=2))
    with pytest.raises(AuthError, match="InvalidSignatureException"):
        ask(opened("aws-rekognition", cloudvision_emulator))
    with pytest.raises(ConfigError, match="another region"):
        ask(opened("azure-image-analysis", cloudvision_emulator))


def test_nothing_out_of_the_ordinary_is_a_fault_as_well(cloudvision_emulator: Emulator, provider: Provider) -> None:
    cloudvision_emulator.misbehave("none", "status")
    ask(provider)
    with pytest.raises(UnavailableError):
        ask(provider)


def test_every_fault_has_a_test() -> None:
    assert set(BILLED) == {*ERRORS, *SPOILT, "delay", "wrong-region", "none"}


@pytest.mark.parametrize("status", [500, 502, 503, 504, 599])
def test_every_status_of_a_failing_service(cloudvision_emulator: Emulator, provider: Provider, status: int) -> None:
    cloudvision_emulator.misbehave(Fault("status", status=status))
    with pytest.raises(UnavailableError) as caught:
        ask(provider)
    assert status == caught.value.status


@pytest.mark.parametrize("fault", ["hang", "reset", "status"])
def test_a_call_can_be_billed_whose_answer_never_came(
    cloudvision_emulator: Emulator, provider: Provider, fault: str
) -> None:
    cloudvision_emulator.misbehave(Fault(fault, billed=True))
    with pytest.raises(UnavailableError):
        ask(impatient(provider.name, cloudvision_emulator) if fault == "hang" else provider)
    assert 1 == billed(cloudvision_emulator)


@pytest.mark.parametrize(
    ("name", "form"),
    [*((name, form) for name in PROVIDERS for form in ("seconds", "date")), ("azure-image-analysis", "milliseconds")],
)
def test_the_wish_to_wait_arrives_in_every_form(cloudvision_emulator: Emulator, name: str, form: str) -> None:
    cloudvision_emulator.misbehave(Fault("throttle", seconds=30, retry_after=form))
    with pytest.raises(ThrottledError) as caught:
        ask(opened(name, cloudvision_emulator))
    assert caught.value.retry_after is not None
    assert 28 <= caught.value.retry_after <= 31


@pytest.mark.parametrize("code", [None, "ThrottlingException", "ProvisionedThroughputExceededException"])
def test_rekognition_throttles_in_two_ways_and_names_no_time(cloudvision_emulator: Emulator, code: str | None) -> None:
    cloudvision_emulator.misbehave(Fault("throttle", code=code))
    with pytest.raises(ThrottledError) as caught:
        ask(opened("aws-rekognition", cloudvision_emulator))
    assert (code or "ProvisionedThroughputExceededException", 400) == (caught.value.code, caught.value.status)
    assert caught.value.retry_after is None


def test_a_fault_waits_for_those_it_is_meant_for(cloudvision_emulator: Emulator) -> None:
    cloudvision_emulator.misbehave(Fault("status", service="image-analysis"))
    ask(opened("aws-rekognition", cloudvision_emulator))
    with pytest.raises(UnavailableError):
        ask(opened("azure-image-analysis", cloudvision_emulator))


def test_one_account_can_be_out_of_service_alone() -> None:
    with running(reader=MadeUpReader(), accounts=("first", "second")) as emulator:
        emulator.misbehave(Fault("expired-key", account="first"), rate=1.0)
        first, second = (
            open_provider("aws-rekognition", env=emulator.environment_of(account)) for account in emulator.accounts
        )
        ask(second)
        with pytest.raises(AuthError, match="ExpiredToken"):
            ask(first)
        assert {"second"} == set(emulator.bill().units)


def faulted(seed: int) -> list[bool]:
    faults = Faults(seed=seed)
    faults.rate(0.3, Fault("status"))
    return [faults.next("rekognition", "DetectText", "a") is not None for _ in range(1000)]


def test_faults_by_rate_are_drawn_from_a_seed() -> None:
    assert faulted(1) == faulted(1) != faulted(2)
    assert 250 <= sum(faulted(1)) <= 350


def test_a_script_is_read_from_a_file(cloudvision_emulator: Emulator, tmp_path: Path) -> None:
    file = tmp_path / "script.json"
    script = [{"fault": "status", "status": 500, "times": 2}, {"fault": "none"}]
    file.write_text(json.dumps({"seed": 1, "script": script, "rates": [{"fault": "throttle", "rate": 1.0}]}))
    cloudvision_emulator.faults.load(file)
    provider = opened("aws-rekognition", cloudvision_emulator)
    seen: list[str] = []
    for _ in range(4):
        try:
            ask(provider)
            seen.append("answer")
        except ProviderError as error:
            seen.append(type(error).__name__)
    assert ["UnavailableError", "UnavailableError", "answer", "ThrottledError"] == seen


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ({"scripts": []}, "unknown: scripts"),
        ({"script": [{"fault": "explode"}]}, "unknown fault 'explode'; known: none, delay"),
        ({"script": [{"status": 500}]}, 'without "fault"'),
        ({"script": [{"fault": "status", "status": 404}]}, "500 to 599"),
        ({"script": [{"fault": "delay"}]}, "needs its seconds"),
        ({"script": [{"fault": "cut", "billed": False}]}, "billed can be chosen for"),
        ({"script": [{"fault": "reset", "service": "rekognitoin"}]}, "unknown service 'rekognitoin'"),
        ({"rates": [{"fault": "reset", "rate": 2}]}, "a rate goes from 0 to 1"),
        ({"quotas": [{"per_hour": 2}]}, "unknown: per_hour"),
        ({"quotas": [{"per_second": 2, "retry_after": "never"}]}, "retry_after is one of"),
        ({"quotas": [{"per_second": "two"}]}, "per_second"),
        ({"script": [{"fault": "delay", "seconds": "1"}]}, "seconds"),
        ({"seed": [1]}, "seed"),
        ([], "expected an object"),
    ],
)
def test_a_script_that_cannot_be_meant_is_refused(value: object, complaint: str) -> None:
    faults = Faults()
    faults.script([Fault("reset")])
    with pytest.raises(ConfigError, match=complaint):
        faults.replace(value)
    assert 1 == faults.waiting
