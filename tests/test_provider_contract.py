"""What every provider keeps to, whoever is behind it."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from cloudvision import images
from cloudvision.emulator import running
from cloudvision.errors import CloudVisionError, ConfigError, ProviderError, UnexpectedAnswerError
from cloudvision.images import Image
from cloudvision.pending import Pending
from cloudvision.polling import Polling
from cloudvision.provider import PROVIDERS, LongRunning, Provider, open_provider
from cloudvision.providers._aws_client import AwsCredentials
from cloudvision.providers._options import Options
from cloudvision.providers.aws_rekognition import AwsRekognition
from cloudvision.providers.azure_document_intelligence import AzureDocumentIntelligence
from cloudvision.providers.azure_image_analysis import AzureImageAnalysis
from cloudvision.providers.fake import Fake
from cloudvision.providers.local_ocr import LocalOcr
from cloudvision.raw import Raw
from cloudvision.results import Analysis
from tests import custom_vision_double as custom_vision
from tests import document_double as documents
from tests import image_analysis_double as azure
from tests import rekognition_double as aws
from tests.emulation import MadeUpReader


@dataclass(frozen=True)
class Rig:
    """A provider that works, what may never be seen of it, and a way to make its next call fail.

    `options`, `env`: what the same provider is opened with by name, without a secret.
    `same_ids`: the service behind it gives the same picture the same request id.
    """

    provider: Provider
    secrets: tuple[str, ...] = ()
    fail_next: Callable[[], object] | None = None
    same_ids: bool = True
    unknown: Options = Options(pages="1")
    options: Options = Options()
    env: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def azure_image_analysis() -> Iterator[Rig]:
    with azure.image_analysis_double() as double:
        provider = AzureImageAnalysis(endpoint=double.url, key=azure.KEY)
        yield Rig(provider, (azure.KEY,), lambda: double.answer(azure.error(500, "Oops", "broke")))


@contextmanager
def azure_document_intelligence() -> Iterator[Rig]:
    with documents.document_double() as double:
        polling = Polling(sleep=lambda seconds: None)
        provider = AzureDocumentIntelligence(endpoint=double.url, key=documents.KEY, polling=polling)
        failing = documents.error(500, "InternalServerError", "broke")
        yield Rig(provider, (documents.KEY,), lambda: double.answer(failing), unknown=Options(shrink=True))


@contextmanager
def aws_rekognition() -> Iterator[Rig]:
    with aws.rekognition_double() as double:
        double.reply = None
        keys = AwsCredentials(aws.KEY_ID, aws.SECRET)
        provider = AwsRekognition(region=aws.REGION, endpoint_url=double.url, credentials=keys)
        yield Rig(provider, (aws.SECRET,), lambda: double.script.append(aws.error("InternalServerError", status=500)))


@contextmanager
def azure_custom_vision() -> Iterator[Rig]:
    env = {"CUSTOM_VISION_PROJECT_ID": custom_vision.PROJECT, "CUSTOM_VISION_PUBLISHED_NAME": custom_vision.PUBLISHED}
    with custom_vision.custom_vision_double() as double:
        failing = custom_vision.flat(500, "ErrorPrediction", "broke")
        yield Rig(double.provider(), (custom_vision.KEY,), lambda: double.answer(failing), env=env)


@contextmanager
def emulated_custom_vision() -> Iterator[Rig]:
    from tests.custom_vision_clients import ColourTrainer, published

    with running(reader=MadeUpReader(), trainer=ColourTrainer()) as emulator:
        env = {"CUSTOM_VISION_PROJECT_ID": published(emulator, "v1"), "CUSTOM_VISION_PUBLISHED_NAME": "v1"}
        provider = open_provider("azure-custom-vision", env={**emulator.environment, **env})
        yield Rig(provider, (emulator.accounts[0].key,), lambda: emulator.misbehave("status"), same_ids=False, env=env)


@contextmanager
def local_ocr() -> Iterator[Rig]:
    yield Rig(LocalOcr())


@contextmanager
def onnx() -> Iterator[Rig]:
    from tests.model_files import colours

    with tempfile.TemporaryDirectory() as folder:
        options = Options(model=str(colours(Path(folder) / "colours")))
        yield Rig(open_provider("onnx", options, env={}), options=options)


@contextmanager
def fake() -> Iterator[Rig]:
    failing = ProviderError("scripted", provider="fake")
    script: list[ProviderError] = []
    endless = (script.pop() if script else None for _ in count())
    yield Rig(Fake(script=endless), fail_next=lambda: script.append(failing))


@contextmanager
def emulated(name: str) -> Iterator[Rig]:
    with running(reader=MadeUpReader()) as emulator:
        account = emulator.accounts[0]
        secrets = (account.key, account.secret_access_key)
        provider = open_provider(name, env=emulator.environment)
        yield Rig(provider, secrets, lambda: emulator.misbehave("status"), same_ids=False)


@contextmanager
def emulated_document_intelligence() -> Iterator[Rig]:
    with running(reader=MadeUpReader()) as emulator:
        env, key = emulator.environment, emulator.accounts[0].key
        provider = AzureDocumentIntelligence(
            endpoint=env["DOCUMENT_INTELLIGENCE_ENDPOINT"],
            key=env["DOCUMENT_INTELLIGENCE_KEY"],
            polling=Polling(sleep=lambda seconds: None),
        )
        yield Rig(provider, (key,), lambda: emulator.misbehave("status"), same_ids=False, unknown=Options(shrink=True))


RIGS = {
    "aws-rekognition": aws_rekognition,
    "azure-custom-vision": azure_custom_vision,
    "azure-document-intelligence": azure_document_intelligence,
    "azure-image-analysis": azure_image_analysis,
    "fake": fake,
    "local-ocr": local_ocr,
    "onnx": onnx,
    "emulated aws-rekognition": partial(emulated, "aws-rekognition"),
    "emulated azure-custom-vision": emulated_custom_vision,
    "emulated azure-document-intelligence": emulated_document_intelligence,
    "emulated azure-image-analysis": partial(emulated, "azure-image-analysis"),
}


@pytest.fixture(scope="module", params=sorted(RIGS))
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    with RIGS[request.param]() as made:
        yield made


@pytest.fixture(scope="module")
def raw(rig: Rig) -> Raw:
    return rig.provider.call(sign("NO ENTRY"))


def sign(text: str) -> Image:
    """Each text on a bright ground of its own, for those who see colours only."""
    red, green, blue, *_ = hashlib.sha256(text.encode()).digest()
    canvas = Pillow.new("RGB", (320, 240), (255 - red % 40, 255 - green % 40, 255 - blue % 40))
    ImageDraw.Draw(canvas).text((30, 90), text, fill="black", font=ImageFont.load_default(size=40))
    return images.load(np.asarray(canvas))


def test_it_is_a_provider_under_its_registry_name(rig: Rig) -> None:
    assert isinstance(rig.provider, Provider)
    module, _, name = PROVIDERS[rig.provider.name].partition(":")
    assert (type(rig.provider).__module__, type(rig.provider).__name__) == (module, name)


def test_a_call_gives_text_and_the_facts_of_the_call(raw: Raw) -> None:
    assert isinstance(raw.body, str)
    assert raw.status == 200
    assert (raw.width, raw.height) == (320, 240)
    assert raw.latency_s >= 0
    assert raw.received_at > 1_700_000_000


@pytest.mark.parametrize("rig", [name for name in RIGS if "document" in name], indirect=True)
def test_what_is_accepted_can_be_asked_for_as_often_as_wanted_and_from_anywhere(rig: Rig, raw: Raw) -> None:
    assert isinstance(rig.provider, LongRunning)
    accepted = rig.provider.submit(sign("NO ENTRY"))
    elsewhere = Pending.from_json(json.loads(json.dumps(accepted.to_json())))
    first, second = rig.provider.resume(accepted), rig.provider.resume(elsewhere)
    assert first.body == second.body
    assert rig.provider.parse(first).text == rig.provider.parse(raw).text
    assert (first.width, first.height, first.units) == (raw.width, raw.height, raw.units)
    assert accepted.expires_at > accepted.submitted_at
    assert not [secret for secret in rig.secrets if secret in json.dumps(accepted.to_json())]


def test_parse_is_repeatable(rig: Rig, raw: Raw) -> None:
    first = rig.provider.parse(raw)
    assert isinstance(first, Analysis)
    assert rig.provider.parse(raw) == first
    assert [part for part in (first.lines, first.labels, first.regions) if part is not None]
    assert (first.provenance or pytest.fail("no provenance")).provider == rig.provider.name


def test_a_raw_answer_that_was_stored_parses_the_same(rig: Rig, raw: Raw) -> None:
    stored = Raw.from_json(json.loads(json.dumps(raw.to_json())))
    assert stored == raw
    assert rig.provider.parse(stored) == rig.provider.parse(raw)


def test_parse_needs_no_credentials_and_no_environment(rig: Rig, raw: Raw) -> None:
    bare = open_provider(rig.provider.name, env={})
    assert bare.parse(raw) == rig.provider.parse(raw)


def test_a_result_survives_json(rig: Rig, raw: Raw) -> None:
    analysis = rig.provider.parse(raw)
    assert Analysis.from_json(json.loads(json.dumps(analysis.to_json()))) == analysis


def test_the_worst_cost_is_not_exceeded(rig: Rig, raw: Raw) -> None:
    worst, cost = rig.provider.worst_cost(sign("NO ENTRY")), rig.provider.cost(raw)
    assert isinstance(worst, int)
    assert isinstance(cost, int)
    assert 0 <= cost <= worst


def test_the_fingerprint_is_the_same_for_the_same_settings_and_for_every_key(rig: Rig) -> None:
    assert rig.provider.fingerprint
    real = rig.provider.fingerprint.removesuffix(" endpoint=loopback")  # the double's, which is kept apart
    assert open_provider(rig.provider.name, rig.options, env=rig.env).fingerprint in (real, rig.provider.fingerprint)


def test_no_secret_is_in_anything_that_is_shown_or_kept(rig: Rig, raw: Raw) -> None:
    shown = repr(rig.provider) + rig.provider.fingerprint + json.dumps(raw.to_json())
    assert not [secret for secret in rig.secrets if secret in shown]


def test_many_threads_each_get_the_answer_to_their_own_picture(rig: Rig) -> None:
    pictures = [sign(text) for text in ("NO ENTRY", "EXIT", "OPEN", "TAXI")]

    def essence(image: Image) -> tuple[str, object, str | None]:
        analysis = rig.provider.parse(rig.provider.call(image))
        request_id = analysis.provenance.request_id if analysis.provenance and rig.same_ids else None
        return analysis.text, analysis.labels, request_id

    alone = [essence(image) for image in pictures]
    assert len(set(alone)) == len(pictures)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(essence, pictures)) == alone


def test_a_failing_call_raises_one_of_our_errors(rig: Rig) -> None:
    if rig.fail_next is None:
        with pytest.raises(CloudVisionError):
            rig.provider.call(images.Remote("s3://bucket/key", bucket="bucket", key="key"))
        return
    rig.fail_next()
    with pytest.raises(ProviderError) as caught:
        rig.provider.call(sign("NO ENTRY"))
    assert caught.value.provider == rig.provider.name


@pytest.mark.parametrize("body", ["", "<html></html>", "5", "null", '{"cut', '"text"'])
def test_a_body_of_another_shape_is_unexpected_never_empty(rig: Rig, body: str) -> None:
    with pytest.raises(UnexpectedAnswerError):
        rig.provider.parse(Raw(body))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 503])
def test_an_error_answer_is_an_error_when_parsed(rig: Rig, status: int) -> None:
    with pytest.raises(ProviderError) as caught:
        rig.provider.parse(Raw("{}", status=status))
    assert not isinstance(caught.value, UnexpectedAnswerError)
    assert caught.value.status == status


def test_a_setting_it_does_not_have_is_refused_by_name(rig: Rig) -> None:
    with pytest.raises(ConfigError, match=f"{rig.provider.name} has no setting (pages|shrink)"):
        open_provider(rig.provider.name, rig.unknown, env={})


def test_every_registered_provider_runs_this_suite() -> None:
    assert set(PROVIDERS) == {name.removeprefix("emulated ") for name in RIGS}
