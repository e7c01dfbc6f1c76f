"""The adapter against the emulated Custom Vision: published iterations, quick tests, what is kept, what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cloudvision import images
from cloudvision.emulator import Emulator, running
from cloudvision.errors import ProviderError, RejectedError, SettingsRejectedError, ThrottledError
from cloudvision.images import Remote
from cloudvision.ledger import Ledger
from cloudvision.outcome import Analysed
from cloudvision.pipeline import Pipeline
from cloudvision.provider import Provider, open_provider
from cloudvision.providers._options import Options
from tests.command import Run, lines
from tests.custom_vision_clients import DETECTION, GREEN, RED, ColourTrainer, picture, published, training
from tests.emulation import MadeUpReader
from tests.loopback import serving

pytest.importorskip("azure.cognitiveservices.vision.customvision", reason="needs the extra azure")


@dataclass(frozen=True)
class Cloud:
    """An emulator that knows two published projects."""

    emulator: Emulator
    classifies: str
    detects: str

    def env(self, project: str) -> dict[str, str]:
        named = {"CUSTOM_VISION_PROJECT_ID": project, "CUSTOM_VISION_PUBLISHED_NAME": "v1.0.0"}
        return {**self.emulator.environment, **named}

    def classifier(self, options: Options = Options()) -> Provider:
        return open_provider("azure-custom-vision", options, env=self.env(self.classifies))

    def detector(self) -> Provider:
        return open_provider("azure-custom-vision", Options(features=("detect",)), env=self.env(self.detects))


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    with running(reader=MadeUpReader(), trainer=ColourTrainer(), allow_private_hosts=True) as emulator:
        classifies = published(emulator, "v1.0.0")
        detects = published(emulator, "v1.0.0", domain=DETECTION, project="colours with boxes")
        yield Cloud(emulator, classifies, detects)


def image(colour: tuple[int, int, int] = RED) -> images.Image:
    return images.load(picture(colour, 25, size=(80, 60)))


def refusal(provider: Provider) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        provider.call(image())
    return caught.value


def test_a_published_classifier_names_the_colour(cloud: Cloud) -> None:
    provider = cloud.classifier()
    raw = provider.call(image())
    labels = provider.parse(raw).labels
    assert labels is not None
    assert ("red", 3) == (labels[0].name, len(labels))
    assert (80, 60) == (raw.width, raw.height)


def test_a_published_detector_says_where(cloud: Cloud) -> None:
    provider = cloud.detector()
    regions = provider.parse(provider.call(image(GREEN))).regions
    assert regions is not None
    assert "green" == regions[0].name
    box = regions[0].box
    assert pytest.approx((0, 0, 0.5, 1)) == (box.left, box.top, box.width, box.height)


def test_a_url_is_fetched_by_the_service(cloud: Cloud) -> None:
    with serving(lambda request: request.answer(picture(RED))) as server:
        provider = cloud.classifier()
        labels = provider.parse(provider.call(Remote(server.url(), url=server.url()))).labels
        assert 1 == len(server.requests)
    assert labels is not None
    assert "red" == labels[0].name


def test_only_what_may_be_stored_is_stored(cloud: Cloud) -> None:
    from azure.cognitiveservices.vision.customvision.training.models import PredictionQueryToken

    def kept() -> int:
        return len(training(cloud.emulator).query_predictions(cloud.classifies, PredictionQueryToken()).results)

    before = kept()
    cloud.classifier().call(image())
    assert before == kept()
    cloud.classifier(Options(store=True)).call(image())
    assert before + 1 == kept()


def test_an_iteration_can_be_asked_by_its_id(cloud: Cloud) -> None:
    (iteration,) = training(cloud.emulator).get_iterations(cloud.classifies)
    provider = cloud.classifier(Options(model=iteration.id))
    analysis = provider.parse(provider.call(image()))
    assert "red" == (analysis.labels or ())[0].name
    assert analysis.provenance is not None
    assert iteration.id == analysis.provenance.model_version


@pytest.mark.parametrize(
    ("options", "project", "words"),
    [
        (Options(model="v9"), None, "no iteration is published"),
        (Options(), "00000000-0000-4000-8000-000000000000", "project's id right"),
        (Options(features=("detect",)), None, "features are classify or detect"),
    ],
)
def test_what_ends_a_run_says_what_to_do(cloud: Cloud, options: Options, project: str | None, words: str) -> None:
    provider = open_provider("azure-custom-vision", options, env=cloud.env(project or cloud.classifies))
    with pytest.raises(SettingsRejectedError, match=words):
        provider.call(image())


def test_a_picture_that_the_service_cannot_fetch_is_refused_alone(cloud: Cloud) -> None:
    with pytest.raises(RejectedError) as caught:
        cloud.classifier().call(Remote("http://127.0.0.1:1/a.png", url="http://127.0.0.1:1/a.png"))
    assert "BadRequestImageUrl" == caught.value.code
    assert not caught.value.fatal


def test_a_pipeline_pays_once_and_tells_the_same_as_the_bill(cloud: Cloud, tmp_path: Path) -> None:
    before = cloud.emulator.bill().total("custom-vision predictions")
    with Ledger(tmp_path / "a.db") as ledger:
        line = Pipeline(cloud.classifier(), ledger=ledger)
        outcomes = [line.run(picture(RED, number)) for number in (1, 2, 1)]
    told = [outcome.analysis.provenance for outcome in outcomes if isinstance(outcome, Analysed)]
    costs = [one.cost_usd for one in told if one is not None]
    assert [0.002, 0.002, 0.0] == costs
    assert before + 2 == cloud.emulator.bill().total("custom-vision predictions")


def test_an_account_of_the_free_tier_is_told_to_wait() -> None:
    with running(reader=MadeUpReader(), trainer=ColourTrainer(), tier="F0") as emulator:
        named = {
            "CUSTOM_VISION_PROJECT_ID": "00000000-0000-4000-8000-000000000000",
            "CUSTOM_VISION_PUBLISHED_NAME": "v",
        }
        provider = open_provider("azure-custom-vision", env={**emulator.environment, **named})
        kinds = {type(refusal(provider)) for _ in range(10)}
    assert {SettingsRejectedError, ThrottledError} == kinds


def test_the_command_line_asks_it_without_a_gate(cloud: Cloud, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("red.png").write_bytes(picture(RED))
    for name, value in cloud.env(cloud.classifies).items():
        monkeypatch.setenv(name, value)
    ask = ("red.png", "--provider", "azure-custom-vision", "--min-confidence", "0.5")
    assert 0 == run("doctor", "--provider", "azure-custom-vision")
    assert 0 == run("estimate", *ask)
    assert 0 == run("run", *ask, "-o", "out.jsonl")
    (told,) = lines("out.jsonl")
    assert (None, 0.002, 1) == (told["gate"], told["cost_usd"], len(told["analysis"]["labels"]))
