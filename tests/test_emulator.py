"""The emulator as a server: health, environment, bill, placed answers, quotas and tiers, the command."""

from __future__ import annotations

import hashlib
import json
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from cloudvision.emulator import Emulator, running
from cloudvision.errors import AuthError, ConfigError, RejectedError, ThrottledError
from cloudvision.images import load
from cloudvision.provider import open_provider
from tests.emulation import MadeUpReader, image_analysis, line, plain, rekognition

pytest.importorskip("boto3", reason="needs the extra aws")
pytest.importorskip("azure.ai.vision.imageanalysis", reason="needs the extra azure")

ROOT = Path(__file__).parents[1]
SIGN = "rekognition DetectText images"


def web(emulator: Emulator, path: str, *, method: str = "GET", body: object = None) -> tuple[int, Any]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(emulator.url + path, data=data, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
            return answer.status, json.loads(text) if text else None
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def test_the_health_page_says_what_is_served_and_whether_the_engine_is_there(cloudvision_emulator: Emulator) -> None:
    status, health = web(cloudvision_emulator, "/health")
    assert (200, "ok", "ready") == (status, health["status"], health["engine"])
    assert {"rekognition", "image-analysis"} <= set(health["services"])


def test_everything_else_is_not_found_as_azure_says_it(cloudvision_emulator: Emulator) -> None:
    missing = {"error": {"code": "404", "message": "Resource not found"}}
    assert (404, missing) == web(cloudvision_emulator, "/vision/v3.2/analyze")


def test_it_serves_every_name_of_the_example(cloudvision_emulator: Emulator) -> None:
    example = (ROOT / ".env.example").read_text()
    names = [row.removeprefix("# ").partition("=")[0] for row in example.splitlines() if "=" in row]
    elsewhere = {"AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "HTTPS_PROXY", "NO_PROXY"}
    # A model is named by the one who trained it.
    elsewhere |= {"CUSTOM_VISION_PROJECT_ID", "CUSTOM_VISION_PUBLISHED_NAME", "ONNX_MODEL"}
    wanted = {name for name in names if name.isupper()} - elsewhere
    assert not wanted - set(cloudvision_emulator.environment)


def test_keys_stay_the_same_from_start_to_start(cloudvision_emulator: Emulator) -> None:
    with running(reader=MadeUpReader(), accounts=("emulator", "other")) as again:
        same = {"VISION_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
        mine, theirs = cloudvision_emulator.environment, again.environment
        assert {name: mine[name] for name in same} == {name: theirs[name] for name in same}
        assert not same & dict(again.environment_of(again.accounts[1]).items() & mine.items()).keys()
        assert again.url != cloudvision_emulator.url
    assert mine["VISION_KEY"] not in repr(again.accounts)


def test_identifiers_are_the_same_for_the_same_seed() -> None:
    def first_id() -> str:
        with running(reader=MadeUpReader(), seed=5) as emulator:
            raw = open_provider("azure-image-analysis", env=emulator.environment).call(load(plain()))
        return dict(raw.headers)["apim-request-id"]

    assert first_id() == first_id()


def test_the_bill_counts_what_was_answered_for_each_account() -> None:
    with running(reader=MadeUpReader(), accounts=("first", "second")) as emulator:
        for account, calls in zip(emulator.accounts, (1, 2), strict=True):
            provider = open_provider("aws-rekognition", env=emulator.environment_of(account))
            for _ in range(calls):
                provider.call(load(plain()))
        with pytest.raises(AuthError):
            open_provider("azure-image-analysis", env={**emulator.environment, "VISION_KEY": "0" * 32}).call(
                load(plain())
            )
        image_analysis(emulator).analyze(plain(), ["read", "smartCrops"])  # type: ignore[list-item]
        status, bill = web(emulator, "/emulator/bill")
        assert 200 == status
        features = {"image-analysis text transactions": 1, "image-analysis visual transactions": 1}
        assert {"first": {SIGN: 1, **features}, "second": {SIGN: 2}} == bill["units"] == emulator.bill().units
        assert {"image-analysis Analyze 401": 1} == bill["requests"]["(unknown)"]
        assert 3 == emulator.bill().total(SIGN)
        web(emulator, "/emulator/bill", method="DELETE")
        assert {} == emulator.bill().units


def test_a_placed_answer_is_given_for_its_picture_alone(
    cloudvision_emulator: Emulator, reader: MadeUpReader, tmp_path: Path
) -> None:
    reader.lines = (line(("read", 0.1, 0.1, 0.2, 0.1)),)
    placed = {"TextDetections": [{"DetectedText": "PLACED", "Type": "LINE", "Id": 0}]}
    file = tmp_path / "picture.png"
    file.write_bytes(plain(101))
    cloudvision_emulator.place(plain(100), placed, service="rekognition")
    cloudvision_emulator.place(file, placed, service="rekognition")
    cloudvision_emulator.place(hashlib.sha256(plain(102)).hexdigest(), placed, service="rekognition")
    client = rekognition(cloudvision_emulator)

    def text(width: int) -> str:
        found = client.detect_text(Image={"Bytes": plain(width)})["TextDetections"]
        return str(found[0]["DetectedText"])

    assert ["PLACED", "PLACED", "PLACED", "read"] == [text(width) for width in (100, 101, 102, 103)]
    assert 4 == cloudvision_emulator.bill().total(SIGN)


@pytest.mark.parametrize(
    ("service", "file"),
    [
        ("rekognition", "rekognition/rek_awsdocs_its_monday.json"),
        ("image-analysis", "image_analysis/ia_rec_all_features_from_file.json"),
    ],
)
def test_a_saved_answer_comes_back_as_it_was(
    cloudvision_emulator: Emulator, shared: Path, service: str, file: str
) -> None:
    saved = json.loads((shared / "conformance" / file).read_text(encoding="utf-8"))
    cloudvision_emulator.place(plain(), saved, service=service)
    name = {"rekognition": "aws-rekognition", "image-analysis": "azure-image-analysis"}[service]
    raw = open_provider(name, env=cloudvision_emulator.environment).call(load(plain()))
    assert saved["body"] == json.loads(raw.body)


def test_a_placed_refusal_is_not_billed(cloudvision_emulator: Emulator) -> None:
    refusal = {"status": 400, "headers": {"x-own": "1"}, "body": {"error": {"code": "InvalidRequest", "message": "no"}}}
    cloudvision_emulator.place(plain(), refusal, service="image-analysis")
    with pytest.raises(RejectedError, match="no"):
        open_provider("azure-image-analysis", env=cloudvision_emulator.environment).call(load(plain()))
    assert {} == cloudvision_emulator.bill().units


def test_answers_and_faults_can_be_placed_over_http_and_from_a_folder(
    cloudvision_emulator: Emulator, tmp_path: Path
) -> None:
    digest = hashlib.sha256(plain()).hexdigest()
    assert 204 == web(cloudvision_emulator, f"/emulator/answers/rekognition/{digest}", method="PUT", body={"A": 1})[0]
    client = rekognition(cloudvision_emulator)
    assert not client.detect_text(Image={"Bytes": plain()}).get("TextDetections")
    web(cloudvision_emulator, "/emulator/answers", method="DELETE")
    assert client.detect_text(Image={"Bytes": plain()})["TextDetections"]
    (tmp_path / "rekognition").mkdir()
    (tmp_path / "rekognition" / f"{digest}.json").write_text('{"TextDetections": []}')
    assert 1 == cloudvision_emulator.place_folder(tmp_path)
    assert [] == client.detect_text(Image={"Bytes": plain()})["TextDetections"]
    (tmp_path / "rekognition").rename(tmp_path / "recognition")
    with pytest.raises(ConfigError, match="unknown service 'recognition'"):
        cloudvision_emulator.place_folder(tmp_path)
    assert 400 == web(cloudvision_emulator, f"/emulator/answers/recognition/{digest}", method="PUT", body={})[0]
    script = {"script": [{"fault": "status"}]}
    assert 204 == web(cloudvision_emulator, "/emulator/faults", method="PUT", body=script)[0]
    with pytest.raises(client.exceptions.InternalServerError):
        client.detect_text(Image={"Bytes": plain()})
    status, complaint = web(cloudvision_emulator, "/emulator/faults", method="PUT", body={"script": [{"fault": "x"}]})
    assert 400 == status
    assert "unknown fault" in complaint["error"]


def test_quotas_hold_for_each_account_by_second_and_minute() -> None:
    now = [1000.0]
    with running(reader=MadeUpReader(), accounts=("first", "second"), clock=lambda: now[0]) as emulator:
        emulator.limit(per_second=2, per_minute=3, retry_after="seconds")
        first, second = (
            open_provider("azure-image-analysis", env=emulator.environment_of(account)) for account in emulator.accounts
        )
        image = load(plain())

        def waits() -> float | None:
            with pytest.raises(ThrottledError) as caught:
                first.call(image)
            return caught.value.retry_after

        first.call(image)
        first.call(image)
        assert 1 == waits()
        second.call(image)
        now[0] += 1.0
        first.call(image)
        assert 59 == waits()
        now[0] += 59.0
        first.call(image)


def test_the_free_tier_allows_twenty_calls_a_minute() -> None:
    with running(reader=MadeUpReader(), tier="F0", clock=lambda: 0.0) as emulator:
        provider = open_provider("azure-image-analysis", env=emulator.environment)
        image = load(plain())
        for _ in range(20):
            provider.call(image)
        with pytest.raises(ThrottledError) as caught:
            provider.call(image)
        assert 60 == caught.value.retry_after


def test_what_cannot_be_started_is_said_before_anything_runs() -> None:
    with pytest.raises(ConfigError, match="unknown tier 'P9'; known: F0, S0, S1"), running(tier="P9"):
        pass
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"cannot listen on 127.0.0.1:{port}"), running(port=port):
            pass


def test_without_its_extra_it_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['starlette'] = None\n"
        "import cloudvision.emulator as e\n"
        "try:\n    with e.running(): pass\nexcept e.start.ConfigError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert "pip install 'cloudvision-gate[emulator]'" in done.stdout


def test_the_plugin_imports_nothing_of_cloudvision_until_it_is_used() -> None:
    code = "import sys, pytest_cloudvision; print([name for name in sys.modules if name.startswith('cloudvision')])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, timeout=60
    )
    assert "[]" == done.stdout.strip()


def test_the_command_prints_the_environment_and_stops_cleanly(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from cloudvision.cli import main; main()", "emulate", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        rows = [process.stdout.readline().removeprefix("export ").strip() for _ in range(3)]
        said = [process.stderr.readline() for _ in range(3)]
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
        assert 0 == process.wait(60), process.stderr.read()
    printed = dict(row.split("=", 1) for row in [*rows, *rest.replace("export ", "").split()])
    assert printed["VISION_ENDPOINT"].startswith("http://127.0.0.1:")
    assert printed["AWS_ENDPOINT_URL_REKOGNITION"] == printed["VISION_ENDPOINT"]
    assert f"listening on {printed['VISION_ENDPOINT']}, health at" in said[0]
    assert "loading the text recognition" in said[2]


def test_a_picture_is_read_once(cloudvision_emulator: Emulator, reader: MadeUpReader) -> None:
    client = rekognition(cloudvision_emulator)
    reader.lines = (line(("first", 0.1, 0.1, 0.2, 0.1)),)
    first = client.detect_text(Image={"Bytes": plain()})["TextDetections"]
    reader.lines = ()
    assert first == client.detect_text(Image={"Bytes": plain()})["TextDetections"]
    assert [] == client.detect_text(Image={"Bytes": plain(101)})["TextDetections"]
    answer = image_analysis(cloudvision_emulator).analyze(plain(), ["read"])  # type: ignore[list-item]
    assert answer.read is not None
    assert "first" == answer.read.blocks[0].lines[0].text
    assert 3 == cloudvision_emulator.bill().total(SIGN)
    cloudvision_emulator.reset()
    assert [] == client.detect_text(Image={"Bytes": plain()})["TextDetections"]
