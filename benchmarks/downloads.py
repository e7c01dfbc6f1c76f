"""Download and judge 5,000 URLs, beside img2dataset, which downloads and resizes them.

    python -m venv /tmp/i2d && /tmp/i2d/bin/pip install img2dataset
    python benchmarks/downloads.py ../shared/corpus --img2dataset /tmp/i2d/bin/python

A web server on loopback (`picture_server.py`, a process of its own) gives the pictures of the corpus to both. Ours goes
through the pipeline with eight threads, the default: guarded download (the address check is on: host names resolve to a
public address through an injected resolver, and an injected connector takes the connection to the server), load, ledger,
gate. "download and gate" stops there (`Pipeline.look_ahead`); "whole line" is `run_many`, where provider `fake` also
answers for every picture that is worth a call, and the ledger (in memory) books each of these. img2dataset runs in an
environment of its own with its defaults (one process of 256 threads, resizing to 256 pixels, JPEG files), and once more
with the size that the gate looks at, 480 pixels, and nothing else changed.

Each round runs all of them, in processes of their own, one after the other. Time counts from the call, with everything
imported: opening the gate is in ours, starting its workers in theirs. As those take img2dataset seconds that a longer list
would not notice, the rate without them ("steady"), which it measures itself, is compared too. CPU time is that of the
whole process, imports included: on a busy machine it says more than the clock.
"""

from __future__ import annotations

import argparse
import csv
import functools
import json
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cloudvision
from cloudvision import images
from cloudvision.providers.fake import Fake

PUBLIC = "93.184.215.14"  # never connected to: the connector below goes to the server instead
SIZES = (256, 480)
"""Pixels that img2dataset resizes to: its default, and the longer side that the gate looks at."""

BESIDE = """
import json, sys, time, img2dataset
start = time.perf_counter()
img2dataset.download(url_list=sys.argv[1], output_folder=sys.argv[2], image_size=int(sys.argv[3]))
print("\\n" + json.dumps({"seconds": time.perf_counter() - start}))
"""


@dataclass(frozen=True, slots=True)
class Measured:
    rate: float
    """Pictures a second, from the call to its end."""

    steady: float
    """The same without the start of workers."""

    cpu_ms: float
    """A picture, user and system, imports included."""

    what: str


def look(files: Sequence[str], port: int, workers: int, *, gate_name: str, whole: bool) -> None:
    """Our side; prints what it took as JSON."""

    def connect(_address: tuple[str, int], timeout: float) -> socket.socket:
        return socket.create_connection(("127.0.0.1", port), timeout)

    def resolve(_host: str, _port: int) -> list[str]:
        return [PUBLIC]

    urls = [f"http://pictures.example/{file}" for file in files]
    start = time.perf_counter()
    gate = cloudvision.Gate.load(gate_name)
    opened = time.perf_counter()
    with cloudvision.Fetcher(resolver=resolve, connector=connect, env={}) as fetcher:
        load = functools.partial(images.load, fetcher=fetcher)
        pipeline = cloudvision.Pipeline(Fake(), gate=gate, load=load)
        if whole:
            outcomes = cloudvision.run_many(pipeline, urls, workers=workers, order="done")
            counted = Counter(type(outcome).__name__ for outcome in outcomes)
        else:
            with ThreadPoolExecutor(workers) as threads:
                ahead = threads.map(lambda url: pipeline.look_ahead(url).called, urls)
                counted = Counter("worth a call" if called else "skip" for called in ahead)
    end = time.perf_counter()
    print(json.dumps({"seconds": end - start, "steady": end - opened, "outcomes": counted}))


def ours(args: argparse.Namespace, count: int, port: int, *, whole: bool) -> Measured:
    command = [sys.executable, __file__, str(args.corpus), "--images", str(count), "--workers", str(args.workers)]
    told, cpu = timed([*command, "--port", str(port), "--gate", args.gate, *(["--whole"] if whole else [])])
    if told["outcomes"].get("Failed") or sum(told["outcomes"].values()) != count:
        raise SystemExit(f"pictures failed: {told['outcomes']}")
    return Measured(count / told["seconds"], count / told["steady"], cpu / count * 1e3, str(told["outcomes"]))


