"""No secret and no byte of a picture gets into what people read or keep: logs, errors, reprs, ledger, output, report."""

from __future__ import annotations

import base64
import json
import logging
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cloudvision import images
from cloudvision.errors import AuthError, CloudVisionError
from cloudvision.fetch import Fetcher
from cloudvision.images import Remote
from cloudvision.ledger import Ledger
from cloudvision.outcome import Failed, to_json
from cloudvision.pipeline import Pipeline
from cloudvision.policy import Policy
from cloudvision.provider import Provider, open_provider
from cloudvision.providers._options import Options
from cloudvision.retry import RetryPolicy
from cloudvision.stop import StopSignal
from tests import image_analysis_double as azure
from tests import rekognition_double as aws
from tests.canaries import (
    AWS_TOKEN,
    BASIC,
    MARK,
    PICTURE,
    PIXELS,
    PROXY_PASSWORD,
    SIGNED,
    URL_PASSWORD,
    kept_in,
    leaked,
    pictures,
    signed_urls,
    told,
)
from tests.loopback import serving
from tests.pictures import png

# -- the command line --------------------------------------------------------------------------------------------------

DRIVER = """
import json, logging, sys
from cloudvision.cli import main

logging.getLogger("cloudvision").setLevel(logging.DEBUG)
codes = []
for arguments in json.loads(sys.argv[1]):
    sys.argv = ["cloudvision", *arguments]
    try:
        main()
    except SystemExit as ended:
        codes.append(ended.code or 0)
print(json.dumps(codes))
"""


def command_line(folder: Path, environment: dict[str, str], *commands: list[str]) -> tuple[list[int], list[object]]:
    """Run the commands in one fresh process; their exit codes, and everything that they wrote anywhere."""
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, json.dumps([["--verbose", *command] for command in commands])],
        cwd=folder,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), **environment},
        capture_output=True,
        timeout=60,
    )
    assert not done.returncode, done.stderr.decode()
    codes = json.loads(done.stdout.splitlines()[-1])
    return codes, [done.stdout, done.stderr, *kept_in(folder)]


