"""The emulator: requests a second with a made-up engine, time to the first answer, and a run whose two bills agree.

    python benchmarks/emulator.py speed
    python benchmarks/emulator.py start
    python benchmarks/emulator.py run CORPUS --images 300

`speed` has the server in a process of its own and eight connections from this one, and measures a bare Starlette
application on the same server in the same run. `run` sends a sample of a corpus through `cloudvision run --gate`, and
compares what the emulator billed with what the ledger says.
"""

from __future__ import annotations

import argparse
import base64
import csv
import io
import itertools
import json
import os
import random
import re
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from PIL import Image

from cloudvision.emulator import running
from cloudvision.geometry import Box, Polygon
from cloudvision.results import Line, Word

UNIT = "rekognition DetectText images"
VARIANTS = 1000
CLI = [sys.executable, "-c", "from cloudvision.cli import main; main()"]


class Fixed:
    """Five lines of three words, whatever the picture."""

    def read(self, _pixels: np.ndarray, /) -> tuple[Line, ...]:
        place = Polygon.of_box(Box(0.1, 0.1, 0.2, 0.05))
        words = tuple(Word(text, 0.99, place) for text in ("three", "short", "words"))
        return tuple(Line("three short words", 0.99, place, words) for _ in range(5))


def serve() -> None:
    """The server of `speed`: its facts as one line of JSON, then until stdin is closed."""
    import asyncio

    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    from cloudvision._web import listening, serving
    from cloudvision.emulator.wire import Protocol

    async def hello(request: Request) -> PlainTextResponse:
        await request.body()
        return PlainTextResponse("hello")

    bare = Starlette(routes=[Route("/", hello, methods=["POST"])])
    with (
        running(reader=Fixed()) as emulator,
        listening("127.0.0.1", 0) as listener,
        serving(bare, listener, protocol=Protocol, stopping=asyncio.Event()),
    ):
        facts = {"url": emulator.url, "bare": f"http://127.0.0.1:{listener.getsockname()[1]}", **emulator.environment}
        print(json.dumps(facts), flush=True)
        sys.stdin.read()


def signed(url: str, facts: dict[str, str], picture: bytes) -> bytes:
    """A DetectText request as boto3 signs it, ready for the wire."""
    body = json.dumps({"Image": {"Bytes": base64.b64encode(picture).decode()}}).encode()
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "RekognitionService.DetectText"}
    request = AWSRequest("POST", f"{url}/", data=body, headers=headers)
    credentials = Credentials(facts["AWS_ACCESS_KEY_ID"], facts["AWS_SECRET_ACCESS_KEY"])
    SigV4Auth(credentials, "rekognition", facts["AWS_REGION"]).add_auth(request)
    lines = [f"{name}: {value}" for name, value in request.headers.items()]
    head = "\r\n".join(
        ["POST / HTTP/1.1", f"host: {url.removeprefix('http://')}", *lines, f"content-length: {len(body)}"]
    )
    return head.encode() + b"\r\n\r\n" + body


def rate(url: str, requests: list[bytes], *, seconds: float, connections: int = 8) -> float:
    """Answers of status 200 a second, to these requests in turn."""
    turns = itertools.cycle(requests)
    host, _, port = url.removeprefix("http://").partition(":")
    counts, until = [0] * connections, time.perf_counter() + seconds

    def ask(number: int) -> None:
        with socket.create_connection((host, int(port))) as wire, wire.makefile("rb") as answers:
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while time.perf_counter() < until:
                wire.sendall(next(turns))
                status, length = answers.readline(), 0
                while (row := answers.readline()) != b"\r\n":
                    if row.lower().startswith(b"content-length:"):
                        length = int(row.split(b":")[1])
                answer = answers.read(length)
                assert b" 200 " in status, (status, answer)
                counts[number] += 1

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(connections)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - began)


