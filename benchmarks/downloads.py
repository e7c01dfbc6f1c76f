"""Download and judge 5,000 URLs, beside img2dataset, which downloads and resizes them.

    python -m venv /tmp/i2d && /tmp/i2d/bin/pip install img2dataset
    python benchmarks/downloads.py ../shared/corpus --img2dataset /tmp/i2d/bin/python

A web server on loopback, in a process of its own, gives the pictures of the corpus. Ours goes through `run_many`: guarded
download (the address check is on: host names resolve to a public address through an injected resolver, and an injected
connector takes the connection to the server), load, gate; nothing is called. img2dataset runs in an environment of its own
with its defaults: one process, its own threads, resizing to 256 pixels. Rounds take turns; ratios are of one run.
"""

from __future__ import annotations

import argparse
import csv
import functools
import http.server
import multiprocessing
import os
import socket
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path

import cloudvision
from cloudvision import images
from cloudvision.providers.fake import Fake

PUBLIC = "93.184.215.14"  # never connected to: the connector below goes to the server instead


class Quiet(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 512
    daemon_threads = True


def serve(folder: str, port: object) -> None:
    server = Server(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    port.send(server.server_port)  # type: ignore[attr-defined]
    server.serve_forever()


def ours(paths: list[str], port: int, workers: int, gate: cloudvision.Gate) -> tuple[float, Counter[str]]:
    def connect(_address: tuple[str, int], timeout: float) -> socket.socket:
        return socket.create_connection(("127.0.0.1", port), timeout)

    def resolve(_host: str, _port: int) -> list[str]:
        return [PUBLIC]

    urls = [f"http://pictures.example/{path}" for path in paths]
    with cloudvision.Fetcher(resolver=resolve, connector=connect, env={}) as fetcher:
        pipeline = cloudvision.Pipeline(
            Fake(), gate=gate, load=functools.partial(images.load, fetcher=fetcher), policy=cloudvision.Policy()
        )
        start = time.perf_counter()
        outcomes = Counter(
            type(o).__name__ for o in cloudvision.run_many(pipeline, urls, workers=workers, order="done")
        )
        return time.perf_counter() - start, outcomes


def theirs(python: Path, paths: list[str], port: int) -> tuple[float, str]:
    with tempfile.TemporaryDirectory() as name:
        Path(name, "urls.txt").write_text("".join(f"http://127.0.0.1:{port}/{path}\n" for path in paths))
        code = (
            "import sys, time, img2dataset; start = time.perf_counter();"
            "img2dataset.download(url_list=sys.argv[1], output_folder=sys.argv[2]);"
            "print('SECONDS', time.perf_counter() - start)"
        )
        done = subprocess.run(
            [str(python), "-c", code, f"{name}/urls.txt", f"{name}/out"],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "NO_ALBUMENTATIONS_UPDATE": "1"},
        )
        files = len(list(Path(name, "out").rglob("*.jpg")))
    seconds = float(done.stdout.split("SECONDS")[1].split()[0])
    return seconds, f"{files} pictures written"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--img2dataset", type=Path, required=True, help="the Python of its environment")
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--workers", type=int, default=8)
    args = parser.parse_args()
    with (args.corpus / "manifest.csv").open() as stream:
        paths = [row["file"] for row in csv.DictReader(stream)][: args.images]
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(str(args.corpus.resolve()), there))
    server.daemon = True
    server.start()
    port = here.recv()
    gate = cloudvision.Gate.load()
    try:
        for number in range(args.rounds):
            took, outcomes = ours(paths, port, args.workers, gate)
            beside, what = theirs(args.img2dataset, paths, port)
            print(f"round {number + 1}: cloudvision {len(paths) / took:.0f} pictures/s {dict(outcomes)},")
            print(f"  img2dataset {len(paths) / beside:.0f} pictures/s ({what}), ratio {beside / took:.2f}")
    finally:
        server.terminate()


if __name__ == "__main__":
    main()
