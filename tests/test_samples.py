"""Every sample runs as it stands."""

from __future__ import annotations

import functools
import http.server
import importlib.util
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from cloudvision.emulator import running
from tests import document_double as documents
from tests.document_files import document
from tests.emulation import MadeUpReader
from tests.rekognition_double import KEY_ID, REGION, SECRET, Reply, rekognition_double

SAMPLES = Path(__file__).parents[1] / "samples"
IMAGES = SAMPLES / "images"


def sample(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, SAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def web() -> Iterator[str]:
    """The sample pictures on a web server on loopback."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

    handler = functools.partial(Quiet, directory=str(IMAGES))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_one_image_is_judged_and_read(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("rapidocr", reason="needs the extra local")
    sample("one_image").main(str(IMAGES / "slide.png"))
    out = capsys.readouterr().out
    assert "1120x630 PNG" in out
    assert "Quarterly energy report" in out


def test_a_url_list_is_gone_through(
    web: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("rapidocr", reason="needs the extra local")
    monkeypatch.chdir(tmp_path)
    Path("list.txt").write_text(f"{web}/clouds.jpg\n{web}/library_card.webp\n{web}/missing.jpg\n")
    sample("url_list").main("list.txt", "out.jsonl", allow_private_hosts=True)
    outcomes = [json.loads(line)["outcome"] for line in Path("out.jsonl").read_text().splitlines()]
    assert ["skipped", "analysed", "failed"] == outcomes
    assert "CITY LIBRARY" in capsys.readouterr().out


def test_the_gate_saves_calls_of_somebody_elses_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("boto3", reason="needs the extra aws")
    line = {"DetectedText": "HARBOUR BAKERY", "Type": "LINE", "Id": 0}
    with rekognition_double() as double:
        double.reply = Reply(body=json.dumps({"TextDetections": [line]}).encode())
        monkeypatch.setenv("AWS_ENDPOINT_URL_REKOGNITION", double.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY_ID)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
        sample("gate_before_rekognition").main([str(IMAGES / "clouds.jpg"), str(IMAGES / "shop_sign.jpg")])
        assert 1 == len(double.requests)
    out = capsys.readouterr().out
    assert "shop_sign.jpg: HARBOUR BAKERY" in out
    assert "1 of 2 calls made, 0.001 USD saved" in out


def test_invoices_become_a_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("azure.ai.formrecognizer", reason="needs the extra azure")
    fields = {
        "VendorName": {"type": "string", "valueString": "CONTOSO LTD."},
        "InvoiceTotal": {"type": "currency", "valueCurrency": {"amount": 110, "currencyCode": "EUR"}},
    }
    told = documents.result("an invoice") | {"documents": [{"docType": "invoice", "fields": fields}]}
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.pdf").write_bytes(document("an invoice"))
    (tmp_path / "in" / "b.txt").write_text("no invoice")
    monkeypatch.chdir(tmp_path)
    with documents.document_double() as double:
        double.answer_polls(documents.Reply(200, {"status": "succeeded", "analyzeResult": told}))
        monkeypatch.setenv("DOCUMENT_INTELLIGENCE_ENDPOINT", double.url)
        monkeypatch.setenv("DOCUMENT_INTELLIGENCE_KEY", documents.KEY)
        for _ in range(2):
            sample("invoices").main("in", stop=documents.Patient(documents.Watch()))
        assert 1 == len(double.posts)
    out, err = capsys.readouterr()
    assert ["in/a.pdf,CONTOSO LTD.,,,110.00 EUR,0.01", "in/a.pdf,CONTOSO LTD.,,,110.00 EUR,0.0"] == [
        line for line in out.splitlines() if line.startswith("in/")
    ]
    assert 2 == err.count("in/b.txt: not a picture")


def test_a_provider_of_ones_own_runs_through_the_pipeline(capsys: pytest.CaptureFixture[str]) -> None:
    sample("own_provider").main([str(IMAGES / "slide.png"), str(IMAGES / "lights.jpg")])
    out = capsys.readouterr().out.splitlines()
    assert ["bright", "dark"] == [line.split()[0] for line in out]


def test_a_pipeline_moves_from_the_cloud_to_this_machine_by_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("azure.cognitiveservices.vision.customvision", reason="needs the extra azure")
    from tests.custom_vision_clients import BLUE, GREEN, RED, ColourTrainer, picture, published
    from tests.custom_vision_exports import FULL_BGR, classifier, write_export

    paths = [str(tmp_path / f"{number}.png") for number in range(3)]
    for path, colour in zip(paths, (RED, GREEN, BLUE), strict=True):
        Path(path).write_bytes(picture(colour, 20))
    monkeypatch.setenv("ONNX_MODEL", str(write_export(tmp_path / "export", classifier(named=True, metadata=FULL_BGR))))
    with running(reader=MadeUpReader(), trainer=ColourTrainer()) as emulator:
        for name, value in emulator.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("CUSTOM_VISION_PROJECT_ID", published(emulator, "v1.0.0"))
        monkeypatch.setenv("CUSTOM_VISION_PUBLISHED_NAME", "v1.0.0")
        sample("cloud_to_local").main(["azure-custom-vision", "onnx"], paths)
    out = capsys.readouterr().out.splitlines()
    assert ["red", "green", "blue"] * 2 == [line.split()[-1] for line in out[:-1]]
    assert "azure-custom-vision and onnx agree on 3 of 3 pictures" == out[-1]


@pytest.mark.parametrize(("name", "label"), [("raccoon", "raccoon"), ("fork_scissors", "scissors")])
def test_a_detector_is_trained_on_boxes(
    name: str, label: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """That it learns is tested elsewhere; here few batches show that the sample runs on data that it draws."""
    pytest.importorskip("torch", reason="torch is not installed: pip install 'cloudvision-gate[train]'")
    pytest.importorskip("onnx", reason="onnx is not installed: pip install 'cloudvision-gate[train]'")
    from cloudvision.models import Model
    from cloudvision.training.detect import DetectorSettings
    from cloudvision.training.detect_fit import DetectorRecipe
    from cloudvision.training.detect_network import DetectorShape
    from cloudvision.training.network import Shape

    monkeypatch.chdir(tmp_path)
    shape = DetectorShape(trunk=Shape(widths=(8, 8, 8, 8, 8), depths=(1, 1, 1, 1)), width=8)
    recipe = DetectorRecipe(side=64, steps=2, batch=2, looks=1)
    sample(name).main(out="model", settings=DetectorSettings(quantise=False, shape=shape, recipe=recipe))
    assert "model: mAP@0.5" in capsys.readouterr().out
    assert label in Model.open("model").labels