def pictures() -> dict[str, list[bytes]]:
    """More of each kind than the emulator remembers, so that each one is worked on."""
    noise = np.random.default_rng(0).integers(0, 255, (75, 100, 3), dtype=np.uint8)
    photo = Image.fromarray(noise).resize((1024, 768), Image.Resampling.BICUBIC)
    small = [saved(Image.new("RGB", (100, 100), (number % 256, number // 256, 0)), "PNG") for number in range(VARIANTS)]
    large = saved(photo, "JPEG")
    # A comment after the first two bytes.
    photos = [large[:2] + b"\xff\xfe\x00\x06" + f"{number:04}".encode() + large[2:] for number in range(VARIANTS)]
    return {"100 x 100 PNG, 0.1 kB": small, f"1024 x 768 JPEG, {len(large) / 1000:.0f} kB": photos}


def saved(picture: Image.Image, format: str) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, format)
    return stream.getvalue()


def speed(seconds: float) -> None:
    with subprocess.Popen([sys.executable, __file__, "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        facts = json.loads(server.stdout.readline())
        for name, sent in pictures().items():
            asking, hello = ([signed(facts[where], facts, picture) for picture in sent] for where in ("url", "bare"))
            rate(facts["url"], asking, seconds=0.5)
            began, asked = cpu_s(server.pid), 300
            for request in asking[:asked]:
                once(facts["url"], request, expected=b"three short words")
            print(f"{name}: {(cpu_s(server.pid) - began) / asked * 1000:.2f} ms of the server's CPU for a DetectText")
            for _ in range(3):
                ours, bare = (rate(facts[w], r, seconds=seconds) for w, r in (("url", asking), ("bare", hello)))
                print(
                    f"{name}: {ours:.0f} DetectText/s, bare Starlette with the same body {bare:.0f}/s, ratio {ours / bare:.2f}"
                )
        print(f"load average {os.getloadavg()[0]:.1f}")
        server.stdin.close()


@contextmanager
def emulating() -> Iterator[tuple[dict[str, str], subprocess.Popen[str]]]:
    """`cloudvision emulate`, and the environment that it prints."""
    with subprocess.Popen(
        [*CLI, "emulate", "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        process.stderr.readline()  # "listening on ..." comes after the whole environment
        os.set_blocking(process.stdout.fileno(), False)
        printed = process.stdout.read()
        yield dict(re.findall(r"export (\w+)=(\S+)", printed)), process
        process.terminate()


def start() -> None:
    picture = (Path(__file__).parents[1] / "samples/images/shop_sign.jpg").read_bytes()
    for _ in range(3):
        began = time.perf_counter()
        with emulating() as (environment, _process):
            up = time.perf_counter() - began
            url = environment["AWS_ENDPOINT_URL_REKOGNITION"]
            with urllib.request.urlopen(f"{url}/health") as answer:
                state = json.loads(answer.read())["engine"]
            healthy = time.perf_counter() - began
            once(url, signed(url, environment, picture), expected=b"HARBOUR BAKERY")
            first = time.perf_counter() - began
        print(
            f"listening after {up:.2f} s, health ({state}) after {healthy:.2f} s, first DetectText after {first:.2f} s"
        )
    print(f"load average {os.getloadavg()[0]:.1f}")


def cpu_s(process: int) -> float:
    """Seconds of CPU that a process has used so far (Linux)."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def once(url: str, request: bytes, *, expected: bytes) -> None:
    host, _, port = url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as wire:
        wire.sendall(request)
        heard = b""
        while expected not in heard:
            chunk = wire.recv(65536)
            assert chunk, heard
            heard += chunk


def run(corpus: Path, images: int) -> None:
    with (corpus / "manifest.csv").open() as stream:
        files = [(corpus / row["file"]).resolve() for row in csv.DictReader(stream)]
    sample = random.Random(7).sample(files, images)
    with tempfile.TemporaryDirectory() as folder, emulating() as (environment, _process):
        (Path(folder) / "list.txt").write_text("".join(f"{file}\n" for file in sample))
        arguments = "run @list.txt --provider aws-rekognition --gate --workers 4 -o out.jsonl --ledger run.db"
        began = time.perf_counter()
        done = subprocess.run([*CLI, *arguments.split()], cwd=folder, env={**os.environ, **environment}, check=False)
        took = time.perf_counter() - began
        with urllib.request.urlopen(f"{environment['VISION_ENDPOINT']}/emulator/bill") as answer:
            bill = json.loads(answer.read())
        with sqlite3.connect(Path(folder) / "run.db") as db:
            states = dict(db.execute("SELECT state, count(*) FROM attempts GROUP BY state"))
            micros = db.execute("SELECT sum(cost) FROM attempts").fetchone()[0]
        lines = [json.loads(line) for line in (Path(folder) / "out.jsonl").read_text().splitlines()]
    billed = bill["units"]["emulator"][UNIT]
    outcomes = {name: sum(line["outcome"] == name for line in lines) for name in ("analysed", "skipped", "failed")}
    print(f"exit code {done.returncode}, {took:.1f} s, {outcomes}, attempts {states}, requests {bill['requests']}")
    print(
        f"billed by the emulator: {billed} images; in the ledger: {micros} micros = {micros / 1000:g} images at list price"
    )
    assert billed * 1000 == micros
    assert [str(file) for file in sample] == [line["source"] for line in lines]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["speed", "start", "run", "serve"])
    parser.add_argument("corpus", type=Path, nargs="?")
    parser.add_argument("--images", type=int, default=300)
    parser.add_argument("--seconds", type=float, default=4.0)
    given = parser.parse_args()
    match given.what:
        case "speed":
            speed(given.seconds)
        case "start":
            start()
        case "run":
            run(given.corpus, given.images)
        case _:
            serve()


if __name__ == "__main__":
    main()