def theirs(python: Path, files: Sequence[str], port: int, *, size: int) -> Measured:
    with tempfile.TemporaryDirectory() as name:
        Path(name, "urls.txt").write_text("".join(f"http://127.0.0.1:{port}/{file}\n" for file in files))
        told, cpu = timed([str(python), "-c", BESIDE, f"{name}/urls.txt", f"{name}/out", str(size)])
        shards = [json.loads(path.read_text()) for path in Path(name, "out").glob("*_stats.json")]
        written = len(list(Path(name, "out").rglob("*.jpg")))
    if written != len(files):
        raise SystemExit(f"img2dataset wrote {written} of {len(files)} pictures")
    steady = max(shard["end_time"] for shard in shards) - min(shard["start_time"] for shard in shards)
    return Measured(written / told["seconds"], written / steady, cpu / written * 1e3, f"{written} written")


def timed(command: Sequence[str]) -> tuple[dict, float]:
    """The JSON on the last line that a command prints, and its seconds of CPU."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    env = {**os.environ, "NO_ALBUMENTATIONS_UPDATE": "1"}
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True, env=env)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return json.loads(done.stdout.splitlines()[-1]), cpu


def compare(args: argparse.Namespace, count: int, port: int) -> None:
    files = files_of(args.corpus, count)
    ratios: dict[str, list[float]] = {}
    print(f"{count} pictures, gate {args.gate}, {args.workers} threads", flush=True)
    for number in range(1, args.rounds + 1):
        gated = ours(args, count, port, whole=False)
        besides = {size: theirs(args.img2dataset, files, port, size=size) for size in SIZES}
        whole = ours(args, count, port, whole=True)
        print(f"round {number}, load average {os.getloadavg()[0]:.1f}")
        mine = {"download and gate": gated, "whole line": whole}
        for name, one in (mine | {f"img2dataset {size}": beside for size, beside in besides.items()}).items():
            rates = f"{one.rate:4.0f} pictures/s ({one.steady:.0f} steady)"
            print(f"  {name:18}{rates}, {one.cpu_ms:.1f} ms CPU each, {one.what}", flush=True)
        for size, beside in besides.items():
            for name, one in mine.items():
                ratios.setdefault(f"{name} / img2dataset {size}", []).append(one.rate / beside.rate)
                ratios.setdefault(f"{name} / img2dataset {size}, steady", []).append(one.steady / beside.steady)
    for name, found in ratios.items():
        low, middle, high = min(found), statistics.median(found), max(found)
        print(f"{count} pictures, {name}: {middle:.2f} (median; {low:.2f} to {high:.2f})")


def files_of(corpus: Path, count: int) -> list[str]:
    with (corpus / "manifest.csv").open() as stream:
        return [row["file"] for row in csv.DictReader(stream)][:count]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--img2dataset", type=Path, help="the Python of its environment")
    parser.add_argument("--images", type=int, nargs="+", default=[1000, 5000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--gate", default="fast")
    parser.add_argument("--port", type=int, help="run our side alone, against the server there")
    parser.add_argument("--whole", action="store_true", help="with --port: the whole line")
    args = parser.parse_args()
    if args.port is not None:
        files = files_of(args.corpus, args.images[0])
        look(files, args.port, args.workers, gate_name=args.gate, whole=args.whole)
        return
    if args.img2dataset is None:
        parser.error("--img2dataset is needed: the Python of its environment")
    command = [sys.executable, str(Path(__file__).with_name("picture_server.py")), str(args.corpus)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        for count in args.images:
            compare(args, count, port)
        server.communicate()


if __name__ == "__main__":
    main()