def aws_environment(url: str) -> dict[str, str]:
    return {
        "AWS_REGION": aws.REGION,
        "AWS_ACCESS_KEY_ID": aws.KEY_ID,
        "AWS_SECRET_ACCESS_KEY": aws.SECRET,
        "AWS_SESSION_TOKEN": AWS_TOKEN,
        "AWS_ENDPOINT_URL_REKOGNITION": url,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def test_the_command_line_leaks_nothing_about_rekognition(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    for n in range(4):
        (tmp_path / "more" / f"{n}.png").write_bytes(png(n + 1) + PIXELS)
    data_url = "data:image/png;base64," + base64.b64encode(PICTURE).decode()
    common = ["--provider", "aws-rekognition", "--no-gate", "--workers", "1", "--allow-private-hosts", "--timeout", "1"]
    run = ["run", "-o", "out.jsonl", *common]
    with aws.rekognition_double() as double, serving(pictures) as server:
        double.script.extend(
            [
                aws.error("ThrottlingException", message=f"token {MARK[:3]}", retry_after="0"),
                aws.error("InternalServerError", status=500, retry_after="0"),
                aws.Reply(),
                aws.HANG,
                aws.Reply(),
                aws.error("InvalidImageFormatException"),
                aws.error("InvalidSignatureException", message=f"should have been: x-amz-security-token:{AWS_TOKEN} "),
            ]
        )
        codes, written = command_line(
            tmp_path,
            aws_environment(double.url),
            [*run, *signed_urls(server), data_url],
            ["run", "more", "-o", "out.csv", *common],
            ["report", "--html", "report.html"],
            ["report", "--json"],
        )
        assert [1, 2, 0, 0] == codes
        assert {AWS_TOKEN} == {request.headers["x-amz-security-token"] for request in double.requests}
        assert all(PIXELS in (request.picture or b"") for request in double.requests)
        assert any(f"sig={MARK}3" in request.line for request in server.requests)
    assert set() == leaked(*written)
    assert any(b"good.png?w=1&X-Amz-Signature=***" in text for text in written if isinstance(text, bytes))


def test_the_command_line_leaks_nothing_about_azure(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PICTURE)
    (tmp_path / "b.png").write_bytes(png(1) + PIXELS)
    common = ["--provider", "azure-image-analysis", "--no-gate", "--workers", "1", "--timeout", "1"]
    with azure.image_analysis_double() as double:
        double.answer(
            azure.error(429, "429", "slow down", retry_after="0"),
            azure.error(503, "503", f"see https://h/x?sig={MARK}", retry_after="0"),
        )
        good = {"VISION_ENDPOINT": double.url, "VISION_KEY": azure.KEY}
        codes, written = command_line(
            tmp_path, good, ["run", "a.png", "-o", "out.jsonl", *common], ["report", "--html", "report.html"]
        )
        assert [0, 0] == codes
        assert {azure.KEY} == {seen.headers["ocp-apim-subscription-key"] for seen in double.seen}
        wrong = {"VISION_ENDPOINT": double.url, "VISION_KEY": f"{MARK}wrong"}
        login = {"VISION_ENDPOINT": f"https://me:{URL_PASSWORD}@127.0.0.1", "VISION_KEY": f"{MARK}key"}
        for environment in (wrong, login):
            codes, more = command_line(tmp_path, environment, ["run", "b.png", *common])
            assert [2] == codes
            written += more
    assert set() == leaked(*written)


def test_verbose_logs_of_us_and_not_of_what_the_sdks_send(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PICTURE)
    with azure.image_analysis_double() as double, aws.rekognition_double() as other:
        environment = {"VISION_ENDPOINT": double.url, "VISION_KEY": azure.KEY, **aws_environment(other.url)}
        commands = [
            ["run", "a.png", "--no-gate", "--provider", name] for name in ("azure-image-analysis", "aws-rekognition")
        ]
        codes, written = command_line(tmp_path, environment, *commands)
    assert [0, 0] == codes
    stderr = written[1].decode()  # type: ignore[attr-defined]
    loggers = {line.split()[3].rstrip(":") for line in stderr.splitlines() if line.startswith("20")}
    assert loggers
    assert {"cloudvision"} == {name.split(".")[0] for name in loggers}


# -- the library -------------------------------------------------------------------------------------------------------


class NoWait(StopSignal):
    """Waits are over at once."""

    def sleep(self, seconds: float) -> None:
        """Return."""


@pytest.fixture
def fetcher() -> Iterator[Fetcher]:
    with Fetcher(allow_private_hosts=True, connect_timeout_s=0.3, read_timeout_s=2.0, env={}) as made:
        yield made


def pipeline(provider: Provider, ledger: Ledger, fetcher: Fetcher) -> Pipeline:
    run = ledger.begin_run("x", command="x", provider=provider.name)
    load = partial(images.load, fetcher=fetcher)
    retry = RetryPolicy(attempts=2, total_s=5.0)
    return Pipeline(
        provider,
        ledger=ledger,
        run_id=run.id,
        stop=NoWait(),
        load=load,
        policy=Policy(retry=retry),
        rng=random.Random(1),
    )


def outcomes(made: Pipeline, sources: list[Any]) -> list[object]:
    """What the sources come to, in every form it can be shown in; fatal errors included."""
    found: list[object] = []
    for position, source in enumerate(sources):
        try:
            outcome = made.run(source, position=position)
        except CloudVisionError as error:
            found += told(error)
            continue
        found += [repr(outcome), outcome, json.dumps(to_json(outcome, provider=made.provider.name))]
        if isinstance(outcome, Failed):
            found += told(outcome.error)
    return found


AWS_TROUBLE: tuple[aws.Reply | str, ...] = (
    aws.error("UnrecognizedClientException", message="no"),
    aws.error("InvalidSignatureException", message=f"x-amz-security-token:{AWS_TOKEN}"),
    aws.error("ThrottlingException"),
    aws.error("ServiceUnavailable", status=503),
    aws.HANG,
    aws.RESET,
    aws.Reply(promise=9999),
    aws.Reply(body=b"<html>", content_type="text/html"),
    aws.Reply(302, b"", headers=(("Location", f"http://127.0.0.1:1/{SIGNED}"),)),
    aws.error("InvalidImageFormatException"),
    aws.error("ImageTooLargeException"),
)


def test_the_library_leaks_nothing_about_rekognition(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, fetcher: Fetcher
) -> None:
    caplog.set_level(logging.DEBUG, logger="cloudvision")
    with aws.rekognition_double() as double, Ledger(tmp_path / "a.db") as ledger:
        settings = Options(timeout_s=0.3)
        provider = open_provider("aws-rekognition", settings, env=aws_environment(double.url))
        made = pipeline(provider, ledger, fetcher)
        written: list[object] = []
        for number, reply in enumerate(AWS_TROUBLE):
            double.script.extend([reply, reply])
            written += outcomes(made, [png(number) + PIXELS, Remote("s3://b/k", url=SIGNED, bucket="b", key="k")])
        written += [repr(made), repr(provider), repr(ledger), repr(fetcher), *kept_in(tmp_path)]
        assert (tmp_path / "a.db-wal").stat().st_size > 0  # an open ledger: its side file was looked at too
    assert set() == leaked(*written, caplog.text, [record.__dict__ for record in caplog.records])


def test_the_library_leaks_nothing_about_azure(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, fetcher: Fetcher
) -> None:
    caplog.set_level(logging.DEBUG, logger="cloudvision")
    with azure.image_analysis_double() as double, Ledger(tmp_path / "a.db") as ledger:
        written: list[object] = []
        for endpoint, key in (
            (double.url, azure.KEY),
            (double.url, f"{MARK}wrong"),
            (double.url, f"{MARK}\nwrong"),
            (f"http://me:{URL_PASSWORD}@127.0.0.1:1", azure.KEY),
            ("http://127.0.0.1:1", azure.KEY),
        ):
            environment = {"VISION_ENDPOINT": endpoint, "VISION_KEY": key}
            provider = open_provider("azure-image-analysis", Options(timeout_s=0.3), env=environment)
            made = pipeline(provider, ledger, fetcher)
            acts = ("hang", "reset", "cut") if key == azure.KEY and endpoint == double.url else ()
            for number, act in enumerate(acts):
                double.answer(azure.Reply(act=act, body="x" * 50), azure.Reply(302, headers={"Location": SIGNED}))
                written += outcomes(made, [png(number) + PIXELS])
            signed = Remote("https://h/a.png", url=f"https://h/a.png{SIGNED}")
            written += [*outcomes(made, [PICTURE, signed]), repr(made), repr(provider), repr(signed)]
        written += kept_in(tmp_path)
    assert set() == leaked(*written, caplog.text, [record.__dict__ for record in caplog.records])


def test_downloads_leak_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture, fetcher: Fetcher) -> None:
    # Of other people's loggers, warnings are what is shown by default.
    caplog.set_level(logging.DEBUG, logger="cloudvision")
    with serving(pictures) as server, Ledger(tmp_path / "a.db") as ledger:
        made = pipeline(open_provider("fake"), ledger, fetcher)
        start = f"//me:{URL_PASSWORD}@127.0.0.1:"
        hopeless = [
            f"{scheme}:{start}{port}/{SIGNED}" for scheme in ("http", "https", "ftp") for port in (1, server.port)
        ]
        written = outcomes(made, [*signed_urls(server), *hopeless, f"http://me:{MARK}@999.9.9.9/{SIGNED}"])
        proxied = Fetcher(allow_private_hosts=True, env={"HTTP_PROXY": f"http://me:{PROXY_PASSWORD}@127.0.0.1:1"})
        broken = Fetcher(allow_private_hosts=True, env={"HTTP_PROXY": f"http://me:{PROXY_PASSWORD}@[::1:x"})
        for other in (proxied, broken):
            written += outcomes(pipeline(open_provider("fake"), ledger, other), signed_urls(server)[:1])
        written += kept_in(tmp_path)
        assert any(BASIC in request.headers.get("authorization", "") for request in server.requests)
    assert set() == leaked(*written, caplog.text, [record.__dict__ for record in caplog.records])


# -- whether the search can find anything ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "plant",
    [
        lambda ledger: ledger.begin_run("x", command=f"http://h/{SIGNED}", provider="fake"),
        lambda ledger: ledger.begin_run("x", command=base64.b64encode(b"12" + PICTURE).decode(), provider="fake"),
        lambda ledger: ledger.begin_run("x", command=aws.SECRET, provider="fake"),
    ],
)
def test_a_planted_secret_is_found(tmp_path: Path, plant: Callable[[Ledger], object]) -> None:
    with Ledger(tmp_path / "a.db") as ledger:
        plant(ledger)
    assert leaked(*kept_in(tmp_path))
    assert leaked(*told(AuthError(f"wrong key {azure.KEY}", provider="fake")))
